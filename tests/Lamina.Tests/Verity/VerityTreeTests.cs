using CsCheck;
using Lamina.Images;
using Lamina.Tests.Oracles;
using Lamina.Trust;

namespace Lamina.Tests.Verity;

/// <summary>Trees are veritysetup's, in both directions.</summary>
public class VerityTreeTests
{
    private const int Block = 4096;

    /// <summary>Around every change of shape: one block, one block of digests, two levels, three levels.</summary>
    public static MatrixTheoryData<int, VerityAlgorithm, string> Trees =>
        new([1, 2, 63, 64, 65, 127, 128, 129, 4096, 4097, 16384, 16385], Enum.GetValues<VerityAlgorithm>(), ["", "00ff17"]);

    [Theory]
    [MemberData(nameof(Trees))]
    public void Veritysetup_makes_the_same_tree_and_each_verifies_the_others(int blocks, VerityAlgorithm algorithm, string salt)
    {
        Tools.Require("veritysetup");
        string data = Data(blocks * Block), ours = Scratch.NewPath("ours"), theirs = Scratch.NewPath("theirs");
        VerityInfo info = VerityImage.Format(data, new VerityFormatOptions
        {
            HashFile = ours,
            Tree = new VerityOptions { Algorithm = algorithm, Salt = Convert.FromHexString(salt) },
        });
        string[] how = [$"--hash={algorithm.ToString().ToLowerInvariant()}", $"--salt={(salt.Length == 0 ? "-" : salt)}"];
        ToolResult formatted = Tools.Run("veritysetup", ["format", data, theirs, $"--uuid={info.Uuid}", .. how]).MustSucceed();
        Assert.Contains(info.RootHashText, formatted.Output);
        Assert.Equal(File.ReadAllBytes(theirs).AsSpan(0, 512), File.ReadAllBytes(ours).AsSpan(0, 512));
        Assert.Equal(File.ReadAllBytes(theirs).AsSpan(Block), File.ReadAllBytes(ours).AsSpan(Block));
        Tools.Run("veritysetup", "verify", data, ours, info.RootHashText).MustSucceed();
        Assert.True(VerityImage.Verify(data, info.RootHash.Span, theirs).IsSound);
        Assert.Equal(info.RootHashText, VerityImage.Find(data, theirs)!.RootHashText);
    }

