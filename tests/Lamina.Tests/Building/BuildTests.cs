using Lamina.Building;
using Lamina.Checking;
using Lamina.Compression;
using Lamina.Layers;
using Lamina.Tests.Cli;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Building;

/// <summary>What is built shows what its sources showed: in every codec, shape and layout, judged by the kernel.</summary>
public class BuildTests
{
    public static TheoryData<string> Codecs => ["lz4", "lzma", "deflate", "zstd"];

    public static TheoryData<string, bool, string, int> Shapes()
    {
        TheoryData<string, bool, string, int> cases = [];
        foreach (string codec in Codecs.Select(row => row.Data))
        {
            foreach (bool isPacked in (bool[])[false, true])
            {
                foreach (FragmentUse use in Enum.GetValues<FragmentUse>())
                {
                    foreach (int cluster in use == FragmentUse.All ? (int[])[4096, 65536, 1 << 20] : [65536])
                        cases.Add(codec, isPacked, use.ToString(), cluster);
                }
            }
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_built_image_shows_its_source(string codec, bool isPacked, string use, int cluster)
    {
        ImageFile plain = TestImages.Of(Compressible.Tree(cluster + use.Length, isSlow: codec == "lzma"));
        ImageFile built = Build(new EncodeOptions
        {
            Codec = Enum.Parse<Codec>(codec, true),
            IsPacked = isPacked,
            Fragments = Enum.Parse<FragmentUse>(use),
            ClusterSize = cluster,
        }, isPacked ? KernelProfile.Linux615 : null, plain);
        Assert.Equal(TestImages.Shown(plain, noLinkCounts: false), TestImages.Shown(built, noLinkCounts: false));
        Assert.Empty(ImageChecker.Check(built.Path).Faults);
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void A_built_image_without_ends_beside_inodes_shows_its_source(string codec)
    {
        ImageFile plain = TestImages.Of(Compressible.Tree(5, isSlow: codec == "lzma"));
        ImageFile built = Build(new EncodeOptions
        {
            Codec = Enum.Parse<Codec>(codec, true),
            Fragments = FragmentUse.None,
            HasInlineTails = false,
        }, null, plain);
        Assert.Equal(TestImages.Shown(plain), TestImages.Shown(built));
    }

    /// <summary>
    /// Noise has plain clusters alone, and an end in the packed file whose head names a codec. Linux 6.12 reads nothing of such a
    /// file if the superblock does not have that codec; Linux 6.18 does not look.
    /// </summary>
    [Fact]
    public void The_head_of_a_fragment_names_a_codec_that_the_image_has()
    {
        Node noise = Grow.File(Compressible.Data(new Random(1), 65536, 1));
        ImageFile built = Build(new EncodeOptions { Codec = Codec.Zstd, Fragments = FragmentUse.Tails }, null,
            TestImages.Of(Grow.Directory(("noise", noise), ("words", Grow.File(Compressible.Data(new Random(2), 200_000, 0))))));
        string map = CliRun.Of("dump", built).Output.Split('\n')
            .First(line => line.EndsWith(" map of /noise", StringComparison.Ordinal));
        int at = Convert.ToInt32(map[1..9], 16) + 6;                    // h_algorithmtype
        byte[] bytes = File.ReadAllBytes(built.Path);
        Assert.Equal((byte)Codec.Zstd, bytes[at]);
        bytes[at] = (byte)Codec.Lz4;
        File.WriteAllBytes(built.Path, bytes);
        Assert.Contains("algorithm Lz4 is not among those the superblock names",
            Assert.Single(ImageChecker.Check(built.Path).Faults).Message);
    }

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    public void Without_a_codec_data_is_stored_as_it_is(int blockSize)
    {
        ImageFile plain = TestImages.Of(Compressible.Tree(6));
        WriteOptions options = TestImages.Full with { Encoding = new EncodeOptions(), BlockSize = blockSize };
        ImageFile built = TestImages.Merge(options, plain);
        Assert.Equal(TestImages.Shown(plain), TestImages.Shown(built));
    }

    public static TheoryData<string> CorpusImages => [.. Corpus.Images.Select(row => row.Name)];

    /// <summary>Clusters of any layout stay, or are encoded anew; either way the tree is what it was.</summary>
    [Theory]
    [MemberData(nameof(CorpusImages))]
    public void An_image_of_any_layout_is_a_source(string image)
    {
        CorpusRow row = Corpus.Row(image);
        ImageFile source = new(row.ImagePath, row.DevicePaths);
        foreach (bool all in (bool[])[false, true])
        {
            ImageFile built = Build(new EncodeOptions { Codec = Codec.Zstd, EncodesAll = all }, null, source);
            Assert.Equal(Corpus.Truth(image), Judge.Show(built.Path, []));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_bytes_do_not_depend_on_threads(bool isPacked)
    {
        ImageFile plain = TestImages.Of(Compressible.Tree(8));
        byte[][] images = [.. ((int[])[1, 2, 7]).Select(threads => File.ReadAllBytes(TestImages.Merge(TestImages.Full with
        {
            Encoding = new EncodeOptions { Codec = Codec.Zstd, IsPacked = isPacked },
            Kernel = KernelProfile.Linux615,
            Threads = threads,
        }, plain).Path))];
        Assert.Equal(images[0], images[1]);
        Assert.Equal(images[0], images[2]);
    }

    [Fact]
    public void Equal_files_are_stored_once()
    {
        byte[] data = new byte[3 << 20];
        new Random(9).NextBytes(data);
        Node one = Grow.Directory(("a", Grow.File(data)));
        Node two = Grow.Directory(("a", Grow.File(data)), ("b", Grow.File(data)), ("c", Grow.File(data[..^1])));
        foreach (Codec? codec in (Codec?[])[null, Codec.Zstd])
        {
            long alone = Length(codec, one), three = Length(codec, two);
            Assert.InRange(three - alone, data.Length, data.Length + 32768);
        }
    }

    private static long Length(Codec? codec, Node root) =>
        new FileInfo(Build(new EncodeOptions { Codec = codec }, null, TestImages.Of(root)).Path).Length;

    /// <summary>
    /// Two large files that differ at their start and in the middle: what is equal is found though it has moved.
    /// </summary>
    [Theory]
    [InlineData(false, 2_500_000)]
    [InlineData(true, 1_600_000)]
    public void Equal_runs_of_large_files_are_stored_once(bool isPacked, int most)
    {
        byte[] data = new byte[6 << 20];
        new Random(11).NextBytes(data);
        // Blocks stay blocks where clusters are whole blocks.
        byte[] start = new byte[isPacked ? 1001 : 8192], changed = [.. start, .. data];
        changed[4 << 20] ^= 1;
        Node root = Grow.Directory(("a", Grow.File(data)), ("b", Grow.File(changed)));
        ImageFile plain = TestImages.Of(root);
        EncodeOptions options = new() { Codec = Codec.Zstd, IsPacked = isPacked, Dedupes = true };
        ImageFile built = Build(options, KernelProfile.Linux615, plain);
        Assert.Equal(TestImages.Shown(plain), TestImages.Shown(built));
        Assert.Empty(ImageChecker.Check(built.Path).Faults);
        Assert.InRange(new FileInfo(built.Path).Length, data.Length, data.Length + most);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void With_equal_runs_looked_for_the_bytes_do_not_depend_on_threads(bool isPacked)
    {
        byte[] data = Compressible.Data(new Random(12), 9_000_000, 3);
        Node root = Grow.Directory(("a", Grow.File(data)), ("b", Grow.File([.. data[4096..], .. data[..100_000]])),
            ("c", Grow.File(data[..7_000_000])));
        byte[][] images = [.. ((int[])[1, 2, 7]).Select(threads => File.ReadAllBytes(TestImages.Merge(TestImages.Full with
        {
            Encoding = new EncodeOptions { Codec = Codec.Zstd, IsPacked = isPacked, Dedupes = true },
            Kernel = KernelProfile.Linux615,
            Threads = threads,
        }, TestImages.Of(root)).Path))];
        Assert.Equal(images[0], images[1]);
        Assert.Equal(images[0], images[2]);
    }

    [Fact]
    public void Hints_say_how_files_of_a_path_are_encoded()
    {
        byte[] data = Compressible.Data(new Random(13), 1_000_000, 0);
        ImageFile plain = TestImages.Of(Grow.Directory(("d", Grow.Directory(("raw", Grow.File(data)),
            ("small", Grow.File(data[..900_000])), ("usual", Grow.File(data[..800_000]))))));
        ImageFile built = Build(new EncodeOptions
        {
            Codec = Codec.Zstd,
            Hints = [new EncodeHint(path => path.AsSpan().SequenceEqual("d/raw"u8), 0),
                new EncodeHint(path => path.AsSpan().EndsWith("small"u8), 4096)],
        }, null, plain);
        Assert.Equal(TestImages.Shown(plain), TestImages.Shown(built));
        using Layer layer = LayerOpener.Open(built.Path);
        Assert.IsType<PlacedContent>(Trees.At(layer, "/d/raw").Content);
        Assert.Equal(4096, LargestCluster(layer, "/d/small"));
        Assert.InRange(LargestCluster(layer, "/d/usual"), 32768, 65536);
    }

    private static int LargestCluster(Layer layer, string path) =>
        ((EncodedContent)Trees.At(layer, path).Content).ReadMap().Extents.Max(extent => extent.EncodedLength);

    [Fact]
    public void Files_that_are_named_first_lie_first()
    {
        byte[] data = Compressible.Data(new Random(14), 300_000, 0);
        ImageFile plain = TestImages.Of(Grow.Directory(("a", Grow.File(data)), ("b", Grow.File(data[1..])),
            ("c", Grow.File(data[2..]))));
        foreach (string[] order in (string[][])[[], ["c", "a"], ["b"]])
        {
            ImageFile built = Build(new EncodeOptions { Codec = Codec.Zstd, First = [.. order.Select(Grow.Bytes)] }, null, plain);
            using Layer layer = LayerOpener.Open(built.Path);
            string[] byAddress = [.. ((string[])["a", "b", "c"]).OrderBy(name =>
                ((EncodedContent)Trees.At(layer, "/" + name).Content).ReadMap().Extents[0].Offset)];
            Assert.Equal(order.Concat(((string[])["a", "b", "c"]).Except(order)), byAddress);
        }
    }

    [Fact]
    public void Holes_of_a_large_file_take_no_room()
    {
        byte[] data = "what there is"u8.ToArray();
        const long size = 20L << 30;
        Original original = new(ByteSource.FromMemory("data", data), OriginalKind.Device);
        Node root = Grow.Directory(("sparse", Grow.Placed(new PlacedContent(size,
            [new PlacedExtent(7L << 30, original, 0, data.Length)], 1))));
        foreach (bool isPacked in (bool[])[false, true])
        {
            string path = Scratch.NewPath("built.erofs");
            ImageWriter.Write(root, [], path, TestImages.Full with
            {
                Encoding = new EncodeOptions { Codec = Codec.Zstd, IsPacked = isPacked },
                Kernel = KernelProfile.Linux615,
            });
            Assert.InRange(new FileInfo(path).Length, 4096, isPacked ? 16384 : 1 << 20);
            using Layer layer = LayerOpener.Open(path);
            Node file = Trees.At(layer, "/sparse");
            Assert.Equal(size, file.Size);
            Assert.Equal(data, Trees.Read(file, 7L << 30, data.Length));
            Assert.Equal(new byte[64], Trees.Read(file, size - 64, 64));
        }
    }

    [Fact]
    public void A_kernel_that_lacks_the_codec_is_refused()
    {
        ImageFile plain = TestImages.Of(Compressible.Tree(1));
        UnsupportedImageException fault = Assert.Throws<UnsupportedImageException>(() =>
            Build(new EncodeOptions { Codec = Codec.Zstd }, KernelProfile.Linux61, plain));
        Assert.Contains("6.1", fault.Message);
    }

    private static ImageFile Build(EncodeOptions encoding, KernelProfile? kernel, params IReadOnlyList<ImageFile> layers) =>
        TestImages.Merge(TestImages.Full with { Encoding = encoding, Kernel = kernel }, layers);
}
