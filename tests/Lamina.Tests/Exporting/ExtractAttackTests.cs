using System.Buffers.Binary;
using System.Text;
using Lamina.Compression;
using Lamina.Describing;
using Lamina.Exporting;
using Lamina.Format;
using Lamina.Layers;
using Lamina.Reading;
using Lamina.Tests.Compression;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Exporting;

/// <summary>
/// What an image may try to leave the directory that it is extracted into, to fill the machine, or to run forever. Trees are
/// made in memory, past the readers that would refuse most of them, and as images with bytes changed.
/// </summary>
public class ExtractAttackTests
{
    private readonly string _outside;
    private readonly string _folder;
    private readonly string[] _before;

    public ExtractAttackTests()
    {
        string place = Scratch.NewFolder("attack");
        _outside = Directory.CreateDirectory(Path.Combine(place, "outside")).FullName;
        _folder = Path.Combine(place, "in");
        File.WriteAllText(Path.Combine(_outside, "file"), "precious");
        File.WriteAllText(Path.Combine(place, "beside"), "precious");
        _before = Trees.Snapshot(_outside);
    }

    [Theory]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("")]
    [InlineData("../beside")]
    [InlineData("/etc/lamina-attack")]
    [InlineData("a/b")]
    [InlineData("a\0b")]
    public void A_name_that_is_none_is_refused(string name)
    {
        MustRefuse(Trees.Root(Trees.File("a"), Trees.File(name, "evil")));
        MustRefuse(Trees.Root(Trees.Directory("d", Trees.Directory(name, Trees.File("beside", "evil")))));
        MustRefuse(Trees.Root(Trees.Link(name, "evil")));
    }

    [Fact]
    public void A_name_of_256_bytes_is_refused() => MustRefuse(Trees.Root(Trees.File(new string('n', 256))));

    [Fact]
    public void A_link_target_with_a_NUL_or_of_nothing_is_refused()
    {
        MustRefuse(Trees.Root(Trees.Link("l", "a\0b")));
        MustRefuse(Trees.Root(Trees.Link("l", "")));
        MustRefuse(Trees.Root(Trees.Link("l", new string('t', 5000))));
    }

    [Fact]
    public void A_link_and_then_a_directory_of_its_name_is_refused()
    {
        MustRefuse(Trees.Root(new Listing([Trees.Link("evil", _outside), Trees.Directory("evil", Trees.File("file", "evil"))])));
        MustRefuse(Trees.Root(new Listing([Trees.Link("evil", Path.Combine(_outside, "file")), Trees.File("evil", "evil")])));
        MustRefuse(Trees.Root(new Listing([Trees.File("b"), Trees.File("a")])));
    }

    [Fact]
    public void Links_that_lead_outside_are_made_and_never_followed()
    {
        Node link = Trees.LinkNode(Path.Combine(_outside, "file"));
        Node root = Trees.Root(
            Trees.Link("absolute", _outside), Trees.Link("up", "../outside"),
            new Entry(Trees.Bytes("first"), link), new Entry(Trees.Bytes("second"), link));
        Trees.Extract(root, _folder);
        AssertUntouched();
        Assert.Equal(Trees.Bytes(Path.Combine(_outside, "file")),
            RawFiles.LinkTarget(Trees.Bytes(Path.Combine(_folder, "second"))));
    }

    [Fact]
    public void With_force_links_in_the_way_are_replaced_and_not_followed()
    {
        Directory.CreateDirectory(_folder);
        File.CreateSymbolicLink(Path.Combine(_folder, "dir"), _outside);
        File.CreateSymbolicLink(Path.Combine(_folder, "file"), Path.Combine(_outside, "file"));
        File.CreateSymbolicLink(Path.Combine(_folder, "pipe"), Path.Combine(_outside, "new"));
        File.CreateSymbolicLink(Path.Combine(_folder, "second"), Path.Combine(_outside, "new"));
        Node shared = Trees.Shared("x");
        Node root = Trees.Root(
            Trees.Directory("dir", Trees.File("file", "evil")), Trees.File("file", "evil"), Trees.Special("pipe", NodeType.Fifo),
            new Entry(Trees.Bytes("a"), shared), new Entry(Trees.Bytes("second"), shared));
        Trees.Extract(root, _folder, new ExtractOptions { Overwrite = true, SetsOwners = false });
        AssertUntouched();
        Assert.Equal("evil", File.ReadAllText(Path.Combine(_folder, "dir/file")));
        Assert.Null(File.ResolveLinkTarget(Path.Combine(_folder, "dir"), false));
    }

    [Fact]
    public void A_hard_link_of_a_file_outside_is_replaced_and_not_written_through()
    {
        Directory.CreateDirectory(_folder);
        Tools.Run("ln", Path.Combine(_outside, "file"), Path.Combine(_folder, "file")).MustSucceed();
        Trees.Extract(Trees.Root(Trees.File("file", "evil")), _folder,
            new ExtractOptions { Overwrite = true, SetsOwners = false });
        Assert.Equal("precious", File.ReadAllText(Path.Combine(_outside, "file")));
        Assert.Equal("evil", File.ReadAllText(Path.Combine(_folder, "file")));
    }

    [Fact]
    public void A_directory_that_becomes_a_link_in_the_middle_is_not_followed()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "dir"));
        using ExtractTarget target = ExtractTarget.Open(_folder, new ExtractOptions { Overwrite = true });
        using FileMaker maker = new(target);
        ItemPath path = ItemPath.Root.Of(Trees.Bytes("dir"));
        Directory.Delete(Path.Combine(_folder, "dir"));
        File.CreateSymbolicLink(Path.Combine(_folder, "dir"), _outside);
        Assert.Throws<IOException>(() => maker.MakeFile(new TreeItem(path.Of(Trees.Bytes("file")), Trees.FileNode("evil"))));
        AssertUntouched();
    }

    [Fact]
    public void Tars_whose_names_or_hard_links_lead_outside_touch_nothing()
    {
        TarBuilder[] archives =
        [
            new TarBuilder().File("a", "a").Link("b", "../outside/file"),
            new TarBuilder().Link("b", Path.Combine(_outside, "file")),
            new TarBuilder().Symlink("l", _outside).Link("b", "l/file"),
            new TarBuilder().Symlink("l", _outside).File("l/file", "evil"),
            new TarBuilder().File("../outside/file", "evil"),
            new TarBuilder().File(Path.Combine(_outside, "file")[1..], "kept inside"),
        ];
        foreach (TarBuilder archive in archives)
        {
            string folder = Scratch.NewPath("in");
            try
            {
                using Layer layer = TarLayer.Open(archive.End().ToSource());
                Trees.Extract(layer.Root, folder);
            }
            catch (Exception refusal) when (refusal is CorruptImageException or UnsupportedImageException)
            {
                Assert.False(Directory.Exists(folder));
            }
            AssertUntouched();
        }
    }

    [Fact]
    public void A_directory_that_contains_itself_is_refused()
    {
        Entry[] entries = [default, default];
        Node self = Trees.Root(new Listing(entries));
        entries[0] = new Entry(Trees.Bytes("a"), self);
        entries[1] = new Entry(Trees.Bytes("b"), self);
        MustRefuse(self);
        MustRefuse(Trees.Root(Trees.Directory("d", new Entry(Trees.Bytes("e"), self))));
    }

    [Fact]
    public void A_tree_without_end_is_refused_at_a_depth_that_has_a_name() => MustRefuse(Trees.Root(new Endless()));

    [Fact]
    public void Devices_are_left_out_with_a_warning_for_those_who_may_not_make_them()
    {
        Node root = Trees.Root(
            Trees.Special("block", NodeType.BlockDevice, 7, 1), Trees.Special("char", NodeType.CharacterDevice, 1, 3),
            Trees.File("file", mode: 0x9ED), Trees.Special("pipe", NodeType.Fifo), Trees.Special("socket", NodeType.Socket));
        string folder = Path.Combine(Unprivileged.NewFolder(), "in");
        Unprivileged.Run(() =>
        {
            ExtractResult result = Extractor.Extract("test", root, folder);
            Assert.Equal(2, result.Warnings.Count(warning => warning.Contains("CAP_MKNOD")));
            Assert.Single(result.Warnings, warning => warning.StartsWith("/file: set-user-id"));
        });
        Assert.Equal(["file", "pipe", "socket"], Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Order());
        Assert.Equal(65534u, RawFiles.Status(Trees.Bytes(Path.Combine(folder, "file"))).User);
        Assert.Equal((UnixFileMode)0x1ED, File.GetUnixFileMode(Path.Combine(folder, "file")));
    }

    [Fact]
    public void A_directory_of_somebody_else_keeps_its_permissions_with_a_warning()
    {
        string folder = Unprivileged.NewFolder();
        Unprivileged.Run(() =>
        {
            ExtractResult result = Extractor.Extract("test", Trees.Root(Trees.File("file")), folder);
            Assert.NotEmpty(result.Warnings);
            Assert.All(result.Warnings, warning => Assert.StartsWith("/: the ", warning));
        });
        Assert.Equal("data", File.ReadAllText(Path.Combine(folder, "file")));
        Assert.Equal((UnixFileMode)0x1FF, File.GetUnixFileMode(folder));
    }

    [Fact]
    public void A_program_that_runs_as_its_owner_does_not_get_another_owner()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root has owners to give");
        Node program = new()
        {
            Type = NodeType.RegularFile,
            Permissions = 0xDED,
            UserId = 1000,
            GroupId = 1000,
            HasSingleName = true,
            Payload = new BytesContent(new byte[1]),
        };
        Node root = Trees.Root(new Entry(Trees.Bytes("program"), program));
        Assert.Empty(Trees.Extract(root, _folder).Warnings);
        Assert.Equal((UnixFileMode)0x1ED, File.GetUnixFileMode(Path.Combine(_folder, "program")));
        Extractor.Extract("test", root, _folder, new ExtractOptions { Overwrite = true });
        Assert.Equal((UnixFileMode)0xDED, File.GetUnixFileMode(Path.Combine(_folder, "program")));
    }

    [Fact]
    public void Devices_are_left_out_without_a_warning_when_that_was_asked_for()
    {
        Node root = Trees.Root(Trees.Special("block", NodeType.BlockDevice, 7, 1), Trees.File("file"));
        ExtractResult result = Trees.Extract(root, _folder, new ExtractOptions { MakesDevices = false, SetsOwners = false });
        Assert.Empty(result.Warnings);
        Assert.False(File.Exists(Path.Combine(_folder, "block")));
    }

    [Fact]
    public void Directories_that_nobody_may_enter_are_filled_and_attributes_that_nobody_may_set_are_told()
    {
        Entry closed = Trees.Directory("closed", Trees.File("file", "x", 0));
        Node shut = new() { Type = NodeType.Directory, Permissions = 0, Modified = Trees.Time, Payload = closed.Node.Payload };
        Node labelled = Trees.With(Trees.FileNode("x", 0x124), ("trusted.t", [1]), ("user.u", [2]));
        Node root = Trees.Root(new Entry(Trees.Bytes("closed"), shut), new Entry(Trees.Bytes("labelled"), labelled));
        string folder = Path.Combine(Unprivileged.NewFolder(), "in");
        Unprivileged.Run(() =>
        {
            ExtractResult result = Extractor.Extract("test", root, folder);
            Assert.Contains("trusted.t", Assert.Single(result.Warnings));
        });
        Assert.Equal("x", File.ReadAllText(Path.Combine(folder, "closed/file")));
        Assert.Equal("user.u", Encoding.UTF8.GetString(
            Assert.Single(RawFiles.Attributes(Trees.Bytes(Path.Combine(folder, "labelled")))).Name));
    }

    [Fact]
    public void A_sparse_file_of_five_pebibytes_is_made_or_refused_but_never_written()
    {
        const long size = 5L << 50;
        Node root = Trees.Root(Trees.File("a"), new Entry(Trees.Bytes("huge"),
            Trees.FileNode(new PlacedContent(size, [], 4096))));
        try
        {
            Trees.Extract(root, _folder);
            Assert.Equal(size, new FileInfo(Path.Combine(_folder, "huge")).Length);
            Assert.Equal(0, ExtractTests.Blocks(Path.Combine(_folder, "huge")));
        }
        catch (IOException refusal)
        {
            Assert.Contains("huge: a file of 5629499534213120 bytes cannot be made", refusal.Message);
            Assert.False(Directory.Exists(_folder));
        }
    }

    [Fact]
    public void An_image_with_a_slash_a_NUL_or_dots_in_a_name_is_refused()
    {
        foreach (string evil in (string[])["../", "/ab", "a\0b"])
        {
            byte[] image = Image(out byte[] name, out _);
            int at = image.AsSpan().IndexOf(name);
            Assert.True(at > 0);
            Encoding.ASCII.GetBytes(evil).CopyTo(image, at);
            MustRefuse(image);
        }
    }

    [Fact]
    public void An_image_whose_directory_is_its_own_parent_is_refused()
    {
        byte[] image = Image(out _, out (ulong Child, ulong Root) nids);
        // A record of a directory: its number, where the name begins, and 2 for the type.
        for (int at = SuperBlock.Offset; at < image.Length - DirectoryRecord.Size; at++)
        {
            bool isRecord = BinaryPrimitives.ReadUInt64LittleEndian(image.AsSpan(at)) == nids.Child && image[at + 10] == 2;
            if (isRecord)
                BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(at), nids.Root);
        }
        MustRefuse(image);
    }

    /// <summary>An image of the corpus, a name of a file in it, and the numbers of a directory and of the root.</summary>
    private static byte[] Image(out byte[] name, out (ulong Child, ulong Root) nids)
    {
        string path = Corpus.Layer("base", "plain");
        using (Layer layer = LayerOpener.Open(path))
        {
            TreeItem file = TreeWalk.Walk("base", layer.Root).First(item => item.Node.Type == NodeType.RegularFile
                && item.Path.Name.Length >= 8);
            name = file.Path.Name.ToArray();
            Entry directory = layer.Root.Listing.Read().First(entry => entry.Node.IsDirectory);
            InodeInfo[] found = [.. InodeInfo.Read(path, [], [[.. "/"u8, .. directory.Name.Span], []])!];
            nids = (found[0].Nid, found[1].Nid);
        }
        return File.ReadAllBytes(path);
    }

    private void MustRefuse(byte[] image)
    {
        Span<byte> covered = image.AsSpan(SuperBlock.Offset, SuperBlock.ChecksummedLength(4096));
        BinaryPrimitives.WriteUInt32LittleEndian(covered[4..], SuperBlock.ComputeChecksum(covered));
        using Layer layer = ErofsLayer.Open(ErofsImage.Open(ByteSource.FromMemory("evil.erofs", image)));
        MustRefuse(layer.Root);
    }

    private void MustRefuse(Node root)
    {
        Assert.Throws<CorruptImageException>(() => Trees.Extract(root, _folder));
        Assert.False(Directory.Exists(_folder));
        AssertUntouched();
        // Whatever else goes through a tree refuses it as well.
        Assert.Throws<CorruptImageException>(() => Trees.ManifestOf("test", root));
        Assert.Throws<CorruptImageException>(() => TarExport.Write("test", root, Stream.Null));
        Assert.Throws<CorruptImageException>(() => CpioExport.Write("test", root, Stream.Null));
    }

    private void AssertUntouched()
    {
        Assert.Equal(_before, Trees.Snapshot(_outside));
        Assert.Equal("precious", File.ReadAllText(Path.Combine(Path.GetDirectoryName(_outside)!, "beside")));
        Assert.False(File.Exists("/etc/lamina-attack"));
    }

    /// <summary>Entries as they are, in any order.</summary>
    private sealed class Listing(Entry[] entries) : DirectoryListing
    {
        public override Entry[] Read() => entries;
    }

    /// <summary>A directory in a directory, made anew each time: nobody can see that they are all one.</summary>
    private sealed class Endless : DirectoryListing
    {
        public override Entry[] Read() => [new Entry("d"u8.ToArray(), Trees.Root(new Endless()))];
    }
}
