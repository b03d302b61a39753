using System.CommandLine;
using System.Text.RegularExpressions;
using Lamina.Cli;
using Lamina.Cli.Manual;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Cli;

/// <summary>The manual pages: programs that show them find nothing to complain about, and they tell of every option.</summary>
public class ManualTests
{
    private static RootCommand Root() => Program.Root(new Session(TextWriter.Null, TextWriter.Null, Interrupts.None()));

    [Fact]
    public void Each_verb_has_a_page_and_each_of_its_options_is_in_it()
    {
        string folder = Path.Combine(Scratch.NewFolder("man"), "new");
        CliRun.Of("man", "--all", folder).MustSucceed();
        Command[] commands = [.. CommandText.All(Root())];
        Assert.Equal(commands.Select(command => $"{ManualPage.NameOf(command)}.1").Order(StringComparer.Ordinal),
            Directory.GetFiles(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
        foreach (Command command in commands)
        {
            string page = File.ReadAllText(Path.Combine(folder, $"{ManualPage.NameOf(command)}.1"));
            Assert.Equal(page, CliRun.Of(["man", .. CommandText.WordsOf(command)]).MustSucceed().Output);
            Assert.All((string[])["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "SEE ALSO"],
                section => Assert.Contains($"\n.SH {section}\n", page));
            string[] named = [.. CommandText.OptionsOf(command).SelectMany(CommandText.NamesOf)];
            Assert.NotEmpty(named);
            Assert.All(named, name => Assert.Contains($"\\fB{name.Replace("-", "\\-")}\\fR", page));
            Assert.All(page, letter => Assert.InRange(letter, '\n', '~'));
        }
    }

    [Fact]
    public void Mandoc_and_groff_find_nothing_wrong()
    {
        string mandoc = Tools.Require("mandoc"), groff = Tools.Require("groff");
        string folder = Path.Combine(Scratch.NewFolder("man"), "pages");
        CliRun.Of("man", "--all", folder).MustSucceed();
        foreach (string page in Directory.GetFiles(folder))
        {
            // The same program makes the same page whenever that is: there is no date.
            string[] said = [.. Tools.Run(mandoc, ["-T", "lint", "-W", "warning", page]).Output.Split('\n')
                .Where(line => line.Length > 0 && !line.EndsWith("missing date, using \"\": TH", StringComparison.Ordinal))];
            Assert.Equal([], said);
            ToolResult shown = Tools.Run(groff, ["-ww", "-man", "-Tascii", "-P-c", page]).MustSucceed();
            Assert.Equal("", shown.Error);
            Assert.Contains("SYNOPSIS", Regex.Replace(shown.Output, ".\b", ""));
        }
    }

    [Fact]
    public void A_shown_page_has_options_and_examples_as_they_are_typed()
    {
        string page = Scratch.NewPath("lamina-merge.1");
        File.WriteAllText(page, CliRun.Of("man", "merge").MustSucceed().Output);
        string shown = Tools.Run(Tools.Require("mandoc"), ["-T", "ascii", "-O", "width=200", page]).MustSucceed().Output;
        string plain = Regex.Replace(shown, ".\b", "");
        Assert.Contains("lamina merge base.erofs app.erofs -o - | ssh HOST 'cat > root.erofs'", plain);
        Assert.Contains("-z, --recompress CODEC[,LEVEL]", plain);
        Assert.Contains("Without: flat.", plain);
    }

    [Fact]
    public void All_pages_and_one_of_them_is_a_contradiction()
    {
        CliRun run = CliRun.Of("man", "merge", "--all", Scratch.NewPath("man"));
        Assert.Equal(2, run.Code);
        Assert.Contains("--all writes all pages", run.Error);
    }
}
