using System.Text;
using System.Text.Json;
using Lamina.Cli;
using Lamina.Tests.Cli;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Exporting;

/// <summary>The verbs that take things out of images: output, exit codes, and what they leave behind.</summary>
public class VerbTests
{
    private readonly string _image = Path.Combine(CliRun.NewFolderWithLayers(), "base.erofs");

    [Fact]
    public void Cat_writes_bytes_and_names_what_is_not_there()
    {
        Assert.Equal(0, Run(out string output, "cat", _image, "/etc/motd", "etc/passwd"));
        Assert.Equal(0, Run(out string motd, "cat", _image, "/etc/motd"));
        Assert.StartsWith(motd, output);
        Assert.True(output.Length > motd.Length);
        Assert.Equal(1, CliRun.Of("cat", _image, "/none").Code);
        Assert.Contains("only files have data", CliRun.Of("cat", _image, "/etc").Error);
    }

    [Fact]
    public void Manifest_of_every_kind_of_image_is_the_truth()
    {
        foreach (string image in (string[])["blob.erofs", "tar-index.erofs", "layer-app-lzma.erofs"])
        {
            Assert.Equal(0, Run(out string output, "manifest", ManifestTests.Specification(image)));
            Assert.Equal(Corpus.Truth(image), output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
    }

    [Fact]
    public void Extract_makes_a_directory_and_refuses_one_that_holds_files()
    {
        string folder = Scratch.NewPath("out");
        JsonElement result = CliRun.Of("extract", _image, folder, "/etc", "--no-owner", "--json").Json();
        Assert.Equal(Directory.GetFiles(Path.Combine(folder, "etc")).Length, result.GetProperty("files").GetInt64());
        Assert.Equal(2, result.GetProperty("directories").GetInt64());
        CliRun again = CliRun.Of("extract", _image, folder, "--no-owner");
        Assert.Equal(4, again.Code);
        Assert.Contains("is not empty", again.Error);
        Assert.Equal(0, CliRun.Of("extract", _image, folder, "--no-owner", "--no-devices", "--force").Code);
        Assert.Equal(1, CliRun.Of("extract", _image, Scratch.NewPath("out"), "/none").Code);
    }

    [Fact]
    public void Extract_tells_what_could_not_be_made_and_ends_with_1()
    {
        string path = Scratch.NewPath("device.tar"), folder = Path.Combine(Unprivileged.NewFolder(), "out");
        File.WriteAllBytes(path, new Generators.TarBuilder().File("a", "a").Device('4', "disk", 7, 0).End().ToArray());
        File.SetUnixFileMode(Path.GetDirectoryName(path)!, (UnixFileMode)0x1ED);
        byte[] archive = File.ReadAllBytes(path);
        string copy = Path.Combine(Path.GetDirectoryName(folder)!, "device.tar");
        File.WriteAllBytes(copy, archive);
        Unprivileged.Run(() =>
        {
            CliRun run = CliRun.Of("extract", copy, folder);
            Assert.Equal(1, run.Code);
            Assert.Contains("1 file (1 B)", run.Output);
            Assert.Contains("/disk: a block device cannot be made", run.Error);
        });
    }

    [Fact]
    public void Export_writes_whole_files_only_and_streams_what_they_hold()
    {
        string path = Scratch.NewPath("out.tar");
        Assert.Equal(0, CliRun.Of("export", _image, "-o", path).Code);
        using MemoryStream bytes = new();
        using StringWriter nowhere = new();
        Assert.Equal(0, Program.Run(["export", _image, "-o", "-"], nowhere, nowhere, bytes));
        Assert.Equal(File.ReadAllBytes(path), bytes.ToArray());
        Assert.Equal(4, CliRun.Of("export", _image, "-o", path).Code);
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
        Assert.Equal(0, CliRun.Of("diff", _image, path).Code);
    }

    [Fact]
    public void Diff_ends_with_1_and_names_each_difference()
    {
        string other = Path.Combine(Path.GetDirectoryName(_image)!, "app.erofs");
        CliRun run = CliRun.Of("diff", _image, other);
        Assert.Equal(1, run.Code);
        Assert.Contains("removed  /", run.Output);
        JsonElement json = JsonDocument.Parse(CliRun.Of("diff", _image, other, "--json").Output).RootElement;
        Assert.False(json.GetProperty("same").GetBoolean());
        Assert.Equal(run.Output.Split('\n').Length - 2, json.GetProperty("differences").GetArrayLength());
        Assert.Equal(2, CliRun.Of("diff", _image, other, "--ignore", "nonsense").Code);
    }

    private static int Run(out string output, params string[] arguments)
    {
        using MemoryStream bytes = new();
        using StringWriter nowhere = new();
        int code = Program.Run(arguments, nowhere, nowhere, bytes);
        output = Encoding.UTF8.GetString(bytes.ToArray());
        return code;
    }
}
