using System.Diagnostics;
using System.Text;
using Lamina.Building;
using Lamina.Compression;
using Lamina.Layers;
using Lamina.Reading;
using Lamina.Tests.Cli;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Building;

/// <summary>Directories of the host that become images, judged by the kernel.</summary>
public class DirectoryBuildTests
{
    /// <summary>A mounted image is a directory like any, with files of every kind, attributes and times.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_directory_becomes_an_image_that_shows_the_same(int seed)
    {
        KernelMount.SkipUnlessPossible();
        ImageFile image = TestImages.Of(seed == 3 ? Compressible.Tree(3) : new RandomTree(seed).Next());
        using KernelMount mount = image.Mount();
        WriteOptions[] ways =
        [
            TestImages.Full, TestImages.Flat,
            TestImages.Full with { Encoding = new EncodeOptions { Codec = Codec.Zstd } },
            TestImages.Full with
            {
                Encoding = new EncodeOptions { Codec = Codec.Lz4, IsPacked = true }, Kernel = KernelProfile.Linux615,
            },
        ];
        foreach (WriteOptions options in ways)
        {
            ImageFile built = TestImages.MergeAs(options, null, mount.Path);
            Assert.Equal(TestImages.Shown(image, noLinkCounts: false), TestImages.Shown(built, noLinkCounts: false));
        }
    }

    [Fact]
    public void The_same_facts_give_the_same_bytes_from_a_directory_and_from_an_image()
    {
        KernelMount.SkipUnlessPossible();
        ImageFile image = TestImages.Of(Compressible.Tree(4));
        using KernelMount mount = image.Mount();
        WriteOptions options = TestImages.Full with { Encoding = new EncodeOptions { Codec = Codec.Zstd } };
        Assert.Equal(File.ReadAllBytes(TestImages.Merge(options, image).Path),
            File.ReadAllBytes(TestImages.MergeAs(options, null, mount.Path).Path));
    }

    [Fact]
    public void Directories_deeper_than_a_path_can_be_are_read()
    {
        string folder = Scratch.NewPath("folder");
        Directory.CreateDirectory(folder);
        string name = new('n', 200);
        Assert.Equal(0, Run("bash", "-c",
            $"cd {folder}; for i in $(seq 40); do mkdir {name}; cd {name}; done; echo -n deep > file"));
        using Layer layer = LayerOpener.Open(folder);
        Node file = Trees.Walk(layer.Root).Last().Node;
        Assert.Equal("deep"u8.ToArray(), Trees.Read(file, 0, 4));
        Assert.Equal(0, Run("rm", "-rf", folder));
    }

    [Fact]
    public void For_persistent_memory_all_data_is_plain_and_on_pages()
    {
        string folder = Scratch.NewFolder("files"), output = Scratch.NewPath("dax.erofs");
        Random dice = new(1);
        foreach (int size in (int[])[0, 1, 100, 4095, 4096, 4097, 300_000])
            File.WriteAllBytes(Path.Combine(folder, $"{size}"), Compressible.Data(dice, size, 0));
        CliRun.Of("build", "--dax", folder, "-o", output).MustSucceed();
        CliRun.Of("diff", folder, output).MustSucceed();
        using ErofsImage image = ErofsImage.Open(output);
        int files = 0;
        foreach ((_, Node node) in Trees.Walk(image.Root))
        {
            if (node.Type != NodeType.RegularFile || node.Size == 0)
                continue;
            PlacedContent content = Assert.IsType<PlacedContent>(node.Content);
            Assert.Equal(node.Size, Assert.Single(content.Extents.ToArray()).Length);
            Assert.Equal(0, content.Extents[0].Offset % 4096);
            files++;
        }
        Assert.Equal(6, files);
        foreach (string option in (string[])["-z=none", "--packed", "--block-size=512"])
            Assert.Equal(2, CliRun.Of("build", "--dax", option, folder, "-o", output, "-f").Code);
    }

