using System.Buffers.Binary;
using Lamina.Boot;
using Lamina.Format;
using Lamina.Images;
using Lamina.Reading;
using Lamina.Tests.Cli;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Trust;
using Lamina.Writing;

namespace Lamina.Tests.Verity;

/// <summary>
/// Everything that a root hash is to cover is altered, one thing at a time: each kind of byte of an image, what stands around
/// its tree, and each length. All of it is refused before anything is mounted; by /init's look at it as well.
/// </summary>
public class TrustBoundaryTests
{
    private const int Page = 4096;

    /// <summary>A flat image of three layers: enough blocks that its tree has two levels.</summary>
    private static readonly Lazy<Protected> s_flat = new(() =>
    {
        string large = Scratch.NewPath("large.tar");
        File.WriteAllBytes(large, new TarBuilder().File("large", new string('x', 700_000)).End().ToArray());
        string[] layers = [Corpus.Layer("base", "zstd-frag"), Corpus.PathOf("config.tar"), large];
        WriteResult result = Merge.ToFile(layers, new WriteOptions { Verity = new VerityOptions() });
        return new Protected(File.ReadAllBytes(result.Path), result.Verity!);
    });

    private sealed record Protected(byte[] Bytes, VerityInfo Tree)
    {
        public int End => (int)Tree.SuperBlock.DataLength;
    }

    public static TheoryData<string, Func<byte[], byte[]>> Alterations
    {
        get
        {
            Protected flat = s_flat.Value;
            int end = flat.End, tree = (int)flat.Tree.HashOffset, top = tree + flat.Tree.SuperBlock.TreeOffset;
            using ErofsImage image = ErofsImage.Open(ByteSource.FromMemory("flat", flat.Bytes));
            int metadata = (int)image.SuperBlock.MetaBlockAddress << image.SuperBlock.BlockBits;
            (HeadRecord where, LayerRecord record) =
                LayerRecordReader.Find(ByteSource.FromMemory("flat", flat.Bytes), end)!.Value;
            RecordedOriginal last = record.Originals[^1];
            int gap = (int)(last.Start + last.Length);
            return new TheoryData<string, Func<byte[], byte[]>>
            {
                { "header page, in front of the superblock", Flip(5) },
                { "superblock", Flip(SuperBlock.Offset + 0x10) },
                { "header page, behind the superblock", Flip(Page - 1) },
                { "a layer's data", Flip((int)record.Originals[0].Start + 5000) },
                { "padding behind a layer", Flip(gap + 3) },
                { "metadata", Flip(metadata + 40) },
                { "layer record", Flip((int)where.Position + 20) },
                { "padding at the end", Flip(end - 1) },
                { "tree, top", Flip(top) },
                { "tree, below the top", Flip(top + Page + 9) },
                { "tree, a spare digest", Flip(flat.Bytes.Length - 1) },
                { "tree's superblock: signature", Flip(tree) },
                { "tree's superblock: version", Flip(tree + 8) },
                { "tree's superblock: hash type", Flip(tree + 12) },
                { "tree's superblock: algorithm", Flip(tree + 32) },
                { "tree's superblock: data block size", Set(tree + 64, 2048) },
                { "tree's superblock: hash block size", Set(tree + 68, 2048) },
                { "tree's superblock: one block less", Set(tree + 72, (uint)(end / Page - 1)) },
                { "tree's superblock: as many blocks as one block of digests has", Set(tree + 72, 128) },
                { "tree's superblock: fewer, with the same levels", Set(tree + 72, 129) },
                { "tree's superblock: one block more", Set(tree + 72, (uint)(end / Page + 1)) },
                { "tree's superblock: a single block", Set(tree + 72, 1) },
                { "tree's superblock: salt", Set(tree + 80, 8) },
                { "tree's superblock: bytes without meaning", Flip(tree + 400) },
                { "behind the tree's superblock", Flip(tree + 600) },
                { "longer by a byte", bytes => [.. bytes, 0] },
                { "longer by a block", bytes => [.. bytes, .. new byte[Page]] },
                { "shorter by a byte", bytes => bytes[..^1] },
                { "shorter by a block", bytes => bytes[..^Page] },
                { "without the tree", bytes => bytes[..tree] },
                { "a block between image and tree", bytes => [.. bytes[..end], .. new byte[Page], .. bytes[end..]] },
                { "a block taken out of the image", bytes => [.. bytes[..Page], .. bytes[(2 * Page)..]] },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Alterations), DisableDiscoveryEnumeration = true)]
    public void A_flat_image_that_was_altered_is_refused(string what, Func<byte[], byte[]> alter)
    {
        Protected flat = s_flat.Value;
        string image = Scratch.NewPath("image.erofs"), target = Scratch.NewFolder("mount");
        File.WriteAllBytes(image, flat.Bytes);
        Assert.True(TrustedImage.Verify(image, [], flat.Tree.RootHash.Span).IsSound);
        File.WriteAllBytes(image, alter(flat.Bytes));
        foreach (string[] command in (string[][])
            [["mount", "--root-hash", flat.Tree.RootHashText, image, target],
                ["check", "--root-hash", flat.Tree.RootHashText, image],
                ["verity", "verify", image, "--root-hash", flat.Tree.RootHashText]])
        {
            CliRun run = CliRun.Of(command);
            Assert.True(run.Code is 1 or 3, $"{what}: {command[0]} gave {run.Code}: {run.Output} {run.Error}");
        }
        Assert.Empty(Directory.GetFileSystemEntries(target));
    }

