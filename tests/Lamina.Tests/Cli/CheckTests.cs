using System.Text.Json;
using Lamina.Fuzz;
using Lamina.Reading;
using Lamina.Tests.Exporting;
using Lamina.Tests.Oracles;
using Lamina.Tests.Reading;

namespace Lamina.Tests.Cli;

/// <summary>The verbs that look an image through: check, check --against, dump.</summary>
public class CheckTests
{
    private readonly string _folder = CliRun.NewFolderWithLayers();

    private string Base => Path.Combine(_folder, "base.erofs");

    private string App => Path.Combine(_folder, "app.erofs");

    private string Config => Path.Combine(_folder, "config.tar");

    [Theory]
    [MemberData(nameof(ImageCheckerTests.Images), MemberType = typeof(ImageCheckerTests))]
    public void Every_image_of_the_corpus_is_sound_and_explained(string name)
    {
        string image = ManifestTests.Specification(name);
        JsonElement answer = CliRun.Of("check", image, "--json").Json();
        Assert.True(answer.GetProperty("sound").GetBoolean());
        Assert.Equal(0, answer.GetProperty("faults").GetArrayLength());
        string dump = CliRun.Of("dump", image).MustSucceed().Output;
        Assert.StartsWith("image: ", dump);
        Assert.EndsWith("%  in all\n", dump);
    }

