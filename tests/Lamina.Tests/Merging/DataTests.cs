using System.Security.Cryptography;
using Lamina.Format;
using Lamina.Reading;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tests.Reading;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Merging;

/// <summary>Where data is and how far: large files, holes, blocks of several sizes, indexes of indexes, devices.</summary>
public class DataTests
{
    private const long Gi = 1L << 30;

    [Fact]
    public void A_file_of_6_GiB_with_holes_has_its_bytes_in_every_mode()
    {
        KernelMount.SkipUnlessOverlayIsPossible();
        (long At, byte[] Data)[] pieces = [(0, Noise(1, 5000)), (3 * Gi, Noise(2, 4096)), (5 * Gi + 4096, Noise(3, 8192)),
            (6 * Gi - 100, Noise(4, 100))];
        ImageFile low = TestImages.Of(Grow.Directory(("sparse", Grow.Placed(Sparse(6 * Gi, pieces)))));
        ImageFile high = TestImages.Of(Grow.Directory(("other", Grow.File("x"))));
        Assert.InRange(new FileInfo(low.Path).Length, 1, 16 << 20);
        long[] holes = [8192, Gi, 4 * Gi - 4096, 4 * Gi, 5 * Gi, 6 * Gi - 8192];
        using (ErofsImage image = ErofsImage.Open(low.Path))
        {
            // In small steps: what is read may lie in a hole as a whole, far before data that stands near the image's start.
            ContentSource reader = image.GetEntry("/sparse").OpenReader();
            byte[] step = new byte[4096];
            foreach (long hole in holes)
            {
                Assert.Equal(step.Length, reader.Read(hole, step));
                Assert.Equal(-1, step.AsSpan().IndexOfAnyExcept((byte)0));
            }
        }
        foreach (WriteOptions options in (WriteOptions[])[TestImages.Full, TestImages.Index, TestImages.Flat,
            TestImages.Full with { Kernel = KernelProfile.Linux615 }])
        {
            ImageFile merged = TestImages.Merge(options, low, high);
            using KernelMount mount = merged.Mount();
            using FileStream file = File.OpenRead($"{mount.Path}/sparse");
            Assert.Equal(6 * Gi, file.Length);
            foreach ((long at, byte[] data) in pieces)
                Assert.Equal(data, ReadAt(file, at, data.Length));
            foreach (long hole in holes)
                Assert.Equal(new byte[4096], ReadAt(file, hole, 4096));
        }
    }

    [Fact]
    public void Data_beyond_4_GiB_of_an_original_is_referred_to_where_it_is()
    {
        KernelMount.SkipUnlessPossible();
        string device = Scratch.NewPath("device");
        byte[] data = Noise(5, 10000);
        using (FileStream file = File.Create(device))
        {
            file.SetLength(7 * Gi);
            file.Position = 6 * Gi + 8192;
            file.Write(data);
        }
        Original original = new(ByteSource.OpenFile(device), OriginalKind.Device);
        PlacedContent content = new(data.Length, new PlacedExtent(0, original, 6 * Gi + 8192, data.Length), 4096);
        ImageFile index = IndexOf(Grow.Directory(("far", Grow.Placed(content))), original);
        ImageFile other = TestImages.Of(Grow.Directory(("near", Grow.File(Noise(6, 9000)))));
        // The far one is not the first device, so its addresses move by as much as the first one takes.
        ImageFile merged = TestImages.Merge(TestImages.Index with { ComputeDigests = false }, other, index);
        using KernelMount mount = merged.Mount();
        Assert.Equal(data, File.ReadAllBytes($"{mount.Path}/far"));
        Assert.Equal(Noise(6, 9000), File.ReadAllBytes($"{mount.Path}/near"));
    }

    [Fact]
    public void Holes_between_chunks_stay_holes_and_no_block_0()
    {
        Node root = Grow.Directory(
            ("between", Grow.Placed(Sparse(5 * 4096, (4096, Noise(1, 4096)), (3 * 4096, Noise(2, 4096))))),
            ("all", Grow.Placed(Sparse(1 << 20))), ("start", Grow.Placed(Sparse(8193, (8192, [7])))),
                ("end", Grow.Placed(Sparse(9 << 20, (0, Noise(3, 4096))))));
        TestImages.AssertMergesAsOverlay(root, Grow.Directory(("x", Grow.Fifo())));
        // Indexes of 8 bytes, each chunk with a device of its own to name, a hole with all address bits set.
        string[] layers = [Corpus.PathOf("chunk-index.erofs"), TestImages.Of(Grow.Directory())];
        foreach (WriteOptions options in (WriteOptions[])[TestImages.Index, TestImages.Full])
        {
            ImageFile merged = TestImages.MergeAs(options, null, layers);
            Assert.Equal(Files(Corpus.Truth("chunk-index.erofs")), Files(TestImages.Shown(merged, noLinkCounts: false)));
        }
    }