    /// <summary>What /init does in front of the kernel, which compares blocks only when they are read.</summary>
    [Theory]
    [InlineData(129)]
    [InlineData(128)]
    public void A_tree_that_says_less_than_the_image_is_refused_at_boot(uint blocks)
    {
        Protected flat = s_flat.Value;
        byte[] bytes = Set((int)flat.Tree.HashOffset + 72, blocks)(flat.Bytes);
        using ByteSource source = ByteSource.FromMemory("layer", bytes);
        VerityInfo? found = null;
        try
        {
            found = BootVerity.Find(source, null, flat.Tree.RootHashText);
        }
        catch (CorruptImageException)
        {
            return;         // another count of levels: the top is elsewhere, and has another digest
        }
        using ByteSource covered = ByteSource.Slice(source, "through dm-verity", 0, found.SuperBlock.DataLength);
        CorruptImageException refusal = Assert.Throws<CorruptImageException>(() => BootVerity.RequireWhole(covered, found));
        Assert.Contains($"the tree covers {blocks * Page} bytes, the image has {flat.End}", refusal.Message);
    }

    [Fact]
    public void The_place_of_a_tree_follows_from_the_length_or_is_searched_for_and_proven()
    {
        Protected flat = s_flat.Value;
        byte[] root = flat.Tree.RootHash.ToArray();
        Counting source = new([.. flat.Bytes]);
        Assert.Equal(flat.Tree.HashOffset, TreeSearch.Find(source, root)!.Value.Offset);
        Assert.InRange(source.Bytes, 1, 64 << 10);                      // the image itself was not looked at
        Assert.Equal(flat.Tree.HashOffset,
            TreeSearch.Find(new Counting([.. flat.Bytes, .. new byte[3_000_000]]), root)!.Value.Offset);
        root[0] ^= 1;
        Assert.Null(TreeSearch.Find(source, root));
        foreach (int size in (int[])[512, 1024, 4096, 16384])
        {
            string data = VerityTreeTests.Data(16384 * 9);
            VerityInfo made = VerityImage.Format(data, new VerityFormatOptions { Tree = new VerityOptions { BlockSize = size } });
            Counting other = new(File.ReadAllBytes(data));
            Assert.Equal(made.HashOffset, TreeSearch.Find(other, made.RootHash.Span)!.Value.Offset);
            Assert.InRange(other.Bytes, 1, 2 * (size + 1024));
        }
    }

    [Fact]
    public void An_index_is_nothing_without_its_devices_however_long_its_file_is()
    {
        string folder = Scratch.NewFolder("chain"), index = Path.Combine(folder, "index.erofs");
        string[] layers = [Corpus.Layer("base", "plain"), Corpus.Layer("app", "plain")];
        string root = MergedImage.Create(layers, index,
            new WriteOptions { Mode = OutputMode.Index, Verity = new VerityOptions() }).Verity!.RootHashText;
        byte[] bytes = File.ReadAllBytes(index);
        CliRun bare = CliRun.Of("mount", "--root-hash", root, index, folder);
        Assert.Equal(1, bare.Code);
        Assert.Contains("has 2 devices, 0 were given", bare.Error);
        // Bytes where the devices' addresses lead, as the kernel would take them when it is given no device. The tree stays.
        byte[] sound = [.. bytes];
        foreach (DeviceSlot slot in Slots(index))
        {
            int at = (int)slot.UnifiedAddress * 4096;
            byte[] layer = File.ReadAllBytes(layers[0]);
            Array.Resize(ref bytes, Math.Max(bytes.Length, at + (int)slot.Blocks * 4096));
            layer.AsSpan(0, (int)Math.Min(layer.Length, (long)slot.Blocks * 4096)).CopyTo(bytes.AsSpan(at));
        }
        sound.CopyTo(bytes, 0);
        File.WriteAllBytes(index, bytes);
        Assert.Equal(1, CliRun.Of("mount", "--root-hash", root, index, folder).Code);
        Assert.Equal(1, CliRun.Of("check", "--root-hash", root, index).Code);
        Assert.Equal(1, CliRun.Of("mount", "--root-hash", root, $"{index}@{layers[0]}@{layers[1]}", folder).Code);
    }

