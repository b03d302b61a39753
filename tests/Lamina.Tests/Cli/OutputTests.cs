using System.Diagnostics;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Cli;

/// <summary>What is left in a folder after the program has ended, one way or another.</summary>
public class OutputTests
{
    [Fact]
    public void An_existing_output_is_not_overwritten_without_force()
    {
        string folder = CliRun.NewFolderWithLayers();
        string layer = Path.Combine(folder, "base.erofs"), output = Path.Combine(folder, "out.erofs");
        File.WriteAllText(output, "precious");
        CliRun run = CliRun.Of("merge", layer, "-o", output);
        Assert.Equal(4, run.Code);
        Assert.Contains("--force", run.Error);
        Assert.Equal("precious", File.ReadAllText(output));

        CliRun.Of("merge", layer, "-o", output, "--force").MustSucceed();
        Assert.NotEqual(8, new FileInfo(output).Length);
    }

    [Fact]
    public void A_merge_that_fails_leaves_nothing_behind()
    {
        string folder = CliRun.NewFolderWithLayers();
        string cut = Path.Combine(folder, "cut.tar");
        byte[] tar = File.ReadAllBytes(Path.Combine(folder, "config.tar"));
        File.WriteAllBytes(cut, tar[..1540]);
        string[] before = Directory.GetFileSystemEntries(folder);
        CliRun run = CliRun.Of("merge", Path.Combine(folder, "base.erofs"), cut, "-o", Path.Combine(folder, "out.erofs"));
        Assert.Equal(3, run.Code);
        Assert.Equal(before.Order(), Directory.GetFileSystemEntries(folder).Order());
    }