    [Theory]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(65536)]
    public void Other_block_sizes_are_veritysetups_as_well(int size)
    {
        Tools.Require("veritysetup");
        string data = Data(3 * 65536 + (size == 65536 ? 0 : size)), tree = Scratch.NewPath("tree");
        VerityInfo info = VerityImage.Format(data,
            new VerityFormatOptions { HashFile = tree, Tree = new VerityOptions { BlockSize = size } });
        string theirs = Scratch.NewPath("theirs");
        ToolResult formatted = Tools.Run("veritysetup", "format", data, theirs, "--salt=-", $"--data-block-size={size}",
            $"--hash-block-size={size}");
        // veritysetup itself refuses blocks that the page size of this machine forbids.
        Assert.SkipUnless(formatted.ExitCode == 0 || size <= Block, "veritysetup does not take blocks of this size here");
        Assert.Contains(info.RootHashText, formatted.MustSucceed().Output);
    }

    [Fact]
    public void A_tree_behind_an_image_is_found_again_and_veritysetup_verifies_it()
    {
        Tools.Require("veritysetup");
        string image = Copy(Corpus.Layer("base", "zstd-frag"));
        long length = new FileInfo(image).Length;
        VerityInfo info = VerityImage.Format(image);
        Assert.Equal(length, info.HashOffset);
        Assert.Equal(length + info.HashLength, new FileInfo(image).Length);
        Tools.Run("veritysetup", "verify", image, image, info.RootHashText, $"--hash-offset={length}").MustSucceed();
        Assert.Equal(info.RootHashText, VerityImage.Find(image)!.RootHashText);
        byte[] once = File.ReadAllBytes(image);
        Assert.Equal(info.RootHashText, VerityImage.Format(image).RootHashText);
        Assert.Equal(once, File.ReadAllBytes(image));

        // veritysetup's, in the same place, is found as well
        string other = Copy(Corpus.Layer("base", "zstd-frag"));
        Tools.Run("veritysetup", "format", other, other, $"--hash-offset={length}", $"--data-blocks={length / Block}",
            "--salt=-").MustSucceed();
        Assert.Equal(info.RootHashText, VerityImage.Find(other)!.RootHashText);
        Assert.True(VerityImage.Verify(other, info.RootHash.Span).IsSound);
    }

    [Fact]
    public void An_image_of_small_blocks_is_filled_up_to_a_block_of_the_tree()
    {
        KernelMount.SkipUnlessPossible();
        string image = Copy(Corpus.PathOf("block-512.erofs"));
        VerityInfo info = VerityImage.Format(image);
        Assert.Equal(0, info.HashOffset % Block);
        Assert.True(VerityImage.Verify(image, info.RootHash.Span).IsSound);
        using KernelMount mount = KernelMount.Erofs(image);
        Assert.Equal(Corpus.Truth("block-512.erofs"), mount.Manifest());
    }

    [Fact]
    public void Bytes_behind_an_image_that_are_no_tree_are_not_overwritten_unasked()
    {
        string image = Copy(Corpus.Layer("app", "lz4hc"));
        File.AppendAllText(image, "something else");
        byte[] before = File.ReadAllBytes(image);
        IOException refusal = Assert.Throws<IOException>(() => VerityImage.Format(image));
        Assert.Contains("14 bytes behind the image", refusal.Message);
        Assert.Equal(before, File.ReadAllBytes(image));
        VerityInfo info = VerityImage.Format(image, new VerityFormatOptions { Overwrite = true });
        Assert.True(VerityImage.Verify(image, info.RootHash.Span).IsSound);
    }

    /// <summary>The tree does not depend on when and in which pieces its data come.</summary>
    [Fact]
    public void A_tree_that_is_computed_while_data_are_written_is_the_same()
    {
        byte[] data = new byte[700 * Block + 123];
        new Random(4711).NextBytes(data);
        MerkleParameters parameters = new(VerityAlgorithm.Sha256, Block, 512, [1, 2, 3]);
        (byte[] root, SortedDictionary<long, byte[]> tree) expected = Build(builder => builder.Finish());
        Gen.Int[0, data.Length].Array[2, 40].Sample(cuts =>
        {
            int[] places = [0, .. cuts.Order(), data.Length];
            int[] order = [.. Enumerable.Range(0, places.Length - 1)];
            new Random(cuts[0]).Shuffle(order);
            int left = cuts[0] % order.Length;          // some pieces are never told of
            (byte[] root, SortedDictionary<long, byte[]> tree) found = Build(builder =>
            {
                foreach (int i in order.Skip(left))
                    builder.Written(places[i], places[i + 1] - places[i]);
                builder.Written(0, cuts[1] / 2);        // and some are written again
                return builder.Finish(cuts[1] % 2 == 0 ? default : data.AsMemory(0, Math.Min(4096, data.Length)));
            });
            Assert.Equal(expected.root, found.root);
            Assert.Equal(expected.tree.Values.SelectMany(block => block), found.tree.Values.SelectMany(block => block));
        }, iter: 60, seed: "0000KOIPe945");

        (byte[], SortedDictionary<long, byte[]>) Build(Func<MerkleBuilder, byte[]> use)
        {
            SortedDictionary<long, byte[]> tree = [];
            MerkleBuilder builder = new(ByteSource.FromMemory("data", data), data.Length, parameters, (block, at) =>
            {
                lock (tree)
                    tree[at] = block.ToArray();
            }, threads: 3);
            return (use(builder), tree);
        }
    }

    [Fact]
    public void A_device_mapper_line_says_what_veritysetup_would_load()
    {
        string image = Copy(Corpus.Layer("base", "plain"));
        VerityInfo info = VerityImage.Format(image,
            new VerityFormatOptions { Tree = new VerityOptions { Salt = new byte[] { 0xAB } } });
        long blocks = info.DataBlocks;
        Assert.Equal($"0 {blocks * 8} verity 1 /dev/a /dev/b 4096 4096 {blocks} {blocks + 1} sha256 {info.RootHashText} ab",
            info.DeviceMapperLine("/dev/a", "/dev/b"));
        Assert.EndsWith(" ab 1 panic_on_corruption", info.DeviceMapperLine("/dev/a", "/dev/b", CorruptionAction.Panic));
    }

    internal static string Data(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        string path = Scratch.NewPath("data");
        File.WriteAllBytes(path, bytes);
        return path;
    }

    internal static string Copy(string path)
    {
        string copy = Scratch.NewPath(Path.GetFileName(path));
        File.Copy(path, copy);
        return copy;
    }
}