    public static TheoryData<string, Func<byte[], byte[]>> LayerAlterations => new()
    {
        { "data", Flip(9000) },
        { "the tree says less", bytes => Set(TreeOf(bytes) + 72, (uint)(TreeOf(bytes) / Page - 1))(bytes) },
        { "longer", bytes => [.. bytes, .. new byte[Page]] },
        { "shorter", bytes => bytes[..^Page] },
        { "without the tree", bytes => bytes[..TreeOf(bytes)] },
    };

    [Theory]
    [MemberData(nameof(LayerAlterations), DisableDiscoveryEnumeration = true)]
    public void A_layer_of_an_index_that_was_altered_is_refused_and_not_merged(string what, Func<byte[], byte[]> alter)
    {
        string folder = Scratch.NewFolder("chain"), index = Path.Combine(folder, "index.erofs");
        string layer = Path.Combine(folder, "layer.erofs"), other = Corpus.Layer("app", "plain");
        File.Copy(Corpus.Layer("base", "plain"), layer);
        VerityImage.Format(layer);
        WriteOptions options = new() { Mode = OutputMode.Index, Verity = new VerityOptions(), Overwrite = true };
        string root = MergedImage.Create([layer, other], index, options).Verity!.RootHashText;
        Assert.True(TrustedImage.Verify(index, [layer, other], Convert.FromHexString(root)).IsSound);
        File.WriteAllBytes(layer, alter(File.ReadAllBytes(layer)));
        CliRun run = CliRun.Of("mount", "--root-hash", root, $"{index}@{layer}@{other}", folder);
        Assert.True(run.Code == 1, $"{what}: {run.Code} {run.Output} {run.Error}");
        if (what != "without the tree")                                 // without one it is a layer like any
            Assert.Throws<CorruptImageException>(() => MergedImage.Create([layer, other], index, options));
    }

    /// <summary>An index over two layers that it names by their SHA-256, with a tree behind it.</summary>
    private static readonly Lazy<(byte[] Index, string[] Layers, VerityInfo Tree)> s_index = new(() =>
    {
        string[] layers = [Corpus.Layer("base", "plain"), Corpus.Layer("app", "zstd-frag")];
        WriteResult result = Merge.ToFile(layers, new WriteOptions { Mode = OutputMode.Index, Verity = new VerityOptions() });
        return (File.ReadAllBytes(result.Path), layers, result.Verity!);
    });

    public static TheoryData<string, Func<byte[], byte[]>> IndexAlterations
    {
        get
        {
            (byte[] bytes, _, VerityInfo info) = s_index.Value;
            int end = (int)info.SuperBlock.DataLength, tree = (int)info.HashOffset;
            ByteSource source = ByteSource.FromMemory("index", bytes);
            HeadRecord record = LayerRecordReader.Find(source, end)!.Value.Where;
            SuperBlock superBlock = ErofsImage.ReadSuperBlock(source);
            int table = superBlock.DeviceTableSlot * DeviceSlot.Size;
            return new TheoryData<string, Func<byte[], byte[]>>
            {
                { "header page", Flip(3) },
                { "superblock: count of devices", Flip(SuperBlock.Offset + 86) },
                { "device table: a tag", Flip(table + 9) },
                { "device table: blocks", Flip(table + 64) },
                { "device table: address", Flip(table + 68) },
                { "metadata", Flip(((int)superBlock.MetaBlockAddress << superBlock.BlockBits) + 40) },
                { "layer record", Flip((int)record.Position + 9) },
                { "padding", Flip(end - 1) },
                { "tree", Flip(tree + info.SuperBlock.TreeOffset + 4) },
                { "tree's superblock: blocks", Set(tree + 72, (uint)(end / Page - 1)) },
                { "tree's superblock: salt", Set(tree + 80, 1) },
                { "longer", bytes => [.. bytes, .. new byte[512]] },
                { "shorter", bytes => bytes[..^512] },
                { "without the tree", bytes => bytes[..tree] },
            };
        }
    }

    [Theory]
    [MemberData(nameof(IndexAlterations), DisableDiscoveryEnumeration = true)]
    public void An_index_that_was_altered_is_refused(string what, Func<byte[], byte[]> alter)
    {
        (byte[] bytes, string[] layers, VerityInfo info) = s_index.Value;
        string index = Scratch.NewPath("index.erofs"), target = Scratch.NewFolder("mount");
        File.WriteAllBytes(index, bytes);
        Assert.True(TrustedImage.Verify(index, layers, info.RootHash.Span).IsSound);
        File.WriteAllBytes(index, alter(bytes));
        string[] command = ["mount", "--root-hash", info.RootHashText, $"{index}@{layers[0]}@{layers[1]}", target];
        CliRun run = CliRun.Of(command);
        Assert.True(run.Code is 1 or 3, $"{what}: {run.Code} {run.Output} {run.Error}");
        Assert.Empty(Directory.GetFileSystemEntries(target));
    }