    [Fact]
    public void A_hole_of_any_size_takes_little_room_and_one_that_no_table_can_hold_is_refused()
    {
        KernelMount.SkipUnlessPossible();
        ImageFile image = TestImages.Merge(TestImages.Full,
            TestImages.Of(Grow.Directory(("hole", Grow.Placed(Sparse(1L << 55))))), TestImages.Of(Grow.Directory()));
        Assert.InRange(new FileInfo(image.Path).Length, 1, 1 << 20);
        using (KernelMount mount = image.Mount())
        {
            using FileStream file = File.OpenRead($"{mount.Path}/hole");
            Assert.Equal((1L << 55, 0), (file.Length, ReadAt(file, (1L << 54) + 5, 100).Max()));
        }
        UnsupportedImageException fault = Assert.Throws<UnsupportedImageException>(() =>
            TestImages.Of(Grow.Directory(("hole", Grow.Placed(Sparse(1L << 60, (4096, new byte[4096])))))));
        Assert.Contains("a sparse file of 1152921504606846976 bytes", fault.Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Layers_of_different_block_sizes_and_a_tar_merge_in_any_order(bool tarFirst)
    {
        byte[] data = Noise(1, 5000);
        Traits traits = new() { Permissions = 0x1A4, Modified = new(3, 0) };
        Node Tree(int number) => Grow.Directory(new Traits { Modified = new(3, 0) },
            ("common", Grow.File([.. data, (byte)number], traits)),
            ($"own-{number}", Grow.File(Noise(number, 700 * number), traits)));
        string tar = Scratch.NewPath("layer.tar");
        TarFields fields = new() { Modified = 3 };
        File.WriteAllBytes(tar, new TarBuilder().Directory("./", modified: 3)
            .Add(fields with { Name = "common"u8.ToArray() }, [.. data, 4]).Add(fields with { Name = "own-4"u8.ToArray() },
                Noise(4, 2800)).End().ToArray());
        List<string> layers = [TestImages.Of(Tree(1), 512), TestImages.Of(Tree(2), 4096), TestImages.Of(Tree(3), 1024)];
        List<ImageFile> twins = [.. layers.Select(path => new ImageFile(path, []))];
        layers.Insert(tarFirst ? 0 : 3, tar);
        twins.Insert(tarFirst ? 0 : 3, TestImages.Of(Tree(4)));
        string[] expected = TestImages.Overlaid(twins);
        foreach (OutputMode mode in Enum.GetValues<OutputMode>())
            Assert.Equal(expected, TestImages.Shown(TestImages.MergeAs(new WriteOptions { Mode = mode }, null, layers)));
        foreach (int blockSize in (int[])[512, 1024, 2048, 4096])
        {
            Assert.Equal(expected, TestImages.Shown(TestImages.MergeAs(TestImages.Flat with { BlockSize = blockSize }, null,
                layers)));
            Assert.Equal(expected,
                TestImages.Shown(TestImages.MergeAs(TestImages.Index with
                {
                    BlockSize = blockSize,
                    Kernel = KernelProfile.Linux615
                }, null, layers)));
        }
        UnsupportedImageException fault = Assert.Throws<UnsupportedImageException>(() =>
            TestImages.MergeAs(TestImages.Index with { BlockSize = 4096 }, null, layers));
        Assert.Contains("would have to be copied", fault.Message);
    }

    [Fact]
    public void Blocks_larger_than_a_page_are_not_made()
    {
        foreach (int blockSize in (int[])[0, 256, 8192, 16384, 65536, 1000])
            Assert.Throws<ArgumentException>(() => TestImages.Of(Grow.Directory(), blockSize));
    }

    [Fact]
    public void A_merged_index_is_a_layer_again_and_mixes_with_images_that_have_devices_of_their_own()
    {
        ImageFile a = TestImages.Of(Grow.Directory(("a", Grow.File(Noise(1, 9000))), ("common", Grow.File("a"))));
        ImageFile b = TestImages.Of(Grow.Directory(("b", Grow.File(Noise(2, 9000))), ("common", Grow.File(Noise(3, 4096)))));
        ImageFile blob = new(Corpus.PathOf("blob.erofs"), [Corpus.PathOf("blob.dev")]);
        ImageFile index = TestImages.Merge(TestImages.Index, a, b);
        Assert.Equal(2, index.Devices.Count);
        ImageFile again = TestImages.Merge(TestImages.Index, blob, index);
        Assert.Equal(5, again.Devices.Count);
        ImageFile third = TestImages.Merge(TestImages.Index, again, TestImages.Of(Grow.Directory(("b", Grow.Whiteout()))));
        string[] expected = TestImages.Overlaid(blob, index);
        Assert.Equal(expected, TestImages.Shown(again));
        Assert.Equal(expected.Skip(1).Where(row => !row.Contains("\"path\": \"/b\"")), TestImages.Shown(third).Skip(1));
        Assert.Equal(expected, TestImages.Shown(TestImages.Merge(TestImages.Full, blob, index)));
    }

    [Fact]
    public void The_tags_of_devices_are_the_digests_of_the_originals_in_their_order()
    {
        ImageFile[] layers = [TestImages.Of(Grow.Directory(("a", Grow.File("a")))),
            TestImages.Of(Grow.Directory(("b", Grow.File("b")))), TestImages.Of(Grow.Directory())];
        ImageFile index = TestImages.Merge(TestImages.Index, layers);
        Assert.Equal(layers.Select(layer => layer.Path), index.Devices);
        using ErofsImage image = ErofsImage.Open(ByteSource.OpenFile(index.Path), [.. index.Devices.Select(ByteSource.OpenFile)]);
        Assert.Equal(
            layers.Select(layer => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(layer.Path)))),
            image.Space.Slots.Select(slot => System.Text.Encoding.ASCII.GetString(slot.Tag.Span)));
    }