    [Fact]
    public void A_dry_run_writes_nothing_and_says_the_same()
    {
        string folder = CliRun.NewFolderWithLayers();
        string lower = Path.Combine(folder, "base.erofs"), upper = Path.Combine(folder, "config.tar");
        string[] merge = ["merge", lower, upper, "-o", Path.Combine(folder, "out.erofs")];
        string[] before = Directory.GetFileSystemEntries(folder);
        CliRun planned = CliRun.Of([.. merge, "--dry-run"]).MustSucceed();
        Assert.Equal(before.Order(), Directory.GetFileSystemEntries(folder).Order());
        CliRun done = CliRun.Of(merge).MustSucceed();
        Assert.Equal(planned.Output.Split('\n')[0].Replace("would be", "is"), done.Output.Split('\n')[0]);
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public void A_merge_that_is_interrupted_leaves_nothing_behind(string signal, int code)
    {
        string folder = CliRun.NewFolderWithLayers();
        // A layer that takes long enough to read for its digest: a tar whose only file is a hole of many gigabytes.
        string large = Path.Combine(folder, "large.tar");
        File.WriteAllBytes(large, TarOf("hole", 60L << 30));
        using (FileStream stream = new(large, FileMode.Open))
            stream.SetLength((60L << 30) + 3 * 512);
        using Process process = StartCli(folder, "merge", "base.erofs", "large.tar", "-o", "out.erofs");
        Stopwatch patience = Stopwatch.StartNew();
        while (!HasBegun(process.Id, folder) && !process.HasExited)
        {
            Assert.True(patience.Elapsed < TimeSpan.FromMinutes(1), "no output was begun");
            process.WaitForExit(20);
        }
        Tools.Run("sh", "-c", $"kill -{signal} {process.Id}").MustSucceed();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(1)), "the signal did not end it");
        Assert.SkipWhen(process.ExitCode == 0, "this file system copies faster than a signal comes");
        Assert.Equal(code, process.ExitCode);
        Assert.Equal("", process.StandardOutput.ReadToEnd());
        Assert.Equal(["app.erofs", "base.erofs", "config.tar", "large.tar"],
            Directory.GetFileSystemEntries(folder).Select(path => Path.GetFileName(path)!).Order());
        File.Delete(large);
    }

    [Theory]
    [InlineData("ls", "base.erofs")]
    [InlineData("cat", "base.erofs", "/etc/os-release")]
    [InlineData("manifest", "base.erofs")]
    [InlineData("check", "--json", "base.erofs")]
    [InlineData("export", "base.erofs", "-o", "-")]
    [InlineData("merge", "--help")]
    [InlineData("--version")]
    [InlineData("merge", "base.erofs", "-o", "new.erofs")]
    public void A_full_disk_or_nothing_at_all_behind_standard_output_is_a_failure(params string[] arguments)
    {
        string folder = CliRun.NewFolderWithLayers();
        string program = Path.Combine(AppContext.BaseDirectory, "Lamina.Cli.dll"), dotnet = Tools.Require("dotnet");
        string command = string.Join(' ', ((string[])[dotnet, program, .. arguments]).Select(word => $"'{word}'"));
        (string, string)[] places = [(">/dev/full", "No space left"), (">&-", "it is closed")];
        foreach ((string redirection, string why) in places)
        {
            ToolResult run = Tools.RunIn(folder, "sh", "-c", $"rm -f new.erofs; exec {command} {redirection}");
            Assert.Equal(4, run.ExitCode);
            Assert.Contains($"lamina: standard output: {why}", run.Error);
        }
        Assert.Equal(0, Tools.RunIn(folder, "sh", "-c", $"rm -f new.erofs; {command} 2>err >out; exit $?").ExitCode);
    }

    [Theory]
    [InlineData("ls base.erofs")]
    [InlineData("export base.erofs -o -")]
    [InlineData("merge base.erofs -o -")]
    [InlineData("--version")]
    public void Standard_output_that_is_closed_together_with_standard_input_is_a_failure(string arguments)
    {
        // .NET opens pipes of its own under numbers that are free: bytes would go there and be gone, or wait for ever.
        string folder = CliRun.NewFolderWithLayers();
        ToolResult run = RunIn(folder, $"{arguments} <&- >&-");
        Assert.Equal(4, run.ExitCode);
        Assert.Contains("lamina: standard output: it is closed", run.Error);
    }

    [Fact]
    public void Standard_input_that_is_closed_is_no_layer()
    {
        ToolResult run = RunIn(CliRun.NewFolderWithLayers(), "ls - <&-");
        Assert.Equal(4, run.ExitCode);
        Assert.Contains("lamina: standard input: it is closed", run.Error);
    }

    [Theory]
    [InlineData("merge base.erofs app.erofs -o - 1<>app.erofs")]
    [InlineData("merge app.erofs - -o - <base.erofs 1<>base.erofs")]
    [InlineData("merge --mode full app.erofs -o - >>app.erofs")]
    [InlineData("export app.erofs -o - 1<>app.erofs")]
    [InlineData("cat base.erofs /etc/os-release >>base.erofs")]
    [InlineData("manifest base.erofs >>base.erofs")]
    public void Bytes_that_would_go_through_standard_output_into_their_source_are_refused(string arguments)
    {
        string folder = CliRun.NewFolderWithLayers();
        string[] layers = [Path.Combine(folder, "base.erofs"), Path.Combine(folder, "app.erofs")];
        byte[][] before = [.. layers.Select(File.ReadAllBytes)];
        ToolResult run = RunIn(folder, arguments);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("lamina: standard output: is the input ", run.Error);
        Assert.Equal(before, layers.Select(File.ReadAllBytes));
    }

    [Fact]
    public void Outputs_without_a_name_or_in_the_place_of_something_else_are_told_in_plain_words()
    {
        string folder = CliRun.NewFolderWithLayers();
        string layer = Path.Combine(folder, "base.erofs"), flat = Path.Combine(folder, "flat.erofs");
        CliRun.Of("merge", layer, "-o", flat).MustSucceed();
        string[][] unnamed = [["merge", layer, "-o", ""], ["export", layer, "-o", ""], ["split", flat, ""],
            ["verity", "format", layer, "--hash-file", ""]];
        Assert.All(unnamed, arguments => Assert.Contains("needs a name", CliRun.Of(arguments).Error));
        Assert.Contains("base.erofs: is no directory", CliRun.Of("split", flat, layer).Error);
    }

    [Fact]
    public void An_interrupt_before_there_is_a_folder_for_the_output_ends_quietly()
    {
        ToolResult run = RunIn(Scratch.NewFolder("early"), "split pipe new & sleep 3; kill -TERM $!; wait $!", "mkfifo pipe; ");
        Assert.Equal(143, run.ExitCode);
        Assert.DoesNotContain("Unhandled", run.Error);
    }

    /// <summary>Runs the program as a process of its own, with what a shell does with its descriptors.</summary>
    private static ToolResult RunIn(string folder, string arguments, string before = "")
    {
        string program = Path.Combine(AppContext.BaseDirectory, "Lamina.Cli.dll"), dotnet = Tools.Require("dotnet");
        return Tools.RunIn(folder, "bash", "-c", $"{before}'{dotnet}' '{program}' {arguments}");
    }

    /// <summary>Whether a process has a file open in a folder that has no name yet, or the name of an unfinished one.</summary>
    private static bool HasBegun(int process, string folder) =>
        Directory.EnumerateFileSystemEntries($"/proc/{process}/fd").Select(path => new FileInfo(path).LinkTarget ?? "")
            .Any(target => target.StartsWith(folder + "/#", StringComparison.Ordinal) || target.EndsWith(".partial",
                StringComparison.Ordinal));

    /// <summary>Starts the program as a process of its own.</summary>
    private static Process StartCli(string folder, params string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "Lamina.Cli.dll");
        ProcessStartInfo start = new(Environment.ProcessPath!, [program, .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (!Path.GetFileNameWithoutExtension(Environment.ProcessPath!).Equals("dotnet", StringComparison.Ordinal))
            start.FileName = Tools.Require("dotnet");
        return Process.Start(start)!;
    }

    private static byte[] TarOf(string name, long size)
    {
        byte[] header = new byte[512];
        System.Text.Encoding.ASCII.GetBytes(name, header);
        "0000644\0"u8.CopyTo(header.AsSpan(100));
        "0000000\0"u8.CopyTo(header.AsSpan(108));
        "0000000\0"u8.CopyTo(header.AsSpan(116));
        header[124] = 0x80;                         // GNU: a binary number, for sizes above 8 GiB
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(128), size);
        "00000000000\0"u8.CopyTo(header.AsSpan(136));
        header.AsSpan(148, 8).Fill((byte)' ');
        header[156] = (byte)'0';
        "ustar  \0"u8.CopyTo(header.AsSpan(257));
        System.Text.Encoding.ASCII.GetBytes(Convert.ToString(header.Sum(value => value), 8).PadLeft(6, '0') + "\0 ",
            header.AsSpan(148));
        return header;
    }
}
