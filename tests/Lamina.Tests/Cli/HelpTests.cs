using System.CommandLine;
using System.Text.RegularExpressions;
using Lamina.Cli;

namespace Lamina.Tests.Cli;

public class HelpTests
{
    public static TheoryData<string> Verbs()
    {
        using StringWriter nowhere = new();
        using Interrupts interrupts = Interrupts.None();
        RootCommand root = Program.Root(new Session(nowhere, nowhere, interrupts));
        return [.. root.Subcommands.SelectMany(Leaves)];
    }

    /// <summary>A verb that has verbs of its own is no more than these.</summary>
    private static IEnumerable<string> Leaves(Command verb) => verb.Subcommands.Count == 0 ? [verb.Name]
        : verb.Subcommands.SelectMany(Leaves).Select(name => $"{verb.Name} {name}");

    [Theory]
    [MemberData(nameof(Verbs))]
    public void The_help_of_each_verb_has_a_description_and_examples(string verb)
    {
        string[] lines = CliRun.Of([.. verb.Split(' '), "--help"]).MustSucceed().Output.Split('\n');
        Assert.StartsWith($"Usage: lamina {verb}", lines[0]);
        Assert.NotEqual("", lines[2]);
        int examples = Array.IndexOf(lines, "Examples:");
        Assert.True(examples > 0, "no examples");
        Assert.StartsWith($"  lamina {verb}", lines[examples + 1]);
        int end = Array.IndexOf(lines, "", examples);
        Assert.All(lines[..examples].Concat(lines[end..]), line =>
            Assert.True(line.Length <= 100, $"{line.Length} columns: {line}"));
        Assert.Equal(lines, CliRun.Of(["help", .. verb.Split(' ')]).MustSucceed().Output.Split('\n'));
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public void The_examples_of_each_verb_are_sound_command_lines(string verb)
    {
        using StringWriter nowhere = new();
        using Interrupts interrupts = Interrupts.None();
        RootCommand root = Program.Root(new Session(nowhere, nowhere, interrupts));
        Command found = verb.Split(' ').Aggregate((Command)root, (command, name) =>
            command.Subcommands.Single(one => one.Name == name));
        foreach (string example in ((Verb)found).Examples)
        {
            string plain = example.Split('#')[0].Split('|')[0].Split(" > ")[0];
            string[] words = plain.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal("lamina", words[0]);
            Assert.Empty(root.Parse(words[1..]).Errors);
        }
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public void The_help_one_level_up_lists_each_verb(string verb)
    {
        string[] names = verb.Split(' ');
        Assert.Contains($"\n  {names[^1]} ", CliRun.Of([.. names[..^1], "--help"]).MustSucceed().Output);
    }

    [Fact]
    public void The_order_of_layers_is_said_where_layers_are_named()
    {
        foreach (string verb in (string[])["merge", "append"])
            Assert.Contains("lowest first", CliRun.Of([.. verb.Split(' '), "--help"]).Output);
        string folder = CliRun.NewFolderWithLayers();
        CliRun merge = CliRun.Of("merge", Path.Combine(folder, "base.erofs"), "-o", Path.Combine(folder, "out"), "-n");
        Assert.Contains("layers, lowest first: ", merge.MustSucceed().Output);
    }

    [Fact]
    public void Each_option_and_each_verb_is_in_a_group()
    {
        using StringWriter nowhere = new();
        using Interrupts interrupts = Interrupts.None();
        RootCommand root = Program.Root(new Session(nowhere, nowhere, interrupts));
        IEnumerable<Option> options = CommandText.All(root).SelectMany(CommandText.OptionsOf);
        Assert.Equal([], options.Where(option => !OptionGroups.Knows(option)).Select(option => option.Name).Distinct());
        Assert.Equal(root.Subcommands.Select(verb => verb.Name).Order(),
            VerbGroups.Of(root).SelectMany(group => group.Verbs).Select(verb => verb.Name).Order());
        string[] others = [.. VerbGroups.Of(root).Last().Verbs.Select(verb => verb.Name)];
        Assert.Equal(["demo", "help", "man", "completion"], others);
    }

    [Fact]
    public void The_help_of_an_unknown_verb_names_the_nearest()
    {
        CliRun run = CliRun.Of("help", "verity", "fromat");
        Assert.Equal((2, "lamina: there is no verb fromat; did you mean format?\n" +
            "All verbs: lamina --help\n"), (run.Code, run.Error));
    }

    [Fact]
    public void The_version_is_that_of_the_project_and_tells_commit_and_codecs()
    {
        string project = File.ReadAllText(Path.Combine(TidyTests.FindRoot(), "Directory.Build.props"));
        string version = Regex.Match(project, "<Version>(.*)</Version>").Groups[1].Value;
        Assert.Matches($@"^lamina {Regex.Escape(version)}\n(commit [0-9a-f]{{12}}\n)?codecs: lz4, lz4hc, deflate, lzma, zstd\n$",
            CliRun.Of("--version").MustSucceed().Output);
        Assert.EndsWith($"by lamina {version}\n", CliRun.Of("mkfs", "--version").MustSucceed().Output);
    }
}
