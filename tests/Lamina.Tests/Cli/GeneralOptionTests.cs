using System.CommandLine;
using System.Text.Json;
using Lamina.Building;
using Lamina.Cli;
using Lamina.Compression;
using Lamina.Images;
using Lamina.Tests.Oracles;
using Lamina.Writing;

namespace Lamina.Tests.Cli;

/// <summary>The options that each verb understands, and short options that mean the same wherever they are.</summary>
public class GeneralOptionTests
{
    private static RootCommand Root() => Program.Root(new Session(TextWriter.Null, TextWriter.Null, Interrupts.None()));

    /// <summary>What a short option stands for. "-o" of mount is that of mount(8), "-k" names what a boot begins with.</summary>
    private static readonly Dictionary<string, string[]> s_meanings = new()
    {
        ["-o"] = ["--output"],
        ["-f"] = ["--force"],
        ["-z"] = ["--compress", "--recompress"],
        ["-C"] = ["--cluster-size"],
        ["-x"] = ["--exclude"],
        ["-j"] = ["--threads"],
        ["-n"] = ["--dry-run"],
        ["-q"] = ["--quiet"],
        ["-v"] = ["--verbose"],
        ["-h"] = ["--help"],
        ["-V"] = ["--version"],
        ["-l"] = ["--long", "--layer"],
        ["-R"] = ["--recursive"],
        ["-k"] = ["--kernel"],
    };

    [Fact]
    public void Short_options_mean_the_same_in_all_verbs()
    {
        List<string> faults = [];
        foreach (Command command in CommandText.All(Root()))
        {
            foreach (Option option in CommandText.OptionsOf(command))
            {
                foreach (string name in CommandText.NamesOf(option).Where(name => name.Length == 2))
                {
                    bool isMount = command.Name == "mount" && option.Name == "--options";
                    if (!isMount && !s_meanings.GetValueOrDefault(name, []).Contains(option.Name))
                        faults.Add($"{CommandText.PathOf(command)} {name} is {option.Name}");
                }
            }
        }
        Assert.Equal([], faults);
    }

    [Fact]
    public void Each_verb_understands_the_general_options()
    {
        foreach (Command command in CommandText.All(Root()))
        {
            string[] names = [.. CommandText.OptionsOf(command).SelectMany(CommandText.NamesOf)];
            Assert.Equal(names.Length, names.Distinct().Count());
            Assert.Subset(names.ToHashSet(), new HashSet<string>(["-h", "--help", "-V", "--version", "-q", "--quiet", "-v",
                "--verbose", "-j", "--threads", "--progress"]));
            string[] words = CommandText.WordsOf(command);
            Assert.StartsWith("lamina ", CliRun.Of([.. words, "-V"]).MustSucceed().Output);
            Assert.StartsWith("Usage: lamina", CliRun.Of([.. words, "-h"]).MustSucceed().Output);
        }
        Assert.Equal(CliRun.Of("--version").Output, CliRun.Of("-V").Output);
    }

    [Fact]
    public void Other_names_lead_to_verbs_that_there_are()
    {
        RootCommand root = Root();
        foreach ((string word, string meant) in ForeignVerbs.All)
        {
            Assert.DoesNotContain(root.Subcommands, verb => verb.Name == word);
            string[] words = meant.Split(' ');
            if (words[0].StartsWith('-'))
                Assert.Contains(root.Options, option => option.Name == words[0]);
            else
                Assert.Contains(meant.Replace(" -R", ""), CommandText.All(root).Select(verb =>
                    string.Join(' ', CommandText.WordsOf(verb))));
            CliRun run = CliRun.Of(word);
            Assert.Equal(2, run.Code);
            Assert.Equal($"lamina: there is no verb {word}; did you mean {meant}?\nSee: lamina --help\n", run.Error);
        }
    }