    [Fact]
    public void An_image_without_its_devices_or_with_too_many_is_refused_by_count()
    {
        ImageFile index = TestImages.Merge(TestImages.Index, TestImages.Of(Grow.Directory(("a", Grow.File(new byte[5000])))),
            TestImages.Of(Grow.Directory()));
        foreach (string[] devices in (string[][])[[], [index.Devices[0]], [.. index.Devices, index.Devices[0]]])
        {
            ImageFile wrong = index with { Devices = devices };
            UnsupportedImageException fault = Assert.Throws<UnsupportedImageException>(() => TestImages.Merge(TestImages.Full,
                wrong, TestImages.Of(Grow.Directory())));
            Assert.Contains($"has 2 devices, {devices.Length} were given", fault.Message);
        }
    }

    [Fact]
    public void A_device_address_beyond_32_bits_of_blocks_is_whole_or_refused()
    {
        DeviceSlot slot = new(new byte[DeviceSlot.TagSize], 0x1234_5678_9ABC, 0xFEDC_BA98_7654);
        byte[] bytes = new byte[DeviceSlot.Size];
        slot.WriteTo(bytes);
        DeviceSlot parsed = DeviceSlot.Parse(bytes);
        Assert.Equal((slot.Blocks, slot.UnifiedAddress), (parsed.Blocks, parsed.UnifiedAddress));

        Original original = new(new EndlessSource(20L << 40), OriginalKind.Device);
        PlacedContent content = new(4096, new PlacedExtent(0, original, 19L << 40, 4096), 4096);
        UnsupportedImageException fault = Assert.Throws<UnsupportedImageException>(() =>
            IndexOf(Grow.Directory(("far", Grow.Placed(content))), original));
        Assert.Contains("more than 2^32 blocks", fault.Message);
    }

    /// <summary>Regular files without their attributes: overlayfs's own do not survive a merge.</summary>
    private static IEnumerable<string> Files(string[] rows) =>
        rows.Where(row => row.Contains("\"type\": \"f\"")).Select(row => row.Split(", \"xattrs\"")[0].TrimEnd('}'));

    private static ImageFile IndexOf(Node root, Original original)
    {
        string path = Scratch.NewPath("index.erofs");
        Layer layer = new()
        {
            Name = "device",
            Root = root,
            Rules = WhiteoutRules.Overlay,
            Originals = [original],
            BlockSize = 4096
        };
        WriteResult result = ImageWriter.Write(root, [layer], path, TestImages.Index with { ComputeDigests = false });
        return new ImageFile(path, result.Devices);
    }

    /// <summary>A file whose pieces lie in memory, everything else a hole.</summary>
    private static PlacedContent Sparse(long size, params (long At, byte[] Data)[] pieces) => new(size,
        [.. pieces.Select(piece => new PlacedExtent(piece.At, new Original(ByteSource.FromMemory("piece", piece.Data),
            OriginalKind.Device), 0, piece.Data.Length))], 1);

    private static byte[] Noise(int seed, int length)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static byte[] ReadAt(FileStream file, long position, int count)
    {
        byte[] bytes = new byte[count];
        file.Position = position;
        file.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>A device of any size, all zeros.</summary>
    private sealed class EndlessSource(long length) : ByteSource
    {
        public override string Name => "endless";

        public override long Length => length;

        public override int Read(long offset, Span<byte> destination)
        {
            destination.Clear();
            return (int)Math.Clamp(length - offset, 0, destination.Length);
        }
    }
}
