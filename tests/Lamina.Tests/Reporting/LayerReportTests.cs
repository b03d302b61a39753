using System.Text.Json;
using Lamina.Tests.Cli;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Reporting;

/// <summary>What layers cost, on trees whose numbers are known.</summary>
public class LayerReportTests
{
    private const int Big = 8192, Small = 5000;

    /// <summary>Three tars: what is below, something new and something anew over it, and what deletes.</summary>
    internal static string[] Layers()
    {
        string same = new('s', Big);
        string lower = Scratch.NewPath("lower.tar"), middle = Scratch.NewPath("middle.tar"), upper = Scratch.NewPath("upper.tar");
        File.WriteAllBytes(lower, new TarBuilder().Directory("a").File("a/kept", same).File("a/replaced", new string('r', Small))
            .Directory("gone").File("gone/one", new string('1', 700)).File("gone/two", new string('2', 300))
            .Directory("opaque").File("opaque/old", new string('o', 100)).Link("a/again", "a/kept").End().ToArray());
        File.WriteAllBytes(middle, new TarBuilder().Directory("a").File("a/replaced", "new").Directory("b").File("b/copy", same)
            .Add(new TarFields { Name = TarBuilder.Bytes("b/su"), Mode = 0x9ED }, TarBuilder.Bytes("program"))
            .Directory("opaque").File("opaque/.wh..wh..opq").File("opaque/new", "x").End().ToArray());
        File.WriteAllBytes(upper, new TarBuilder().File(".wh.gone").File(".wh.never").End().ToArray());
        return [lower, middle, upper];
    }

    private static JsonElement Report(params string[] arguments) => CliRun.Of(["report", .. arguments, "--json"]).Json();

    private static long[] Numbers(JsonElement from, params string[] names) =>
        [.. names.Select(name => from.GetProperty(name).GetInt64())];

    [Fact]
    public void Each_byte_of_each_layer_is_seen_or_hidden_by_the_layer_that_did_it()
    {
        JsonElement report = Report(Layers());
        JsonElement[] layers = [.. report.GetProperty("layers").EnumerateArray()];
        string[] names = ["files", "visible", "unique", "shared", "replaced", "removed", "stored", "hiddenStored"];
        Assert.Equal([5, Big, 0, Big, Small, 1100, Big + Small + 1100, Small + 1100], Numbers(layers[0], names));
        Assert.Equal([4, Big + 11, 11, 0, 0, 0, Big + 11, 0], Numbers(layers[1], names));
        Assert.Equal([0, 0, 0, 0, 0, 0, 0, 0], Numbers(layers[2], names));
        Assert.Equal([0, Small + 100, 1000], layers[0].GetProperty("hiddenBy").EnumerateArray().Select(one => one.GetInt64()));
        Assert.Equal([2 * Big + 11, Small + 1100, Big, Big + Small + 1100],
            Numbers(report.GetProperty("total"), "visible", "hidden", "copies", "saving"));
        Assert.True(report.GetProperty("complete").GetBoolean());
    }

    [Fact]
    public void What_is_hidden_is_named_once_with_all_that_is_in_it()
    {
        JsonElement report = Report(Layers());
        Assert.Equal(["/a/replaced replaced 0 1 1 5000", "/gone removed 0 2 2 1000", "/opaque removed 0 1 1 100"],
            report.GetProperty("waste").EnumerateArray().Select(item =>
                $"{item.GetProperty("path")} {item.GetProperty("outcome")} " +
                $"{item.GetProperty("layer")} {item.GetProperty("by")} {item.GetProperty("files")} {item.GetProperty("size")}"));
        Assert.Equal(["/gone whiteout 2 1000", "/never whiteout 2 0", "/opaque opaque 1 100"],
            report.GetProperty("marks").EnumerateArray().Select(mark =>
                $"{mark.GetProperty("path")} {mark.GetProperty("kind")} " +
                $"{mark.GetProperty("layer")} {mark.GetProperty("hidden")}"));
    }

    [Fact]
    public void Files_with_the_same_data_are_found_and_hard_links_are_none()
    {
        JsonElement copies = Assert.Single(Report(Layers()).GetProperty("copies").EnumerateArray());
        Assert.Equal([Big, Big], Numbers(copies, "size", "saving"));
        Assert.Equal(["/a/kept", "/b/copy"], copies.GetProperty("files").EnumerateArray()
            .Select(file => file.GetProperty("path").GetString()!.Replace("again", "kept")));
    }

    [Fact]
    public void Without_comparing_no_data_is_read_and_that_is_said()
    {
        JsonElement report = Report([.. Layers(), "--no-compare"]);
        Assert.False(report.TryGetProperty("copies", out _));
        Assert.False(report.GetProperty("total").TryGetProperty("copies", out _));
        Assert.False(report.GetProperty("complete").GetBoolean());
        Assert.Equal(Small + 1100, report.GetProperty("total").GetProperty("saving").GetInt64());
    }

    [Fact]
    public void Programs_with_rights_of_their_own_are_listed()
    {
        JsonElement program = Assert.Single(Report(Layers()).GetProperty("privileged").EnumerateArray());
        Assert.Equal("/b/su", program.GetProperty("path").GetString());
        Assert.Equal("4755", program.GetProperty("mode").GetString());
    }

