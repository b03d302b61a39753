using Lamina.Describing;
using Lamina.Format;
using Lamina.Images;
using Lamina.Reading;
using Lamina.Tests.Cli;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Trust;
using Lamina.Writing;

namespace Lamina.Tests.Verity;

/// <summary>One root hash reaches everything that a mount shows.</summary>
public class TrustChainTests
{
    [Theory]
    [InlineData(OutputMode.Flat)]
    [InlineData(OutputMode.Index)]
    [InlineData(OutputMode.Full)]
    public void A_tree_made_while_merging_is_the_one_made_afterwards(OutputMode mode)
    {
        string[] layers = [Corpus.Layer("base", "zstd-frag"), Corpus.Layer("app", "lz4hc"), Corpus.PathOf("config.tar")];
        layers = mode == OutputMode.Index ? layers[..2] : layers;
        WriteResult with = Merge.ToFile(layers, new WriteOptions { Mode = mode, Verity = new VerityOptions() });
        WriteResult without = Merge.ToFile(layers, new WriteOptions { Mode = mode });
        Assert.Equal(without.Length, with.Length);
        VerityInfo after = VerityImage.Format(without.Path);
        Assert.Equal(after.RootHashText, with.Verity!.RootHashText);
        Assert.Equal(File.ReadAllBytes(without.Path), File.ReadAllBytes(with.Path));
    }

    [Fact]
    public void An_index_names_a_layer_by_its_own_tree_and_the_others_by_digest()
    {
        Chain chain = new();
        Assert.True(chain.Check().IsSound);
        ImageInfo info = ImageInfo.Read(chain.Index, []);
        Assert.StartsWith("verity1:", System.Text.Encoding.ASCII.GetString(info.Devices[0].Tag.Span));
        Assert.Equal(64, info.Devices[1].Tag.Length);
    }

    [Fact]
    public void A_mount_with_the_right_root_hash_shows_the_merged_tree()
    {
        KernelMount.SkipUnlessPossible();
        Chain chain = new();
        string target = Scratch.NewFolder("mount");
        CliRun.Of("mount", "--root-hash", chain.RootHash, chain.Specification, target).MustSucceed();
        CliRun.Of("umount", target).MustSucceed();
    }

    public static TheoryData<string, Action<ChainFiles>, string> Attacks => new()
    {
        { "a byte of a layer with a tree", files => Flip(files.Base, 9000),
            "device 1: FOLDER/base.erofs is damaged: FOLDER/base.erofs: block 2 does not match its digest" },
        { "a byte of that tree", files => Flip(files.Base, (int)new FileInfo(files.Base).Length - 4000),
            "is damaged: FOLDER/base.erofs: block" },
        { "the top of that tree", files => Flip(files.Base, (int)VerityImage.Find(files.Base)!.HashOffset + 4100),
            "device 1: FOLDER/base.erofs is not the device 1 the image was made with: root hash" },
        { "another layer with a tree of its own", files =>
            { File.Copy(files.App, files.Base, true); VerityImage.Format(files.Base); },
            "device 1: FOLDER/base.erofs is not the device 1" },
        { "no tree any more", files => Cut(files.Base, (int)VerityImage.Find(files.Base)!.HashOffset),
            "root hash that of no tree" },
        { "a byte of a layer with a digest", files => Flip(files.App, 9000),
            "device 2: FOLDER/app.erofs is not the device 2 the image was made with: SHA-256" },
        { "a byte of the index", files => Flip(files.Index, 5000), "FOLDER/index.erofs: block 1 does not match its digest" },
        { "the tag of a device, checksum mended", files => ChangeTag(files.Index), "FOLDER/index.erofs: block 0 does not match" },
        { "the index's own tree", files => Flip(files.Index, (int)new FileInfo(files.Index).Length - 4096), "the root hash is" },
    };

    [Theory]
    [MemberData(nameof(Attacks), DisableDiscoveryEnumeration = true)]
    public void Whatever_was_altered_is_refused_by_name_and_nothing_is_mounted(
        string attack, Action<ChainFiles> alter, string expected)
    {
        Chain chain = new();
        alter(new ChainFiles(chain.Index, chain.Base, chain.App));
        string target = Scratch.NewFolder("mount");
        CliRun run = CliRun.Of("mount", "--root-hash", chain.RootHash, chain.Specification, target);
        Assert.True(run.Code == 1, $"{attack}: {run.Code} {run.Output} {run.Error}");
        Assert.Contains(expected.Replace("FOLDER", chain.Folder, StringComparison.Ordinal), run.Error);
        Assert.Empty(Directory.GetFileSystemEntries(target));
    }

    [Fact]
    public void Swapped_layers_are_refused_with_the_right_order()
    {
        Chain chain = new();
        CliRun run = CliRun.Of("mount", "--root-hash", chain.RootHash, $"{chain.Index}@{chain.App}@{chain.Base}", chain.Folder);
        Assert.Equal(1, run.Code);
        Assert.Contains("root hash that of no tree, expected", run.Error);
        Assert.Contains($"They are the right ones in a wrong order: lamina mount {chain.Specification} DIR", run.Error);
    }

