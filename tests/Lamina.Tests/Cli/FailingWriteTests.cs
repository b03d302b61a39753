using Lamina.Tests.Oracles;

namespace Lamina.Tests.Cli;

/// <summary>
/// A disk is full from the n-th write on, for every n: the program says so with exit code 4, what was there before is there
/// still, and nothing new is.
/// </summary>
public class FailingWriteTests
{
    private const string Output = "out";

    /// <summary>More writes than any of these has: a verb that never ends well.</summary>
    private const int TooMany = 400;

    /// <summary>Lengths, data, header, flushes, name: fewer, and the library that fails is not asked.</summary>
    private const int LeastWrites = 6;

    private static readonly Lazy<string> s_library = new(Compile);

    [Theory]
    [InlineData(false, "flat")]
    [InlineData(false, "index")]
    [InlineData(false, "full")]
    [InlineData(false, "flat", "--verity")]
    [InlineData(false, "index", "--verity")]
    [InlineData(false, "full", "--verity")]
    [InlineData(true, "full")]
    [InlineData(true, "flat", "--verity")]
    public void A_merge_leaves_the_old_output_or_the_new_one(bool isNamed, string mode, params string[] options) =>
        AssertHolds(isNamed, ["merge", "--mode", mode, .. options, "base.erofs", "app.erofs", "-o", Output, "--force"]);

    [Theory]
    [InlineData(false, "files")]
    [InlineData(true, "in-place", "--no-index")]
    [InlineData(false, "in-place", "--verity")]
    public void An_archive_for_booting_is_the_old_one_or_the_new_one(bool isNamed, string form, params string[] options)
    {
        string init = Scratch.NewPath("init");
        File.WriteAllText(init, "no program, of which is warned");
        AssertHolds(isNamed, ["initrd", "--form", form, .. options, "--init", init, "-l", "base.erofs", "-l", "app.erofs",
            "-o", Output, "--force"]);
    }

    /// <summary>
    /// Runs the program with a disk that is full from each write on, until there is no further one. Every other time there is an
    /// output already.
    /// </summary>
    /// <param name="isNamed">Whether the file system has no files without a name.</param>
    /// <param name="arguments">The command.</param>
    private static void AssertHolds(bool isNamed, string[] arguments)
    {
        string folder = CliRun.NewFolderWithLayers(), output = Path.Combine(folder, Output);
        string[] inputs = NamesIn(folder);
        Run(folder, int.MaxValue, isNamed, arguments).MustSucceed();
        byte[] whole = File.ReadAllBytes(output), old = "what was there before"u8.ToArray();
        int write = 0;
        for (ToolResult run; ; write++)
        {
            Assert.InRange(write, 0, TooMany);
            byte[]? before = write % 2 == 0 ? old : null;
            File.Delete(output);
            if (before is not null)
                File.WriteAllBytes(output, before);
            run = Run(folder, write, isNamed, arguments);
            byte[]? after = File.Exists(output) ? File.ReadAllBytes(output) : null;
            Assert.Equal(inputs, NamesIn(folder).Where(name => name != Output));
            if (run.ExitCode == 0)
            {
                Assert.Equal(whole, after);
                break;
            }
            Assert.True(run.ExitCode == 4, $"write {write}: exit code {run.ExitCode}\n{run.Error}");
            Assert.Matches($"lamina: {Output}: .*No space left on device", run.Error);
            // The last that can fail is the flush of the folder: the output is in its place by then.
            Assert.Equal(run.Error.Contains("its directory cannot be flushed") ? whole : before, after);
        }
        Assert.InRange(write, LeastWrites, TooMany);
    }

    private static ToolResult Run(string folder, int failingAt, bool isNamed, string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "Lamina.Cli.dll");
        string[] environment =
        [
            $"LD_PRELOAD={s_library.Value}", $"FAILING_FOLDER={folder}", $"FAILING_AT={failingAt}",
            .. isNamed ? (string[])["FAILING_UNNAMED=1"] : [], "DOTNET_TieredPGO=0",
        ];
        return Tools.RunIn(folder, "env", [.. environment, Tools.Require("dotnet"), program, .. arguments]);
    }

    private static string[] NamesIn(string folder) =>
        [.. Directory.GetFileSystemEntries(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    private static string Compile()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the C library of Linux is needed");
        string source = Path.Combine(AppContext.BaseDirectory, "Fixtures", "failing-writes.c");
        string library = Scratch.NewPath("failing-writes.so"), compiler = Tools.Find("gcc") ?? Tools.Require("clang");
        Tools.Run(compiler, "-shared", "-fPIC", "-O1", "-Wall", "-o", library, source, "-ldl").MustSucceed();
        return library;
    }
}
