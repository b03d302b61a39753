using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Lamina.Boot;
using Lamina.Boot.Signatures;
using Lamina.Format;
using Lamina.Images;
using Lamina.Tests.Cli;
using Lamina.Tests.Oracles;
using Lamina.Tests.Reading;
using Lamina.Trust;

namespace Lamina.Tests.Verity;

/// <summary>Disk images are what other tools take for a root with verity.</summary>
public class DiskImageTests
{
    [Theory]
    [InlineData(VerityAlgorithm.Sha256, false)]
    [InlineData(VerityAlgorithm.Sha512, true)]
    public void Sfdisk_finds_no_fault_and_veritysetup_verifies_the_partitions(VerityAlgorithm algorithm, bool hasTreeAlready)
    {
        Tools.Require("sfdisk");
        Tools.Require("veritysetup");
        string image = VerityTreeTests.Copy(Corpus.Layer("base", "zstd-frag")), disk = Scratch.NewPath("disk.img");
        long length = new FileInfo(image).Length;
        VerityOptions tree = new() { Algorithm = algorithm };
        if (hasTreeAlready)
            VerityImage.Format(image, new VerityFormatOptions { Tree = tree });
        DiskResult result = DiskImage.Build(image, disk, new DiskOptions { Tree = tree });
        Assert.Equal(new FileInfo(disk).Length, result.Length);
        Assert.Contains("No errors detected", Tools.Run("sfdisk", "--verify", disk).MustSucceed().Output);
        JsonElement[] parts = Partitions(disk);
        string root = result.Verity.RootHashText;
        Assert.Equal([root[..32], root[^32..]], parts.Select(part => Id(part, "uuid")));
        Assert.Equal(["4f68bce3e8cd4db196e7fbcaf984b709", "2c7357ed ebd2 46d9 aec1 23d437ec2bf5".Replace(" ", "")],
            parts.Select(part => Id(part, "type")));

        byte[] bytes = File.ReadAllBytes(disk);
        string[] files = [.. parts.Select(part => Extract(bytes, part))];
        Assert.Equal(File.ReadAllBytes(image).AsSpan(0, (int)length), File.ReadAllBytes(files[0]).AsSpan(0, (int)length));
        Tools.Run("veritysetup", "verify", files[0], files[1], root).MustSucceed();
        Assert.Equal(2, PartitionTable.Find(ByteSource.OpenFile(disk), result.Partitions[1].Id.ToString()));

        string again = Scratch.NewPath("again.img");
        DiskImage.Build(image, again, new DiskOptions { Tree = tree });
        Assert.Equal(bytes, File.ReadAllBytes(again));
    }

    /// <summary>What Lamina wrote it reads: the image by all verbs that read, the tree by the one that shows it.</summary>
    [Theory]
    [InlineData(VerityAlgorithm.Sha256)]
    [InlineData(VerityAlgorithm.Sha512)]
    public void A_disk_is_read_as_the_image_in_it(VerityAlgorithm algorithm)
    {
        string image = Corpus.Layer("base", "zstd-frag"), disk = Scratch.NewPath("disk.img");
        VerityInfo tree = DiskImage.Build(image, disk, new DiskOptions { Tree = new() { Algorithm = algorithm } }).Verity;
        Assert.Equal(CliRun.Of("ls", "-lR", image).MustSucceed().Output, CliRun.Of("ls", "-lR", disk).MustSucceed().Output);
        CliRun.Of("diff", image, disk).MustSucceed();
        Assert.Equal(CliRun.Of("inspect", image, "--json").Json().GetProperty("uuid").GetString(),
            CliRun.Of("inspect", disk, "--json").Json().GetProperty("uuid").GetString());
        JsonElement seen = CliRun.Of("verity", "inspect", disk, "--json").Json();
        Assert.Equal(tree.RootHashText, seen.GetProperty("rootHash").GetString());
        long at = seen.GetProperty("hashOffset").GetInt64();
        Assert.Equal("verity"u8, File.ReadAllBytes(disk).AsSpan((int)at, 6));
        Assert.Contains($"in a partition, at byte {at}", CliRun.Of("verity", "inspect", disk).MustSucceed().Output);

        foreach (string verb in (string[])["manifest", "tree"])
            Assert.Equal(CliRun.Of(verb, image).MustSucceed().Output, CliRun.Of(verb, disk).MustSucceed().Output);
        string file = CliRun.Of("ls", "-R", image).Output.Split('\n')
            .First(path => path.Length > 0 && CliRun.Of("cat", image, path).Code == 0);
        foreach (string verb in (string[])["cat", "stat"])
            Assert.Equal(CliRun.Of(verb, image, file).MustSucceed().Output, CliRun.Of(verb, disk, file).MustSucceed().Output);
        CliRun.Of("check", disk).MustSucceed();
        CliRun append = CliRun.Of("append", disk, image);
        Assert.Equal(3, append.Code);
        Assert.Contains("nothing can be appended", append.Error);
        string merged = Scratch.NewPath("merged.erofs");
        CliRun.Of("merge", disk, "-o", merged).MustSucceed();
        CliRun.Of("diff", image, merged).MustSucceed();
        CliRun index = CliRun.Of("merge", "--mode", "index", disk, "-o", Scratch.NewPath("index.erofs"));
        Assert.Equal(3, index.Code);
        Assert.Contains("is a partition of a disk", index.Error);
    }

