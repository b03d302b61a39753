using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Lamina.Archives;
using Lamina.Boot;
using Lamina.Format;
using Lamina.Images;
using Lamina.Reading;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tests.Verity;
using Lamina.Trust;
using Lamina.Writing;

namespace Lamina.Tests.Boot;

/// <summary>Kernels boot what a root hash on the command line covers, and nothing else.</summary>
public class TrustBootTests
{
    private const string Panic = "Kernel panic - not syncing: dm-verity device corrupted";

    private static readonly string[] s_disk = ["virtio_blk", "virtio_pci"];

    [Theory]
    [InlineData("6.12")]
    [InlineData("7.2")]
    public void A_flat_image_boots_through_dm_verity_and_shows_what_overlayfs_shows(string version)
    {
        TestKernel kernel = BootKit.Require(version);
        string[] layers = BootTests.Layers("lz4hc", "zstd-frag", "plain");
        VerityOptions tree = new() { Salt = new byte[] { 1, 2, 3 } };
        WriteResult disk = Merge.ToFile(layers, new WriteOptions { Verity = tree });
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.Files, [], s_disk);
        string root = disk.Verity!.RootHashText;
        BootStory story = BootKit.Boot(kernel, initrd, $"lamina.root=/dev/vda lamina.roothash={root}", disks: disk.Path);
        Assert.Contains($"layer /dev/vda: /dev/dm-0 checks it against its root hash {root[..16]}...", story.Init);
        Assert.Equal(BootKit.Truth(layers), story.Files);
    }

    /// <summary>Where a byte is flipped: in a file's data, in the metadata, in the tree, at its top.</summary>
    public static MatrixTheoryData<string, string> Flips => new(["data", "metadata", "tree", "top"], ["eio", "panic", "restart"]);

    [Theory]
    [MemberData(nameof(Flips))]
    public void A_flipped_byte_ends_the_boot_as_the_command_line_says(string where, string action)
    {
        TestKernel kernel = BootKit.Require("6.12");
        WriteResult disk = Merge.ToFile(BootTests.Layers("plain", "plain", "plain"),
            new WriteOptions { Verity = new VerityOptions() });
        VerityInfo tree = disk.Verity!;
        int at = where switch
        {
            // The program that is to be init lies in the first layer, behind the header.
            "data" => (int)IndexOf(disk.Path, File.ReadAllBytes(BootKit.SystemProgram).AsSpan(4096, 64)),
            "metadata" => RootInode(disk.Path) + 4,
            "tree" => (int)(tree.HashOffset + tree.HashLength) - 4096 + 3,
            _ => (int)tree.HashOffset + 4096,
        };
        TrustChainTests.Flip(disk.Path, at);
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.Files, [], s_disk);
        BootStory story = BootKit.Try(kernel, initrd,
            $"lamina.root=/dev/vda lamina.roothash={tree.RootHashText} lamina.verity={action}", disks: disk.Path);
        Assert.DoesNotContain("S: end", story.Lines);
        Assert.Contains(story.Lines, line => line.Contains("device-mapper: verity: ") && line.Contains("is corrupted"));
        Assert.True(story.Lines.Any(line => line.Contains(Panic)) == (action == "panic"), story.Tail);
        if (action == "restart")
            Assert.True(story.Lines.Any(line => line.Contains("reboot: Restarting")), story.Tail);
        if (action == "eio" && where == "top")
            Assert.Contains($"layer /dev/vda: it is not what its root hash says, {tree.RootHashText}", story.Failure);
    }

    /// <summary>Each has a tree whose superblock, which no root hash covers, says that it is for one block less.</summary>
    [Theory]
    [InlineData("flat")]
    [InlineData("gpt")]
    [InlineData("archive")]
    [InlineData("index")]
    public void A_tree_that_says_less_than_it_covers_ends_the_boot(string what)
    {
        TestKernel kernel = BootKit.Require("6.12");
        string[] layers = BootTests.Layers("plain", "plain", "plain");
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.Files, [], s_disk), file, options;
        if (what is "flat" or "gpt")
        {
            WriteResult flat = Merge.ToFile(layers, new WriteOptions { Verity = new VerityOptions() });
            options = $"lamina.roothash={flat.Verity!.RootHashText}";
            file = flat.Path;
            if (what == "gpt")
                DiskImage.Build(flat.Path, file = Scratch.NewPath("disk.img"));
            else
                options += " lamina.root=/dev/vda";
        }
        else
        {
            InitrdResult archive = MakeTrusted(kernel, InitrdForm.Files, layers, hasIndex: what == "index");
            (initrd, file, options) = (archive.Path, archive.Path, archive.CommandLine);
        }
        byte[] bytes = File.ReadAllBytes(file);
        ReadOnlySpan<byte> signature = "verity\0\0\u0001\0\0\0\u0001\0\0\0"u8;      // /init has the word as well
        int tree = what == "index" ? bytes.AsSpan().IndexOf(signature) : bytes.AsSpan().LastIndexOf(signature);
        BitConverter.TryWriteBytes(bytes.AsSpan(tree + 72), BitConverter.ToUInt32(bytes, tree + 72) - 1);
        File.WriteAllBytes(file, bytes);
        BootStory story = BootKit.Try(kernel, initrd, options, disks: initrd == file ? [] : [file]);
        Assert.DoesNotContain("S: end", story.Lines);
        Assert.True(story.Failure.Contains("the tree covers "), story.Tail);
    }

    /// <summary>Of a GPT image: what its partitions hold, and how long it is. Where they are is covered by nothing.</summary>
    [Theory]
    [InlineData("data")]
    [InlineData("superblock")]
    [InlineData("metadata")]
    [InlineData("top of the tree")]
    [InlineData("shorter")]
    public void A_disk_image_that_was_altered_does_not_boot(string what)
    {
        TestKernel kernel = BootKit.Require("6.12");
        const int partition = 1 << 20;
        WriteResult flat = Merge.ToFile(BootTests.Layers("plain", "plain", "plain"),
            new WriteOptions { Verity = new VerityOptions() });
        string disk = Scratch.NewPath("disk.img");
        DiskImage.Build(flat.Path, disk);
        byte[] bytes = File.ReadAllBytes(disk);
        int at = what switch
        {
            "data" => partition + (int)IndexOf(flat.Path, File.ReadAllBytes(BootKit.SystemProgram).AsSpan(4096, 64)),
            "superblock" => partition + SuperBlock.Offset + 0x10,
            "metadata" => partition + RootInode(flat.Path) + 4,
            _ => bytes.AsSpan().LastIndexOf("verity\0\0\u0001\0\0\0\u0001\0\0\0"u8) + 4096,
        };
        bytes[at] ^= 1;
        File.WriteAllBytes(disk, what == "shorter" ? bytes[..^(2 << 20)] : bytes);
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.Files, [], s_disk);
        BootStory story = BootKit.Try(kernel, initrd, $"lamina.roothash={flat.Verity!.RootHashText}", disks: disk);
        Assert.DoesNotContain("S: end", story.Lines);
    }

    [Theory]
    [InlineData("6.12", InitrdForm.InPlace)]
    [InlineData("7.2", InitrdForm.Files)]
    public void An_index_and_its_layers_boot_from_one_root_hash(string version, InitrdForm form)
    {
        TestKernel kernel = BootKit.Require(version);
        string[] layers = BootTests.Layers("zstd-frag", "lzma", "chunk");
        InitrdResult archive = MakeTrusted(kernel, form, layers, hasIndex: true);
        BootTrust trust = BootOptions.Parse(archive.CommandLine).Trust!;
        Assert.NotNull(trust.Main);
        string options = form == InitrdForm.InPlace ? "retain_initrd" : "";
        BootStory story = BootKit.Boot(kernel, archive.Path, $"{options} lamina.roothash={trust.Main}");
        Assert.Contains("mounted the merged tree from block devices", story.Init);
        Assert.Equal(5, story.Init.Count(line => line.Contains("checks it against its root hash")));
        Assert.DoesNotContain(story.Init, line => line.StartsWith("merged "));
        Assert.Equal(BootKit.Truth(layers), story.Files);
    }

    [Theory]
    [InlineData("6.12", InitrdForm.Files)]
    [InlineData("7.2", InitrdForm.InPlace)]
    public void Layers_that_are_merged_at_boot_are_covered_by_a_list(string version, InitrdForm form)
    {
        TestKernel kernel = BootKit.Require(version);
        string[] layers = BootTests.Layers("lz4hc", "zstd-frag", "inline");
        InitrdResult archive = MakeTrusted(kernel, form, layers, hasIndex: false);
        BootStory story = BootKit.Boot(kernel, archive.Path, archive.CommandLine);
        Assert.Contains(story.Init, line => line.StartsWith("merged 4 layers"));
        Assert.Equal(4, story.Init.Count(line => line.Contains("checks it against its root hash")));
        Assert.Equal(BootKit.Truth(layers), story.Files);

        // An archive appended brings a layer that nothing on the command line speaks of.
        string extra = InitrdBuilder.Build([new InitrdLayer(Corpus.PathOf("deflate.erofs"))], Scratch.NewPath("extra.img"),
            new InitrdOptions { Form = form }).Path;
        string both = Scratch.NewPath("both.img");
        BootTests.Concatenate(both, archive.Path, extra);
        Assert.Equal("finding the layers: layer 500-deflate.erofs: there is no root hash for it, so it is not used",
            BootKit.Try(kernel, both, archive.CommandLine).Failure);
    }

    /// <summary>The root hash of an index covers the first layers; what lies on it needs one of its own.</summary>
    [Fact]
    public void A_layer_stacked_on_an_index_is_covered_by_a_root_hash_of_its_own()
    {
        TestKernel kernel = BootKit.Require("6.12");
        string[] layers = BootTests.Layers("zstd-frag", "lzma", "chunk");
        InitrdResult archive = MakeTrusted(kernel, InitrdForm.InPlace, layers[..3], hasIndex: true);
        InitrdResult extra = InitrdBuilder.Build([new InitrdLayer(layers[3])], Scratch.NewPath("extra.img"),
            new InitrdOptions { Form = InitrdForm.InPlace, Verity = new VerityOptions() });
        string both = Scratch.NewPath("both.img"), name = extra.Layers[0];
        BootTests.Concatenate(both, archive.Path, extra.Path);
        string list = BootOptions.Parse(extra.CommandLine).Trust!.ToString();
        BootStory story = BootKit.Boot(kernel, both, $"{archive.CommandLine},{list}");
        Assert.Contains("the index made beforehand fits the first 3 layers", story.Init);
        Assert.Equal(5, story.Init.Count(line => line.Contains("checks it against its root hash")));
        Assert.Equal(BootKit.Truth(layers), story.Files);
        Assert.Equal($"finding the layers: layer {name}: there is no root hash for it, so it is not used",
            BootKit.Try(kernel, both, archive.CommandLine).Failure);
    }

    [Theory]
    [InlineData("101-layer-base-lz4hc.erofs", InitrdForm.InPlace)]
    [InlineData("102-layer-app-plain.erofs", InitrdForm.Files)]
    public void An_altered_layer_is_refused_by_name(string layer, InitrdForm form)
    {
        TestKernel kernel = BootKit.Require("6.12");
        InitrdResult archive = MakeTrusted(kernel, form, BootTests.Layers("lz4hc", "plain", "lzma"), hasIndex: false);
        long start;
        using (ByteSource bytes = ByteSource.OpenFile(archive.Path))
            start = new CpioReader(bytes).ReadAll().Single(entry =>
                entry.Name == $"{BootFiles.Layers}/{layer}").BodyOffset;
        TrustChainTests.Flip(archive.Path, (int)start + 10);        // in front of the superblock, which has a checksum of its own
        Assert.StartsWith($"finding the layers: layer {layer}: it is not what its root hash says, ",
            BootKit.Try(kernel, archive.Path, archive.CommandLine).Failure);
    }

    /// <summary>Bytes of the archive that no root hash covers, as a pattern; what they become; how the refusal begins.</summary>
    [Theory]
    [InlineData("lamina/layers/103-", "lamina/layerz/103-", "the archive announces it, but it is not there")]
    [InlineData(@"(?<=\d)\d(?= [0-9a-f]{64} optional file 103-)", "x", "it has ")]
    [InlineData("lamina/marks/103-", "lamina/markz/103-", "only a part of it is there")]
    public void A_layer_that_the_trusted_list_names_is_needed_though_the_archive_calls_it_optional(
        string pattern, string changed, string reason)
    {
        TestKernel kernel = BootKit.Require("6.12");
        string[] layers = BootTests.Layers("lz4hc", "plain", "lzma");
        InitrdResult archive = MakeTrusted(kernel, InitrdForm.Files, layers, hasIndex: false, optional: layers[^1]);
        byte[] bytes = File.ReadAllBytes(archive.Path);
        Match found = Regex.Match(Encoding.Latin1.GetString(bytes), pattern);
        string text = changed == "x" ? $"{('9' - found.Value[0])}" : changed;
        Encoding.Latin1.GetBytes(text).CopyTo(bytes, found.Index);
        NameList(bytes);
        File.WriteAllBytes(archive.Path, bytes);
        Assert.StartsWith($"finding the layers: layer 103-layer-config-lzma.erofs: {reason}",
            BootKit.Try(kernel, archive.Path, archive.CommandLine).Failure);
        // Without a root hash the boot goes on without the layer, as its maker said.
        Assert.Contains(BootKit.Boot(kernel, archive.Path).Init, line =>
            line.StartsWith($"warning: layer 103-layer-config-lzma.erofs is left out, it is optional: {reason}"));
    }

    [Fact]
    public void A_list_that_is_not_the_trusted_one_and_layers_without_tree_are_refused()
    {
        TestKernel kernel = BootKit.Require("6.12");
        InitrdResult archive = MakeTrusted(kernel, InitrdForm.Files, BootTests.Layers("lz4hc", "plain", "lzma"), hasIndex: false);
        string other = new('a', 64);
        Assert.Equal($"finding the layers: no list of root hashes in /lamina/roothashes has the SHA-256 {other}",
            BootKit.Try(kernel, archive.Path, $"lamina.roothash=list:{other}").Failure);
        string bare = BootKit.MakeInitrd(kernel, InitrdForm.Files, [BootKit.BaseLayer]);
        Assert.Equal("finding the layers: layer 100-base.erofs: /lamina/layers/100-base.erofs: " +
            "there is no dm-verity tree behind the image", BootKit.Try(kernel, bare, $"lamina.roothash={other}").Failure);
    }

    [Fact]
    public void Partitions_are_found_by_the_root_hash_alone()
    {
        TestKernel kernel = BootKit.Require("7.2");
        string[] layers = BootTests.Layers("zstd-frag", "plain", "lz4hc");
        string image = Merge.ToFile(layers, new WriteOptions()).Path, disk = Scratch.NewPath("disk.img");
        DiskResult made = DiskImage.Build(image, disk);
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.Files, [], s_disk);
        BootStory story = BootKit.Boot(kernel, initrd, $"lamina.roothash={made.Verity.RootHashText}", disks: disk);
        Assert.Equal(BootKit.Truth(layers), story.Files);
        story = BootKit.Boot(kernel, initrd, $"lamina.roothash={made.Verity.RootHashText} lamina.root=/dev/vda1 " +
            "lamina.hash=/dev/vda2",
            disks: disk);
        Assert.Equal(BootKit.Truth(layers), story.Files);
    }

    /// <summary>Gives the list of layers in an archive the name that goes with what it says now.</summary>
    private static void NameList(byte[] archive)
    {
        CpioEntry list = new CpioReader(ByteSource.FromMemory("archive", archive)).ReadAll()
            .Single(entry => Path.GetDirectoryName(entry.Name) == BootFiles.Lists);
        byte[] digest = SHA256.HashData(archive.AsSpan((int)list.BodyOffset, (int)list.BodySize));
        int name = archive.AsSpan().IndexOf(Encoding.UTF8.GetBytes(list.Name));
        string layer = Path.GetFileName(list.Name)[..^17];
        Encoding.UTF8.GetBytes($"{BootFiles.Lists}/{LayerList.NameOf(layer, digest)}").CopyTo(archive, name);
    }

    private static InitrdResult MakeTrusted(
        TestKernel kernel, InitrdForm form, string[] layers, bool hasIndex, string? optional = null) =>
        InitrdBuilder.Build([.. layers.Select(layer => new InitrdLayer(layer) { IsOptional = layer == optional })],
            Scratch.NewPath("initrd.img"), new InitrdOptions
            {
                Form = form,
                Init = BootKit.Init,
                KernelModules = [kernel.Modules],
                HasIndex = hasIndex,
                Verity = new VerityOptions(),
            });

    private static int RootInode(string path)
    {
        using ByteSource source = ByteSource.OpenFile(path);
        SuperBlock superBlock = ErofsImage.ReadSuperBlock(source);
        return (int)(((long)superBlock.MetaBlockAddress << superBlock.BlockBits) + (long)superBlock.RootNid * 32);
    }

    private static long IndexOf(string path, ReadOnlySpan<byte> bytes) => File.ReadAllBytes(path).AsSpan().IndexOf(bytes);
}