    [Fact]
    public void Quiet_verbs_print_what_was_asked_for_alone()
    {
        string folder = CliRun.NewFolderWithLayers(), layer = Path.Combine(folder, "base.erofs");
        string At(string name) => Path.Combine(folder, name);
        foreach (string[] words in (string[][])[
            ["merge", layer, "-o", At("root.erofs")], ["build", layer, "-o", At("built.erofs")],
            ["append", At("root.erofs"), At("config.tar")], ["split", At("root.erofs"), At("parts")],
            ["export", layer, "-o", At("out.tar")], ["extract", layer, At("out"), "--no-owner"], ["check", layer],
            ["check", At("built.erofs"), "--against", layer], ["diff", layer, layer]])
        {
            CliRun run = CliRun.Of([.. words, "-q"]).MustSucceed();
            Assert.Equal("", run.Output);
        }
        Assert.Matches("^[0-9a-f]{64}\n$", CliRun.Of("verity", "format", layer, "--quiet").MustSucceed().Output);
        CliRun trusted = CliRun.Of("merge", layer, "-qo", At("trusted.erofs"), "--verity").MustSucceed();
        Assert.Matches("^[0-9a-f]{64}\n$", trusted.Output);
        Assert.Contains("etc\n", CliRun.Of("ls", "-q", layer).MustSucceed().Output);
        CliRun differs = CliRun.Of("diff", layer, At("app.erofs"), "-q");
        Assert.Equal(1, differs.Code);
        Assert.DoesNotContain("differences;", differs.Output);
        Assert.StartsWith("added    /app: directory\n", differs.Output);
    }

    [Fact]
    public void Verbose_verbs_tell_steps_and_times_on_standard_error()
    {
        string folder = CliRun.NewFolderWithLayers();
        CliRun run = CliRun.Of("build", Path.Combine(folder, "base.erofs"), "-o", Path.Combine(folder, "new.erofs"),
            "--recompress-all", "-v");
        Assert.Equal(0, run.Code);
        Assert.Matches(@"lamina: +\d+\.\d{3} s: encoding: \d+ KiB in ", run.Error);
        Assert.EndsWith("ended with 0\n", run.Error);
        Assert.Equal("", CliRun.Of("ls", Path.Combine(folder, "base.erofs")).Error);
    }

    /// <summary>All that takes its time tells how far it is, and at its end that all is done.</summary>
    [Theory]
    [InlineData("merge base.erofs app.erofs config.tar -o OUT", "writing")]
    [InlineData("merge --mode index base.erofs app.erofs -o OUT", "writing")]
    [InlineData("merge --mode full base.erofs app.erofs -o OUT", "writing")]
    [InlineData("merge packed.tar.gz -o OUT", "reading layers")]
    [InlineData("build same -o OUT", "encoding")]
    [InlineData("build same -o OUT -z none", "encoding")]
    [InlineData("build same -o OUT --kernel 7.2 --dedupe", "encoding")]
    [InlineData("append flat.erofs app.erofs", "appending")]
    [InlineData("split flat.erofs OUT", "splitting")]
    [InlineData("export base.erofs -o OUT", "exporting")]
    [InlineData("export config.tar -o OUT --format cpio", "exporting")]
    [InlineData("extract base.erofs OUT --no-owner", "extracting")]
    [InlineData("manifest base.erofs", "reading")]
    [InlineData("check base.erofs", "checking")]
    [InlineData("diff base.erofs base.erofs", "comparing")]
    [InlineData("verity format base.erofs", "hashing")]
    [InlineData("verity digest --fs-verity base.erofs", "hashing base.erofs")]
    public void Progress_as_json_ends_with_all_of_it(string line, string what)
    {
        string folder = CliRun.NewFolderWithLayers();
        Directory.CreateDirectory(Path.Combine(folder, "same"));
        WriteOddFiles(Path.Combine(folder, "same"));
        CliRun.Of("merge", Path.Combine(folder, "base.erofs"), "-o", Path.Combine(folder, "flat.erofs")).MustSucceed();
        Tools.RunIn(folder, Tools.Require("gzip"), "-k", "config.tar").MustSucceed();
        File.Move(Path.Combine(folder, "config.tar.gz"), Path.Combine(folder, "packed.tar.gz"));
        string[] words = [.. line.Split(' ').Select(word => word == "OUT" || Path.Exists(Path.Combine(folder, word))
            ? Path.Combine(folder, word) : word)];
        CliRun run = CliRun.Of([.. words, "--progress", "json"]);
        Assert.True(run.Code == 0, run.Error);
        JsonElement[] told = [.. run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(text => JsonDocument.Parse(text).RootElement)];
        JsonElement[] ours = [.. told.Where(one =>
            one.GetProperty("progress").GetString()!.Replace(folder + "/", "") == what)];
        Assert.NotEmpty(ours);
        Assert.True(ours[^1].GetProperty("ended").GetBoolean());
        Assert.Equal(ours[^1].GetProperty("total").GetInt64(), ours[^1].GetProperty("done").GetInt64());
        Assert.All(ours[..^1], one => Assert.False(one.GetProperty("ended").GetBoolean()));
    }

