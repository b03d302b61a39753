using System.Text.Json;
using Lamina.Describing;
using Lamina.Reading;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Cli;

/// <summary>What verbs report: valid JSON, the same each time, and true.</summary>
public class ReportTests
{
    public static TheoryData<string> Images() => [.. Corpus.Images.Select(row => row.Name)];

    [Fact]
    public void Json_is_valid_and_stable()
    {
        string folder = CliRun.NewFolderWithLayers();
        string a = Path.Combine(folder, "base.erofs"), b = Path.Combine(folder, "app.erofs");
        string output = Path.Combine(folder, "out");
        string[][] commands =
        [
            ["ls", a, "-R", "--json"], ["tree", b, "--json"], ["stat", a, "/", "/etc/os-release", "--extents", "--json"],
            ["inspect", a, "--json"], ["merge", a, b, "-o", output, "--dry-run", "--explain", "--json"],
            ["merge", a, b, "-o", output, "--mode", "index", "--force", "--json"],
        ];
        foreach (string[] command in commands)
        {
            CliRun run = CliRun.Of(command);
            run.Json();
            Assert.Equal(run.Output, CliRun.Of(command).Output);
        }
    }

    [Fact]
    public void The_list_as_json_has_all_of_a_file()
    {
        string image = Path.Combine(CliRun.NewFolderWithLayers(), "base.erofs");
        JsonElement[] rows = [.. CliRun.Of("ls", image, "/etc", "--json").Json().EnumerateArray()];
        Assert.Equal(["/etc/hosts", "/etc/motd", "/etc/os-release", "/etc/passwd"],
            rows.Select(row => row.GetProperty("path").GetString()));
        JsonElement release = rows[2];
        Assert.Equal("file", release.GetProperty("type").GetString());
        Assert.Equal("0644", release.GetProperty("mode").GetString());
        Assert.Equal(33, release.GetProperty("size").GetInt64());
        Assert.Equal("2026-01-01T00:00:00.000000000Z", release.GetProperty("modified").GetString());
        Assert.Equal("\"from the base layer\"", release.GetProperty("xattrs").GetProperty("user.note").GetString());
    }

    [Fact]
    public void Who_won_is_explained_by_name_and_in_sum()
    {
        string folder = CliRun.NewFolderWithLayers();
        string[] layers = [.. new[] { "base.erofs", "app.erofs", "config.tar" }.Select(name => Path.Combine(folder, name))];
        JsonElement explain = CliRun.Of(["merge", .. layers, "-o", Path.Combine(folder, "out"), "--explain", "--json"])
            .Json().GetProperty("explain");
        Dictionary<string, JsonElement> names = explain.GetProperty("names").EnumerateArray()
            .ToDictionary(name => name.GetProperty("path").GetString()!);
        Assert.Equal(("replaced", 1), OutcomeAndWinner(names["/etc/motd"]));
        Assert.Equal(("removed", 2), OutcomeAndWinner(names["/etc/hosts"]));
        Assert.Equal(("hidden as a whole", 1), OutcomeAndWinner(names["/var/cache/app"]));
        Assert.Equal(explain.GetProperty("wastedBytes").GetInt64(),
            names.Values.Sum(name => name.GetProperty("wastedBytes").GetInt64()));

        static (string?, int) OutcomeAndWinner(JsonElement name) =>
            (name.GetProperty("outcome").GetString(), name.GetProperty("winner").GetInt32());
    }

    [Theory]
    [InlineData("base.erofs", "/usr/bin/hello", 2)]
    [InlineData("base.erofs", "/usr", 4)]
    [InlineData("config.tar", "/app/serve", 1)]
    public void Stat_counts_links(string layer, string path, int links)
    {
        string file = Path.Combine(CliRun.NewFolderWithLayers(), layer);
        Assert.Equal(links, CliRun.Of("stat", file, path, "--json").Json()[0].GetProperty("links").GetInt32());
    }

    [Theory]
    [MemberData(nameof(Images))]
    public void Every_byte_of_an_image_has_one_use_and_every_inode_is_counted(string name)
    {
        CorpusRow row = Corpus.Row(name);
        ImageInfo info = ImageInfo.Read(row.ImagePath, row.DevicePaths);
        Assert.Equal(info.Length, info.Uses.Sum(use => use.Bytes));
        Assert.All(info.Uses, use => Assert.InRange(use.Bytes, 0, info.Length));
        ImageCounts counts = info.Counts;
        long inodes = counts.Directories + counts.RegularFiles + counts.SymbolicLinks + counts.Others
            + (info.PackedNid != 0 ? 1 : 0);
        long metabox = info.Features.Any(feature => feature.Name == "metabox") ? 1 : 0;
        Assert.Equal(info.InodeCount, inodes + metabox);
        Assert.Equal(Corpus.Truth(name).Length, counts.Names + 1);
    }

    [Theory]
    [MemberData(nameof(Images))]
    public void The_extents_of_every_file_cover_it_once(string name)
    {
        CorpusRow row = Corpus.Row(name);
        string specification = string.Join('@', [row.ImagePath, .. row.DevicePaths]);
        JsonElement listed = CliRun.Of("ls", specification, "-R", "--json").Json();
        string[] paths = [.. listed.EnumerateArray().Where(file => file.GetProperty("type").GetString() == "file")
            .Select(file => file.GetProperty("path").GetString()!)];
        JsonElement stats = CliRun.Of(["stat", specification, .. paths, "--extents", "--json"]).Json();
        foreach (JsonElement file in stats.EnumerateArray())
        {
            long at = 0, size = file.GetProperty("size").GetInt64();
            foreach (JsonElement extent in file.GetProperty("inode").GetProperty("extents").EnumerateArray())
            {
                long logical = extent.GetProperty("logical").GetInt64();
                Assert.True(logical >= at, "extents overlap");      // what is between them is a hole
                at = logical + extent.GetProperty("length").GetInt64();
            }
            Assert.True(at <= size, "extents reach past the end");
        }
    }

    [Fact]
    public void An_index_can_be_inspected_without_its_devices()
    {
        (string index, string[] devices) = CliRun.NewIndex();
        JsonElement info = CliRun.Of("inspect", index, "--json").Json();
        JsonElement[] slots = [.. info.GetProperty("devices").EnumerateArray()];
        JsonElement[] layers = [.. info.GetProperty("layers").EnumerateArray()];
        for (int i = 0; i < devices.Length; i++)
        {
            string digest = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(devices[i])));
            Assert.Equal(digest, slots[i].GetProperty("tag").GetString());
            Assert.Equal(digest, layers[i].GetProperty("sha256").GetString());
            Assert.Equal(Path.GetFileName(devices[i]), layers[i].GetProperty("name").GetString());
            Assert.Equal(JsonValueKind.Null, slots[i].GetProperty("path").ValueKind);
        }
    }

    [Fact]
    public void The_oldest_kernel_follows_what_is_used()
    {
        string folder = CliRun.NewFolderWithLayers();
        Assert.Equal(new Version(5, 13), ImageInfo.Read(Path.Combine(folder, "base.erofs")).Kernel);
        Assert.Equal(new Version(6, 10), ImageInfo.Read(Path.Combine(folder, "app.erofs")).Kernel);
        Assert.Equal(new Version(6, 15), ImageInfo.Read(Corpus.PathOf("48bit.erofs")).Kernel);
        Assert.Equal(new Version(6, 4), ImageInfo.Read(Corpus.PathOf("block-512.erofs")).Kernel);
        Assert.Equal(new Version(6, 8), ImageInfo.Read(Corpus.PathOf("lz4-512.erofs")).Kernel);
    }
}
