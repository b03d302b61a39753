using System.Buffers.Binary;
using Lamina.Format;
using Lamina.Fuzz;
using Lamina.Layers;
using Lamina.Reading;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Reading;

/// <summary>Images whose every field is possible, but not together: loops, shared places, sizes that a few bytes claim.</summary>
public class HostileShapeTests
{
    private static readonly HostileImage s_hostile = new();

    [Fact]
    public void A_directory_in_two_places_is_no_tree()
    {
        // Two names for one directory, and a directory that is its own child.
        byte[] image = Written(Grow.Directory(("a", Grow.Directory()), ("b", Grow.Directory()),
            ("c", Grow.Directory(("d", Grow.Directory())))), out ImagePlaces places);
        byte[] twice = (byte[])image.Clone();
        SetNid(twice, places, "/", 3, places.NidOf("/a"));
        AssertCorrupt(twice, "the directory is in two places");
        byte[] loop = (byte[])image.Clone();
        SetNid(loop, places, "/c", 2, places.NidOf("/c"));
        AssertCorrupt(loop, "the directory is in two places");
        byte[] root = (byte[])image.Clone();
        SetNid(root, places, "/c", 2, places.NidOf("/"));
        AssertCorrupt(root, "the directory is in two places");
    }

    [Fact]
    public void Directories_that_share_their_names_are_counted_until_there_are_too_many()
    {
        // 200 directories of two blocks, all of them the first one's blocks: 40,000 names in an image with room for 200.
        const int count = 200;
        Node file = Grow.File("x");
        Node Many(int number) => Grow.DirectoryOf(new Traits(), Enumerable.Range(0, count).Select(i =>
            new Entry(Grow.Bytes($"name-{number}-{i:d4}-{new string('n', 20)}"), file)));
        (string, Node)[] entries = [("first", Many(0)), .. Enumerable.Range(1, count).Select(i =>
            ($"dir-{i:d3}", Grow.Directory(("small", Grow.Fifo()))))];
        byte[] image = Written(Grow.Directory(entries), out ImagePlaces places);
        ReadOnlySpan<byte> first = image.AsSpan(places.Of("inode:/first"), 32);
        Assert.Equal(DataLayout.FlatInline, InodeRecord.Parse(first).Layout);
        uint blocks = InodeRecord.Parse(first).Union;
        int size = (int)InodeRecord.Parse(first).Size & ~4095;
        for (int i = 1; i <= count; i++)
        {
            int at = places.Of($"inode:/dir-{i:d3}");
            image[at] &= 0xF1;                  // whole blocks: nothing of it is behind the inode (flat plain)
            BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(at + 8), (uint)size);
            BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(at + 16), blocks);
        }
        AssertCorrupt(image, "the image can hold");
    }

    [Fact]
    public void Inodes_that_overlap_are_refused()
    {
        Node[] files = [.. Enumerable.Range(0, 20).Select(i =>
            Grow.File("x", new Traits { Xattrs = [("user.x", new byte[100])] }))];
        byte[] image = Written(Grow.Directory([.. files.Select((file, i) => ($"f{i:d2}", file))]), out ImagePlaces places);
        // The tenth is met first, then the ninth, whose xattrs reach over it.
        SetNid(image, places, "/", 2, places.NidOf("/f10"));
        SetNid(image, places, "/", 3, places.NidOf("/f09"));
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(places.Of("inode:/f09") + 2), 200);
        AssertCorrupt(image, "overlap another inode's");
    }

    [Fact]
    public void An_inode_within_anothers_table_is_refused()
    {
        byte[] image = File.ReadAllBytes(Corpus.PathOf("chunk-index.erofs"));
        ImagePlaces places = new((byte[])image.Clone(), []);
        ulong inside = (ulong)(places.Of("chunks:/mixed/sparse") + 63) / 32;
        // An inode like any other, where the table is.
        image.AsSpan(places.Of("inode:/text/100"), 64).CopyTo(image.AsSpan((int)inside * 32));
        SetNid(image, places, "/mixed", 2, inside);
        AssertCorrupt(image, "overlap");
    }

    [Fact]
    public void A_packed_file_that_leads_to_itself_has_no_first_byte()
    {
        byte[] image = File.ReadAllBytes(Corpus.PathOf("frag-all-dedupe.erofs"));
        ImagePlaces places = new((byte[])image.Clone(), []);
        // A file that is all fragment becomes the packed file.
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(SuperBlock.Offset + 96), places.NidOf("/text/200001"));
        AssertCorrupt(image, "the packed file would be needed to read the packed file");
    }

    [Fact]
    public void A_packed_file_in_a_metabox_is_refused_as_kernels_open_it_before()
    {
        byte[] image = File.ReadAllBytes(Corpus.PathOf("metabox.erofs"));
        ImagePlaces places = new((byte[])image.Clone(), []);
        Span<byte> superBlock = image.AsSpan(SuperBlock.Offset);
        uint incompatible = BinaryPrimitives.ReadUInt32LittleEndian(superBlock[80..]) | (uint)IncompatibleFeatures.Fragments;
        BinaryPrimitives.WriteUInt32LittleEndian(superBlock[80..], incompatible);
        BinaryPrimitives.WriteUInt64LittleEndian(superBlock[96..], 1UL << 63 | 1);
        AssertCorrupt(image, "the packed file is said to be in the metabox");
        // Nor need it be a name that leads back to itself.
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(places.Of("metaboxmap")), 1UL << 63);
        AssertCorrupt(image, "the packed file is said to be in the metabox");
    }

    [Fact]
    public void Attributes_behind_padding_are_read_as_kernels_read_them()
    {
        byte[] image = Written(Grow.Directory(("f", Grow.File("x",
            new Traits { Xattrs = [("user.a", [1, 2, 3]), ("user.b", [4])] }))), out ImagePlaces places);
        int first = places.Of("xattrs:/f") + XattrHeader.Size;
        Assert.Equal((byte)'a', image[first + XattrEntryRecord.Size]);
        image.AsSpan(first, 8).Clear();
        Subject.Sum(image);
        using Layer layer = ErofsLayer.Open(ErofsImage.Open(ByteSource.FromMemory("padded", image)));
        Node file = ((DirectoryListing)layer.Root.Payload!).Read().Single().Node;
        Assert.Equal("user.b"u8.ToArray(), Assert.Single(file.Xattrs.Items.ToArray()).Name.ToArray());
    }

    [Fact]
    public void A_directory_of_a_gigabyte_that_is_not_there_takes_no_memory()
    {
        byte[] image = Written(Grow.Directory(("d", Grow.Directory(("x", Grow.Fifo())))), out ImagePlaces places);
        int at = places.Of("inode:/d");
        // All of it a hole.
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(at), (ushort)((int)DataLayout.FlatPlain << 1));
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(at + 8), 1 << 30);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(at + 16), uint.MaxValue);
        AssertCorrupt(image, "directories and link targets have 10737");
    }

    [Fact]
    public void Links_that_share_their_target_are_counted_until_there_are_too_many()
    {
        string target = new('t', 3000);
        byte[] image = Written(Grow.Directory([.. Enumerable.Range(0, 300).Select(i =>
            ($"link-{i:d3}", Grow.Link(i == 0 ? target : "x")))]), out ImagePlaces places);
        for (int i = 1; i < 300; i++)
        {
            int at = places.Of($"inode:/link-{i:d3}");
            BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(at), (ushort)((int)DataLayout.FlatPlain << 1));
            BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(at + 8), 3000);
            // Any block does that has no zeros; the one with the first target has few.
            BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(at + 16), (uint)image.Length / 4096);
        }
        AssertCorrupt([.. image, .. Enumerable.Repeat((byte)'t', 4096)], "the image can hold");
    }

    [Fact]
    public void Shared_attributes_that_overlap_are_counted_until_there_are_too_many()
    {
        // Each id is four bytes behind the one before, and each is an attribute of 64 KiB, in a new area behind all else.
        const int count = 400;
        Traits Of(int i) => new() { Xattrs = [("user.a", [(byte)i, (byte)(i >> 8)]), ("user.shared", new byte[6000])] };
        byte[] image = Written(Grow.Directory([.. Enumerable.Range(0, count).Select(i => ($"f{i:d4}", Grow.File("", Of(i))))]),
            out ImagePlaces places);
        int shared = image.Length;
        image = [.. image, .. new byte[1 << 17]];
        BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(SuperBlock.Offset + 44), shared / 4096);
        for (int at = shared; at + 4 <= image.Length; at += 4)
            BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(at), 0xFFF0_0101);
        for (int i = 0; i < count; i++)
        {
            int xattrs = places.Of($"xattrs:/f{i:d4}");
            Assert.Equal(1, image[xattrs + 4]);
            image.AsSpan(xattrs, sizeof(uint)).Clear();         // the filter of names, which would find another fault
            BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(xattrs + 12), (uint)i);
        }
        AssertCorrupt(image, "overlaps others");
    }

    private static byte[] Written(Node root, out ImagePlaces places)
    {
        byte[] image = File.ReadAllBytes(TestImages.Of(root).Path);
        places = new ImagePlaces((byte[])image.Clone(), []);
        return image;
    }

    /// <summary>Gives the name at a position of a directory's first block another inode. The two dots come first.</summary>
    private static void SetNid(byte[] image, ImagePlaces places, string directory, int at, ulong nid) =>
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(places.Of($"directory:{directory}") + at * DirectoryRecord.Size),
            nid);

    private static void AssertCorrupt(byte[] image, string expected)
    {
        Subject.Sum(image);
        CorruptImageException fault = Assert.IsType<CorruptImageException>(s_hostile.Try(image, [], TestImages.Full, expected));
        Assert.Contains(expected, fault.Message);
    }
}