    /// <summary>What the library itself counts comes to the total, without anybody rounding it up at the end.</summary>
    [Theory]
    [InlineData("zstd", "6.12")]
    [InlineData("zstd", "7.2")]
    [InlineData("none", "6.12")]
    public void Equal_tiny_and_empty_files_and_holes_are_counted(string codec, string kernel)
    {
        string folder = Scratch.NewFolder("counted");
        WriteOddFiles(folder);
        Progress last = default;
        MergedImage.Create([folder], Scratch.NewPath("counted.erofs"), new WriteOptions
        {
            Mode = OutputMode.Full,
            Kernel = KernelProfile.TryParse(kernel, out KernelProfile profile) ? profile : null,
            Encoding = new EncodeOptions { Codec = codec == "none" ? null : Codec.Zstd },
            Threads = 1,
            Progress = new Last(value => last = value),
        });
        Assert.Equal(new Progress((5 << 20) + 600_006, (5 << 20) + 600_006), last);
    }

    /// <summary>Equal files, files of no size to speak of, and holes.</summary>
    private static void WriteOddFiles(string folder)
    {
        (string, int)[] files = [("a", 300_000), ("b", 300_000), ("t", 3), ("u", 3), ("e", 0)];
        foreach ((string name, int size) in files)
            File.WriteAllBytes(Path.Combine(folder, name), [.. Enumerable.Range(0, size).Select(i => (byte)(i * i / 7))]);
        using FileStream sparse = File.Create(Path.Combine(folder, "sparse"));
        sparse.SetLength(5 << 20);
    }

    private sealed class Last(Action<Progress> take) : IProgress<Progress>
    {
        public void Report(Progress value) => take(value);
    }

    [Fact]
    public void Progress_on_a_terminal_has_rate_and_time_left_and_ends_at_all_of_it()
    {
        using StringWriter output = new(), error = new();
        using Interrupts interrupts = Interrupts.None();
        Session session = new(output, error, interrupts) { IsErrorTerminal = true };
        using (ProgressLine line = new(session, "writing") { FirstMilliseconds = 0 })
        {
            line.Report(new Progress(1 << 20, 4 << 20));
            line.Report(new Progress(3 << 20, 4 << 20));
            line.Complete();
        }
        string[] drawn = error.ToString().Split("\r\e[K", StringSplitOptions.RemoveEmptyEntries);
        Assert.Matches(@"^writing: 25 %, 1\.0 MiB of 4\.0 MiB, [\d.]+ [KMGT]iB/s, [\d.]+ s left$", drawn[0]);
        Assert.StartsWith("writing: 100 %, 4.0 MiB of 4.0 MiB", drawn[^1]);
        Assert.EndsWith("\r\e[K", error.ToString());
    }

    [Fact]
    public void Nothing_is_drawn_where_nobody_looks_or_nobody_wants()
    {
        foreach ((bool isTerminal, ProgressUse use) in (ReadOnlySpan<(bool, ProgressUse)>)[
            (false, ProgressUse.Auto), (true, ProgressUse.Never)])
        {
            using StringWriter output = new(), error = new();
            using Interrupts interrupts = Interrupts.None();
            Session session = new(output, error, interrupts) { IsErrorTerminal = isTerminal, Progress = use };
            using (ProgressLine line = new(session, "writing") { FirstMilliseconds = 0 })
            {
                line.Report(new Progress(1, 4));
                line.Complete();
            }
            Assert.Equal("", error.ToString());
        }
    }

    [Fact]
    public void What_failed_is_not_said_to_be_done()
    {
        using StringWriter output = new(), error = new();
        using Interrupts interrupts = Interrupts.None();
        Session session = new(output, error, interrupts) { Progress = ProgressUse.Json };
        using (ProgressLine line = new(session, "writing"))
            line.Report(new Progress(1, 4));
        JsonElement last = JsonDocument.Parse(error.ToString().Split('\n')[^2]).RootElement;
        Assert.True(last.GetProperty("ended").GetBoolean());
        Assert.Equal((1, 4), (last.GetProperty("done").GetInt32(), last.GetProperty("total").GetInt32()));
    }
}