    /// <summary>The root hash is that of the image in the disk, as a boot takes it, and covers the partition with it.</summary>
    [Fact]
    public void A_root_hash_is_checked_in_the_partitions()
    {
        string image = Corpus.Layer("base", "zstd-frag"), disk = Scratch.NewPath("disk.img");
        VerityInfo tree = DiskImage.Build(image, disk).Verity;
        CliRun.Of("verity", "verify", disk, "--root-hash", tree.RootHashText).MustSucceed();
        CliRun.Of("check", disk, "--root-hash", tree.RootHashText).MustSucceed();
        long treeAt = CliRun.Of("verity", "inspect", disk, "--json").Json().GetProperty("hashOffset").GetInt64();
        byte[] bytes = File.ReadAllBytes(disk);
        long entry = 1024 + 32;                                         // where the first partition begins
        long start = 1 << 20, end = start + new FileInfo(image).Length;
        foreach (long at in (long[])[start + 1200, end - 1, treeAt + 4096, entry, entry + GptEntry.Size])
        {
            byte[] altered = [.. bytes];
            altered[at] ^= 1;
            GuidPartitionsTests.Seal(altered, 512, 1);
            File.WriteAllBytes(disk, altered);
            foreach (string[] words in (string[][])[["verity", "verify", disk], ["check", disk]])
                Assert.True(CliRun.Of([.. words, "--root-hash", tree.RootHashText]).Code is 1 or 3, $"byte {at}: {words[0]}");
        }
        // A table that is damaged, not altered, has a backup.
        byte[] damaged = [.. bytes];
        damaged[entry] ^= 1;
        File.WriteAllBytes(disk, damaged);
        CliRun.Of("verity", "verify", disk, "--root-hash", tree.RootHashText).MustSucceed();
        // A tree over the whole disk is another.
        File.WriteAllBytes(disk, bytes);
        VerityInfo whole = VerityImage.Format(disk, new VerityFormatOptions { Overwrite = true });
        CliRun.Of("verity", "verify", disk, "--root-hash", whole.RootHashText).MustSucceed();
        CliRun.Of("verity", "verify", disk, "--root-hash", tree.RootHashText).MustSucceed();
    }

    /// <summary>What the messages advise is done as it stands.</summary>
    [Fact]
    public void An_image_in_a_disk_is_mounted_and_gets_a_tree_as_the_messages_advise()
    {
        KernelMount.SkipUnlessPossible();
        string folder = Scratch.NewFolder("it's a disk"), disk = Path.Combine(folder, "disk.img");
        string image = Corpus.Layer("base", "zstd-frag"), target = Scratch.NewFolder("target");
        DiskImage.Build(image, disk);
        string mount = AdviceOf(CliRun.Of("mount", disk, target), "mount -t").Replace(" DIR", $" {target}");
        Tools.Run("bash", "-c", mount).MustSucceed();
        try
        {
            Assert.Equal(Corpus.Truth(Path.GetFileName(image)), KernelManifest.Of(target));
        }
        finally
        {
            Tools.Run("umount", target).MustSucceed();
        }
        string format = AdviceOf(CliRun.Of("verity", "format", disk), "lamina verity format")
            .Replace("; or of the disk as it is with --force.", "");
        const string begin = "lamina verity format --hash-file TREE ";
        Assert.StartsWith(begin, format);
        string device = Tools.Run("bash", "-c", $"echo {format[begin.Length..]}").MustSucceed().Output.Trim();
        try
        {
            string tree = Path.Combine(folder, "tree");
            CliRun.Of("verity", "format", "--hash-file", tree, device).MustSucceed();
            VerityInfo expected = VerityImage.Format(image, new VerityFormatOptions { HashFile = Path.Combine(folder, "other") });
            Assert.Equal(expected.RootHashText, VerityImage.Find(device, tree)!.RootHashText);
        }
        finally
        {
            Tools.Run("losetup", "-d", device).MustSucceed();
        }
    }

    private static string AdviceOf(CliRun run, string begin) =>
        run.Error[run.Error.IndexOf(begin, StringComparison.Ordinal)..].Trim();

    [Fact]
    public void What_can_only_use_an_image_says_where_in_the_disk_it_is()
    {
        string image = Corpus.Layer("base", "zstd-frag"), disk = Scratch.NewPath("disk.img");
        DiskImage.Build(image, disk);
        CliRun mount = CliRun.Of("mount", disk, Scratch.NewFolder("target"));
        Assert.Equal(3, mount.Code);
        Assert.Contains("is a disk, and its image is in partition 1", mount.Error);
        Assert.Contains("-o ro,loop,offset=1048576 ", mount.Error);
        CliRun format = CliRun.Of("verity", "format", disk);
        Assert.Equal(3, format.Code);
        Assert.Contains("is a disk, and its image is in partition 1; a tree over the whole disk", format.Error);
        CliRun.Of("initrd", "--layer-only", disk, "-o", Scratch.NewPath("initrd")).MustSucceed();     // the image in it is taken
    }