    public static TheoryData<string, Func<byte[], byte[]>> PlainAlterations => new()
    {
        { "a byte", Flip(9000) }, { "its last byte", bytes => Flip(bytes.Length - 1)(bytes) },
        { "longer", bytes => [.. bytes, 0] }, { "shorter", bytes => bytes[..^1] }, { "empty", _ => [] },
    };

    [Theory]
    [MemberData(nameof(PlainAlterations), DisableDiscoveryEnumeration = true)]
    public void A_layer_named_by_its_digest_that_was_altered_is_refused(string what, Func<byte[], byte[]> alter)
    {
        (byte[] bytes, string[] layers, VerityInfo info) = s_index.Value;
        string index = Scratch.NewPath("index.erofs"), layer = Scratch.NewPath("layer.erofs");
        string target = Scratch.NewFolder("mount");
        File.WriteAllBytes(index, bytes);
        File.WriteAllBytes(layer, alter(File.ReadAllBytes(layers[0])));
        CliRun run = CliRun.Of("mount", "--root-hash", info.RootHashText, $"{index}@{layer}@{layers[1]}", target);
        Assert.True(run.Code == 1, $"{what}: {run.Code} {run.Output} {run.Error}");
    }

    public static TheoryData<string, Func<byte[], byte[]>, Func<byte[], byte[]>> BesideAlterations => new()
    {
        { "data", Flip(5000), Same }, { "data, longer", bytes => [.. bytes, .. new byte[Page]], Same },
        { "data, shorter", bytes => bytes[..^Page], Same }, { "tree, top", Same, Flip(Page + 3) },
        { "tree, a digest", Same, bytes => Flip(bytes.Length - Page)(bytes) }, { "tree, longer", Same, bytes => [.. bytes, 0] },
        { "tree, shorter", Same, bytes => bytes[..^1] }, { "tree, blocks", Same, Set(72, 150) },
        { "tree, behind its superblock", Same, Flip(1000) },
        { "both, one block less", bytes => bytes[..^Page], bytes => Set(72, 199)(bytes) },
    };

    [Theory]
    [MemberData(nameof(BesideAlterations), DisableDiscoveryEnumeration = true)]
    public void Data_and_a_tree_in_a_file_of_its_own_are_refused_when_either_was_altered(
        string what, Func<byte[], byte[]> alterData, Func<byte[], byte[]> alterTree)
    {
        string data = VerityTreeTests.Data(200 * Page), tree = Scratch.NewPath("tree");
        VerityInfo info = VerityImage.Format(data, new VerityFormatOptions { HashFile = tree });
        Assert.True(VerityImage.Verify(data, info.RootHash.Span, tree).IsSound);
        File.WriteAllBytes(data, alterData(File.ReadAllBytes(data)));
        File.WriteAllBytes(tree, alterTree(File.ReadAllBytes(tree)));
        CliRun run = CliRun.Of("verity", "verify", data, "--hash-file", tree, "--root-hash", info.RootHashText);
        Assert.True(run.Code is 1 or 3, $"{what}: {run.Code} {run.Output} {run.Error}");
    }

    private static byte[] Same(byte[] bytes) => bytes;

    private static int TreeOf(byte[] bytes) => bytes.AsSpan().LastIndexOf("verity\0\0"u8);

    private static DeviceSlot[] Slots(string index)
    {
        using ByteSource source = ByteSource.OpenFile(index);
        return AddressSpace.ReadSlots(ErofsImage.ReadSuperBlock(source), new MetadataReader(source));
    }

    private static Func<byte[], byte[]> Flip(int at) => bytes =>
    {
        byte[] altered = [.. bytes];
        altered[at] ^= 1;
        return altered;
    };

    private static Func<byte[], byte[]> Set(int at, uint value) => bytes =>
    {
        byte[] altered = [.. bytes];
        BinaryPrimitives.WriteUInt32LittleEndian(altered.AsSpan(at), value);
        return altered;
    };

    /// <summary>Counts the bytes that are read.</summary>
    private sealed class Counting(byte[] bytes) : ByteSource
    {
        public long Bytes { get; private set; }

        public override string Name => "counted";

        public override long Length => bytes.Length;

        public override int Read(long offset, Span<byte> destination)
        {
            int count = (int)Math.Clamp(bytes.Length - offset, 0, destination.Length);
            bytes.AsSpan((int)Math.Min(offset, bytes.Length), count).CopyTo(destination);
            Bytes += count;
            return count;
        }
    }
}