    [Theory]
    [InlineData("flat")]
    [InlineData("index")]
    public void Of_an_image_that_was_merged_the_layers_are_shown(string mode)
    {
        string folder = CliRun.NewFolderWithLayers(), image = Path.Combine(folder, "image");
        string[] layers = [Path.Combine(folder, "base.erofs"), Path.Combine(folder, "app.erofs")];
        CliRun.Of(["merge", "--mode", mode, .. layers, "-o", image]).MustSucceed();
        JsonElement expected = Report(layers);
        JsonElement found = Report(mode == "flat" ? image : $"{image}@{layers[0]}@{layers[1]}");
        Assert.Equal(["base.erofs", "app.erofs"], found.GetProperty("layers").EnumerateArray()
            .Select(layer => Path.GetFileName(layer.GetProperty("name").GetString())));
        foreach (string part in (string[])["total", "waste", "copies", "marks", "largest"])
            Assert.Equal(expected.GetProperty(part).ToString(), found.GetProperty(part).ToString());
    }

    [Fact]
    public void An_image_with_layers_that_are_no_longer_there_is_one_and_that_is_said()
    {
        string folder = CliRun.NewFolderWithLayers(), image = Path.Combine(folder, "image");
        string directory = Directory.CreateDirectory(Path.Combine(folder, "directory")).FullName;
        File.WriteAllText(Path.Combine(directory, "new"), "copied into the image");
        CliRun.Of("merge", Path.Combine(folder, "base.erofs"), directory, "-o", image).MustSucceed();
        JsonElement report = Report(image);
        Assert.Equal(1, report.GetProperty("layers").GetArrayLength());
        Assert.Contains("Not all layers", report.GetProperty("note").GetString());
    }

    [Fact]
    public void Layers_of_a_container_image_take_what_their_blobs_do()
    {
        OciImage image = new();
        byte[][] tars = [.. Layers().Select(File.ReadAllBytes)];
        string[] blobs = [.. tars.Select(tar => image.Layer(tar, "gzip"))];
        image.Tag(image.Manifest(tars, layers: blobs));
        JsonElement[] layers = [.. Report(image.Path).GetProperty("layers").EnumerateArray()];
        Assert.Equal(3, layers.Length);
        Assert.All(layers[..2], layer => Assert.Equal("gzip", layer.GetProperty("codec").GetString()));
        Assert.Equal(new FileInfo(image.FileOf(blobs[0])).Length, layers[0].GetProperty("length").GetInt64());
        Assert.InRange(layers[0].GetProperty("stored").GetInt64(), 1, new FileInfo(image.FileOf(blobs[0])).Length);
    }

    [Fact]
    public void Clusters_that_several_files_share_count_once()
    {
        string folder = Scratch.NewFolder("build");
        File.WriteAllBytes(Path.Combine(folder, "one"), Compressible.Data(new Random(1), 100_000, 0));
        File.Copy(Path.Combine(folder, "one"), Path.Combine(folder, "two"));
        string image = Scratch.NewPath("built.erofs");
        CliRun.Of("build", folder, "-z", "lz4", "-o", image).MustSucceed();
        JsonElement report = Report(image), layer = report.GetProperty("layers")[0];
        Assert.Equal("lz4", layer.GetProperty("codec").GetString());
        Assert.Equal([200_000, 100_000], Numbers(layer, "visible", "shared"));
        Assert.InRange(layer.GetProperty("stored").GetInt64(), 1, new FileInfo(image).Length);
        Assert.Empty(report.GetProperty("copies").EnumerateArray());
    }

    [Fact]
    public void Kernel_modules_are_counted_by_folder()
    {
        string tar = Scratch.NewPath("modules.tar");
        TarBuilder builder = new();
        (string, int)[] modules = [("drivers/net/a.ko", 10), ("drivers/net/wireless/b.ko.zst", 5), ("fs/c.ko.xz", 7)];
        foreach ((string path, int size) in modules)
            builder.File($"usr/lib/modules/6.12/kernel/{path}", new string('m', size));
        File.WriteAllBytes(tar, builder.End().ToArray());
        Assert.Equal(["drivers/net 2 15", "fs 1 7"], Report(tar).GetProperty("modules").EnumerateArray().Select(group =>
            $"{group.GetProperty("folder")} {group.GetProperty("count")} {group.GetProperty("size")}"));
    }

    [Fact]
    public void The_summary_names_what_is_largest_in_each_way()
    {
        string text = CliRun.Of(["report", .. Layers()]).MustSucceed().Output;
        Assert.Contains(": 22 KiB in 3 layers; 6.0 KiB hidden; a rebuild saves 14 KiB", text);
        Assert.Contains("/a/replaced: of lower.tar, replaced by middle.tar", text);
        Assert.Contains("/gone (2 files): of lower.tar, removed by upper.tar", text);
        Assert.Contains("3 whiteouts and opaque marks; 1 file with set-id bits or capabilities", text);
        Assert.All(text.Split('\n'), line => Assert.True(line.Length <= 200, line));
    }
}