    [Fact]
    public void Patterns_and_owners_come_from_files()
    {
        string folder = Scratch.NewFolder("files"), output = Scratch.NewPath("out.erofs");
        string patterns = Scratch.NewPath("patterns"), owners = Scratch.NewPath("owners");
        Directory.CreateDirectory(Path.Combine(folder, "sub"));
        foreach (string name in (string[])["keep", "leave.o", "sub/leave.o", "sub/kept", "sub/also"])
            File.WriteAllText(Path.Combine(folder, name), name);
        File.WriteAllText(patterns, "# objects\n*.o\n\n/sub/also\n");
        uint user = Environment.IsPrivilegedProcess ? 0 : uint.Parse(Tools.Run(Tools.Require("id"), "-u").Output.Trim());
        File.WriteAllText(owners, $"# users\nu:{user}=1234\ng:0-4000000000=5\n");
        CliRun.Of("build", folder, "-o", output, "--exclude-from", patterns, "--map-owner", $"@{owners}").MustSucceed();
        using ErofsImage image = ErofsImage.Open(output);
        string[] rows = [.. Trees.Walk(image.Root).Select(file => $"{Encoding.UTF8.GetString(file.Path)} {file.Node.UserId}")];
        Assert.Equal(["/ 1234", "/keep 1234", "/sub 1234", "/sub/kept 1234"], rows.Order(StringComparer.Ordinal));
        File.WriteAllText(owners, "u:1=2\nnonsense\n");
        CliRun refused = CliRun.Of("build", folder, "-o", output, "-f", "--map-owner", $"@{owners}");
        Assert.Equal((2, true), (refused.Code, refused.Error.Contains("line 2: \"nonsense\"", StringComparison.Ordinal)));
    }

    [Fact]
    public void What_is_mounted_in_a_directory_stays_out_where_that_is_asked_for()
    {
        KernelMount.SkipUnlessPossible();
        string folder = Scratch.NewFolder("files"), inner = Path.Combine(folder, "inner"), output = Scratch.NewPath("out.erofs");
        Directory.CreateDirectory(inner);
        File.WriteAllText(Path.Combine(folder, "own"), "own");
        Assert.Equal(0, Run("mount", "-t", "tmpfs", "none", inner));
        try
        {
            File.WriteAllText(Path.Combine(inner, "other"), "other");
            CliRun.Of("build", folder, "-o", output).MustSucceed();
            Assert.Equal(["/", "/inner", "/inner/other", "/own"], Paths(output));
            CliRun.Of("build", folder, "-o", output, "-f", "--one-file-system").MustSucceed();
            Assert.Equal(["/", "/inner", "/own"], Paths(output));
        }
        finally
        {
            Assert.Equal(0, Run("umount", inner));
        }
    }

    /// <summary>Root may read everything, unless it has given up its capabilities.</summary>
    [Fact]
    public void What_may_not_be_read_is_named_and_left_out_where_that_is_asked_for()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can give up capabilities");
        string folder = Scratch.NewFolder("files");
        File.WriteAllText(Path.Combine(folder, "open"), "open");
        File.WriteAllText(Path.Combine(folder, "secret"), "secret");
        File.SetUnixFileMode(Path.Combine(folder, "secret"), UnixFileMode.None);
        string program = Path.Combine(AppContext.BaseDirectory, "Lamina.Cli.dll"), dotnet = Tools.Require("dotnet");
        Assert.SkipUnless(File.Exists(program), "the program is not beside the tests");
        string output = Path.Combine(folder, "out.erofs");
        (int Code, string Error) strict = Powerless("");
        Assert.Equal((4, true), (strict.Code, strict.Error.Contains("secret", StringComparison.Ordinal)));
        Assert.False(File.Exists(output));
        (int Code, string Error) lenient = Powerless("--ignore-unreadable");
        Assert.Equal((1, true), (lenient.Code, lenient.Error.Contains("secret", StringComparison.Ordinal)));
        Assert.Equal(["/", "/open"], Paths(output));

        (int Code, string Error) Powerless(string option)
        {
            string[] words = ["--inh-caps=-all", "--bounding-set=-all", dotnet, program, "build", folder, "-o", output];
            ToolResult run = Tools.Run(Tools.Require("setpriv"), option.Length == 0 ? words : [.. words, option]);
            return (run.ExitCode, run.Error);
        }
    }

    private static string[] Paths(string image)
    {
        using ErofsImage opened = ErofsImage.Open(image);
        return [.. Trees.Walk(opened.Root).Select(file => Encoding.UTF8.GetString(file.Path)).Order(StringComparer.Ordinal)];
    }

    private static int Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit();
        return process.ExitCode;
    }
}