    [Fact]
    public void A_slot_that_says_nothing_is_refused_where_a_root_hash_is_to_reach_through()
    {
        string folder = Scratch.NewFolder("chain"), index = Path.Combine(folder, "index.erofs");
        string layer = Corpus.Layer("base", "lz4hc");
        MergedImage.Create([layer, Corpus.Layer("app", "plain")], index,
            new WriteOptions { Mode = OutputMode.Index, ComputeDigests = false });
        string root = VerityImage.Format(index).RootHashText;
        CliRun run = CliRun.Of("mount", "--root-hash", root, $"{index}@{layer}@{Corpus.Layer("app", "plain")}", folder);
        Assert.Equal(1, run.Code);
        Assert.Contains("is not covered: slot 1 has no digest and no root hash", run.Error);
        ArgumentException refusal = Assert.Throws<ArgumentException>(() => Merge.ToFile([layer],
            new WriteOptions { Mode = OutputMode.Index, ComputeDigests = false, Verity = new VerityOptions() }));
        Assert.Contains("needs their digests", refusal.Message);
    }

    [Fact]
    public void A_layer_that_does_not_match_its_own_tree_is_not_merged()
    {
        Chain chain = new();
        Flip(chain.Base, 9000);
        CorruptImageException refusal = Assert.Throws<CorruptImageException>(() => Merge.ToFile([chain.Base, chain.App],
            new WriteOptions { Mode = OutputMode.Index, Verity = new VerityOptions() }));
        Assert.Contains("does not match its own dm-verity tree", refusal.Message);
    }

    [Fact]
    public void An_image_with_a_tree_is_appended_to_with_a_new_tree_or_not_at_all()
    {
        KernelMount.SkipUnlessPossible();
        string image = Merge.ToFile([Corpus.Layer("base", "lzma")], new WriteOptions
        {
            Verity = new VerityOptions { Salt = new byte[] { 7 }, Algorithm = VerityAlgorithm.Sha512 },
        }).Path;
        byte[] before = File.ReadAllBytes(image);
        CliRun refusal = CliRun.Of("append", image, Corpus.Layer("app", "inline"));
        Assert.Equal(3, refusal.Code);
        Assert.Contains("Append with --verity", refusal.Error);
        Assert.Equal(before, File.ReadAllBytes(image));

        CliRun.Of("append", "--verity", image, Corpus.Layer("app", "inline"), Corpus.Layer("config", "chunk")).MustSucceed();
        VerityInfo tree = VerityImage.Find(image)!;
        Assert.Equal(VerityAlgorithm.Sha512, tree.Algorithm);
        Assert.Equal([7], tree.Salt.ToArray());
        Assert.True(VerityImage.Verify(image, tree.RootHash.Span).IsSound);
        Assert.Equal(new FileInfo(image).Length, tree.HashOffset + tree.HashLength);
        using (KernelMount mount = KernelMount.Erofs(image))
            Assert.Equal(Corpus.MergedTruth(), mount.Manifest(noLinkCounts: true));
        IReadOnlyList<string> parts = MergedImage.Split(image, Scratch.NewFolder("split"));
        Assert.Equal(before, File.ReadAllBytes(parts[^1]));
    }

    internal static void Flip(string path, int at)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[at] ^= 1;
        File.WriteAllBytes(path, bytes);
    }

    private static void ChangeTag(string index)
    {
        byte[] bytes = File.ReadAllBytes(index);
        int tag = bytes.AsSpan().IndexOf("verity1:"u8);
        bytes[tag + 20] = bytes[tag + 20] == 'A' ? (byte)'B' : (byte)'A';
        SuperBlock.WriteChecksum(bytes.AsSpan(SuperBlock.Offset, SuperBlock.ChecksummedLength(4096)));
        File.WriteAllBytes(index, bytes);
    }

    private static void Cut(string path, int length) => File.WriteAllBytes(path, File.ReadAllBytes(path)[..length]);

    /// <summary>The files of a chain, for an attack.</summary>
    public sealed record ChainFiles(string Index, string Base, string App);

    /// <summary>An index with a tree over a layer that has one, too, and a layer that has none.</summary>
    private sealed class Chain
    {
        public Chain()
        {
            Folder = Scratch.NewFolder("chain");
            (Index, Base, App) = (Path.Combine(Folder, "index.erofs"), Path.Combine(Folder, "base.erofs"),
                Path.Combine(Folder, "app.erofs"));
            File.Copy(Corpus.Layer("base", "zstd-frag"), Base);
            File.Copy(Corpus.Layer("app", "lz4hc"), App);
            VerityImage.Format(Base, new VerityFormatOptions { Tree = new VerityOptions { Salt = new byte[] { 1, 2 } } });
            WriteResult result = MergedImage.Create([Base, App], Index,
                new WriteOptions { Mode = OutputMode.Index, Verity = new VerityOptions() });
            RootHash = result.Verity!.RootHashText;
        }

        public string Folder { get; }

        public string Index { get; }

        public string Base { get; }

        public string App { get; }

        public string RootHash { get; }

        public string Specification => $"{Index}@{Base}@{App}";

        public TrustReport Check() => TrustedImage.Verify(Index, [Base, App], Convert.FromHexString(RootHash));
    }
}