    [Fact]
    public void Every_fault_is_a_line_with_inode_and_byte_and_the_answer_is_no()
    {
        byte[] bytes = File.ReadAllBytes(Corpus.PathOf("zstd.erofs"));
        using (ErofsImage image = ErofsImage.Open(Corpus.PathOf("zstd.erofs")))
        {
            foreach (string path in (string[])["/text/200001", "/text/65536"])
            {
                ImageEncodedContent content = (ImageEncodedContent)image.OpenContent(image.GetEntry(path).Inode);
                bytes.AsSpan((int)content.ReadOwnMap().Extents[0].Offset, 64).Clear();
            }
        }
        string changed = Scratch.NewPath("changed.erofs");
        File.WriteAllBytes(changed, bytes);
        CliRun run = CliRun.Of("check", changed);
        Assert.Equal(1, run.Code);
        string[] lines = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines[..^1], line => Assert.Matches(@"^fault: inode \d+ \(/.*\): .* \(byte 0x[0-9A-F]+\)$", line));
        Assert.StartsWith($"{changed}: {lines.Length - 1} faults; ", lines[^1]);
        JsonElement json = JsonDocument.Parse(CliRun.Of("check", changed, "--json").Output).RootElement;
        Assert.False(json.GetProperty("sound").GetBoolean());
        Assert.Equal(lines.Length - 1, json.GetProperty("faults").GetArrayLength());
        Assert.Contains(json.GetProperty("faults").EnumerateArray(), fault =>
            fault.GetProperty("path").GetString() == "/text/200001" && fault.GetProperty("offset").GetInt64() > 0);
        CliRun against = CliRun.Of("check", changed, "--against", Base);
        Assert.Equal(1, against.Code);
        Assert.Contains("not compared", against.Output);
    }

    [Fact]
    public void What_cannot_be_checked_is_bad_input()
    {
        string index = CliRun.NewIndex().Index;
        foreach (string image in (string[])[Config, index])
        {
            CliRun run = CliRun.Of("check", image);
            Assert.Equal(3, run.Code);
            Assert.Equal("", run.Output);
        }
        Assert.Equal(3, CliRun.Of("dump", Config).Code);
        Assert.Equal(4, CliRun.Of("check", Path.Combine(_folder, "none")).Code);
    }

    [Fact]
    public void A_merged_image_is_proven_to_be_the_merge_of_its_layers()
    {
        foreach (string mode in (string[])["flat", "full", "index"])
        {
            string root = Scratch.NewPath("root.erofs");
            string[] layers = mode == "index" ? [Base, App] : [Base, App, Config];
            CliRun.Of(["merge", "--mode", mode, .. layers, "-o", root]).MustSucceed();
            string image = mode == "index" ? string.Join('@', [root, .. layers]) : root;
            JsonElement answer = CliRun.Of(["check", image, "--json", "--against", .. layers]).Json();
            Assert.True(answer.GetProperty("against").GetProperty("same").GetBoolean());
            Assert.Equal(mode == "full" ? 0 : layers.Length, answer.GetProperty("digests").GetInt32());
            CliRun other = CliRun.Of("check", image, "--against", App, Base);
            Assert.Equal(1, other.Code);
            Assert.Contains("is not the merge of", other.Output);
        }
    }

    [Fact]
    public void Layers_are_read_by_the_rules_that_the_image_was_merged_by()
    {
        string kept = Scratch.NewPath("kept.erofs"), plain = Scratch.NewPath("plain.erofs");
        CliRun.Of("merge", App, Config, "--keep-whiteouts", "-o", kept).MustSucceed();
        Assert.Equal(0, CliRun.Of("check", kept, "--keep-whiteouts", "--against", App, Config).Code);
        Assert.Equal(1, CliRun.Of("check", kept, "--against", App, Config).Code);
        CliRun.Of("merge", App, Config, "--rules", "cpio", "-o", plain).MustSucceed();
        Assert.Equal(0, CliRun.Of("check", plain, "--rules", "cpio", "--against", App, Config).Code);
        Assert.Equal(1, CliRun.Of("check", plain, "--against", App, Config).Code);
        Assert.Equal(2, CliRun.Of("check", plain, "--rules", "cpio").Code);
        Assert.Equal(2, CliRun.Of("check", plain, "--keep-whiteouts").Code);
    }

    [Fact]
    public void A_change_that_no_file_shows_is_found_by_digest()
    {
        string root = Scratch.NewPath("root.erofs");
        CliRun.Of("merge", Base, App, "-o", root).MustSucceed();
        byte[] bytes = File.ReadAllBytes(root);
        bytes[4096 + 1024 + 64] ^= 1;       // in the superblock of the layer, which the merged image does not use
        File.WriteAllBytes(root, bytes);
        CliRun run = CliRun.Of("check", root);
        Assert.Equal(1, run.Code);
        Assert.Matches("^fault: layer 0, base.erofs has SHA-256 [0-9a-f]{64}, .* was made with [0-9a-f]{64}", run.Output);
        Assert.Equal(0, CliRun.Of("check", root, "--no-verify").Code);
    }

    [Fact]
    public void Devices_in_a_wrong_order_are_found_by_digest()
    {
        // Of the same size, so that nothing else tells them apart.
        string first = Path.Combine(_folder, "first.erofs"), second = Path.Combine(_folder, "second.erofs");
        byte[] bytes = File.ReadAllBytes(Base);
        File.WriteAllBytes(first, bytes);
        bytes[0] ^= 1;
        File.WriteAllBytes(second, bytes);
        string index = Scratch.NewPath("index.erofs");
        CliRun.Of("merge", "--mode", "index", first, second, "-o", index).MustSucceed();
        Assert.Equal(0, CliRun.Of("check", $"{index}@{first}@{second}").Code);
        CliRun swapped = CliRun.Of("check", $"{index}@{second}@{first}");
        Assert.Equal(1, swapped.Code);
        Assert.Contains($"fault: device 1, {second}, has SHA-256", swapped.Output);
    }

    [Fact]
    public void An_image_made_here_by_mkfs_is_sound()
    {
        string tree = Scratch.NewFolder("tree"), image = Scratch.NewPath("made.erofs");
        Directory.CreateDirectory(Path.Combine(tree, "d/e"));
        File.WriteAllText(Path.Combine(tree, "d/small"), "small");
        File.WriteAllBytes(Path.Combine(tree, "d/e/large"), [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * i >> 9))]);
        File.CreateSymbolicLink(Path.Combine(tree, "link"), "d/small");
        string mkfs = Tools.Require("mkfs.erofs");
        int made = 0;
        foreach (string[] options in (string[][])[[], ["-zlz4hc"], ["-zlz4", "-Eztailpacking,all-fragments,dedupe"],
            ["-C65536", "-zlz4hc"], ["--chunksize=4096"], ["-Elegacy-compress", "-zlz4"], ["-b512"]])
        {
            File.Delete(image);
            if (Tools.Run(mkfs, [.. options, "--quiet", image, tree]).ExitCode != 0)
                continue;       // an option that this version does not have
            CliRun.Of("check", image).MustSucceed();
            CliRun.Of("dump", image).MustSucceed();
            made++;
        }
        Assert.InRange(made, 4, 7);
    }

    [Fact]
    public void A_dump_of_what_contradicts_itself_explains_the_rest()
    {
        byte[] bytes = File.ReadAllBytes(Base);
        using (ErofsImage image = ErofsImage.Open(Base))
            bytes[(int)image.GetEntry("/etc/motd").Inode.Position] |= 7 << 1;
        string changed = Path.Combine(_folder, "changed.erofs");
        File.WriteAllBytes(changed, bytes);
        CliRun run = CliRun.Of("check", changed);
        // The checksum covers the first block, where this inode may stand.
        if (run.Output.Contains("checksum", StringComparison.Ordinal))
        {
            Subject.Sum(bytes);
            File.WriteAllBytes(changed, bytes);
        }
        CliRun dump = CliRun.Of("dump", changed);
        Assert.Equal(1, dump.Code);
        Assert.Contains("faults:\n    /etc/motd: ", dump.Output);
        Assert.Contains("inode 62, /etc/os-release", dump.Output);
    }
}