    [Fact]
    public void A_tar_whose_first_file_looks_like_a_table_is_a_tar()
    {
        string disk = Scratch.NewPath("disk.img"), folder = Scratch.NewFolder("tar"), tar = Path.Combine(folder, "layer.tar");
        DiskImage.Build(Corpus.Layer("base", "zstd-frag"), disk);
        File.WriteAllBytes(Path.Combine(folder, "table"), File.ReadAllBytes(disk)[512..]);
        Tools.RunIn(folder, "tar", "-cf", tar, "table").MustSucceed();
        Assert.Equal("table\n", CliRun.Of("ls", tar).MustSucceed().Output);
    }

    [Fact]
    public void A_disk_with_two_images_is_refused_with_their_numbers()
    {
        string image = Corpus.Layer("base", "zstd-frag"), disk = Scratch.NewPath("disk.img");
        DiskImage.Build(image, disk);
        byte[] bytes = File.ReadAllBytes(disk);
        GptEntry first = GptEntry.Parse(bytes.AsSpan(1024));
        first.WriteTo(bytes.AsSpan(1024 + 2 * GptEntry.Size));
        GuidPartitionsTests.Seal(bytes, 512, 1);
        File.WriteAllBytes(disk, bytes);
        CliRun run = CliRun.Of("ls", disk);
        Assert.Equal(3, run.Code);
        Assert.Contains("is a disk with 2 EROFS images, in partitions 1, 3", run.Error);
        (first with { Last = long.MaxValue }).WriteTo(bytes.AsSpan(1024));
        (first with { First = -5 }).WriteTo(bytes.AsSpan(1024 + 2 * GptEntry.Size));
        GuidPartitionsTests.Seal(bytes, 512, 1);
        File.WriteAllBytes(disk, bytes);
        Assert.Contains("of no kind that is known", CliRun.Of("ls", disk).Error);
    }

    [Fact]
    public void Systemd_sees_a_signed_root()
    {
        Tools.Require("systemd-dissect");
        KernelMount.SkipUnlessPossible();
        string image = Corpus.Layer("base", "lz4hc"), disk = Scratch.NewPath("disk.img");
        using X509Certificate2 signer = SignatureTests.NewSigner("CN=Signer");
        DiskResult result = DiskImage.Build(image, disk, new DiskOptions { Signer = signer });
        ToolResult seen = Tools.Run("systemd-dissect", "--json=short", disk).MustSucceed();
        JsonElement[] mounts = [.. JsonDocument.Parse(seen.Output).RootElement.GetProperty("mounts").EnumerateArray()];
        Assert.Equal(["root", "root-verity", "root-verity-sig"],
            mounts.Select(mount => mount.GetProperty("designator").GetString()));
        Assert.Equal("erofs", mounts[0].GetProperty("fstype").GetString());
        Assert.Equal("signed", mounts[0].GetProperty("verity").GetString());

        string text = File.ReadAllText(Extract(File.ReadAllBytes(disk), Partitions(disk)[2])).TrimEnd('\0');
        JsonElement signature = JsonDocument.Parse(text).RootElement;
        Assert.Equal(result.Verity.RootHashText, signature.GetProperty("rootHash").GetString());
        Assert.Equal(Convert.ToHexStringLower(signer.GetCertHash(HashAlgorithmName.SHA256)),
            signature.GetProperty("certificateFingerprint").GetString());
        Assert.Null(RootHashSignature.FindFault(signature.GetProperty("signature").GetBytesFromBase64(),
            result.Verity.RootHash.Span,
            signer, signer.NotBefore));
    }

    [Fact]
    public void An_image_that_does_not_match_the_tree_behind_it_makes_no_disk()
    {
        string image = VerityTreeTests.Copy(Corpus.Layer("base", "lz4hc")), disk = Scratch.NewPath("disk.img");
        VerityImage.Format(image);
        byte[] bytes = File.ReadAllBytes(image);
        bytes[9000] ^= 1;
        File.WriteAllBytes(image, bytes);
        CorruptImageException refusal = Assert.Throws<CorruptImageException>(() => DiskImage.Build(image, disk));
        Assert.Contains("block 2 does not match its digest", refusal.Message);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(disk)!));
    }

    private static JsonElement[] Partitions(string disk) => [.. JsonDocument.Parse(
        Tools.Run("sfdisk", "--json", disk).MustSucceed().Output).RootElement
        .GetProperty("partitiontable").GetProperty("partitions").EnumerateArray()];

    private static string Id(JsonElement part, string name) =>
        part.GetProperty(name).GetString()!.Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();

    private static string Extract(byte[] disk, JsonElement part)
    {
        const int sector = 512;
        string file = Scratch.NewPath("partition");
        File.WriteAllBytes(file, disk.AsSpan(part.GetProperty("start").GetInt32() * sector,
            part.GetProperty("size").GetInt32() * sector));
        return file;
    }
}
