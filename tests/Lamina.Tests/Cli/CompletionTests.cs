using System.CommandLine;
using Lamina.Cli;
using Lamina.Cli.Manual;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Cli;

/// <summary>What shells offer with the program's scripts. The shells themselves are asked.</summary>
public class CompletionTests
{
    private static string NewScript(string shell)
    {
        string path = Scratch.NewPath($"lamina.{shell}");
        File.WriteAllText(path, CliRun.Of("completion", shell).MustSucceed().Output);
        return path;
    }

    private static string NewFolder()
    {
        string folder = Scratch.NewFolder("completion");
        foreach (string name in (string[])["base.erofs", "app.tar.zst", "notes.txt", "key.pem", "with blank.img"])
            File.WriteAllText(Path.Combine(folder, name), "");
        Directory.CreateDirectory(Path.Combine(folder, "rootfs"));
        return folder;
    }

    /// <summary>The words are as bash splits a line: "=", ":" and "@" stand alone. The last one is completed.</summary>
    [Theory]
    [InlineData("mer", "merge")]
    [InlineData("verity ", "digest format inspect sign verify")]
    [InlineData("verity format --form", "--format")]
    [InlineData("verity format --format ", "gpt raw")]
    [InlineData("merge --mode ", "flat full index")]
    [InlineData("merge --mode = f", "flat full")]
    [InlineData("merge --mode =", "flat full index")]
    [InlineData("build -z lz", "lz4 lz4hc lzma")]
    [InlineData("build --kernel ", "6.1 6.12 6.15 7.2")]
    [InlineData("uki --kernel ba", "base.erofs")]
    [InlineData("merge --out", "--output")]
    [InlineData("merge base.erofs ", "app.tar.zst base.erofs rootfs with blank.img")]
    [InlineData("merge base.erofs @", "app.tar.zst base.erofs rootfs with blank.img")]
    [InlineData("merge base.erofs @ ba", "base.erofs")]
    [InlineData("merge -- base.erofs ap", "app.tar.zst")]
    [InlineData("merge no", "notes.txt")]
    [InlineData("merge base.erofs -o n", "notes.txt")]
    [InlineData("mount base.erofs ", "rootfs")]
    [InlineData("mount -o ro base.erofs ", "rootfs")]
    [InlineData("mount base.erofs rootfs ", "")]
    [InlineData("check base.erofs --against base.erofs ap", "app.tar.zst")]
    [InlineData("check base.erofs --against base.erofs --js", "--json")]
    [InlineData("cat base.erofs /e", "")]
    [InlineData("diff base.erofs ap", "app.tar.zst")]
    [InlineData("completion ", "bash fish zsh")]
    [InlineData("help ver", "verity")]
    [InlineData("verity sign --key ke", "key.pem")]
    [InlineData("merge \"wi", "with blank.img")]
    public void Bash_offers_verbs_options_values_and_files(string line, string expected)
    {
        // The last word is empty behind a blank.
        string[] words = ["lamina", .. line.Replace("\"", "").Split(' ')];
        string array = string.Join(' ', words.Select(word => $"'{word}'"));
        string script = $"source '{NewScript("bash")}'; COMP_WORDS=({array}); COMP_CWORD={words.Length - 1}; _lamina; " +
            "printf '%s\\n' \"${COMPREPLY[@]}\" | sort | paste -s -d ' '";
        ToolResult run = Tools.RunIn(NewFolder(), Tools.Require("bash"), "--norc", "-c", script).MustSucceed();
        Assert.Equal("", run.Error);
        Assert.Equal(expected, run.Output.Trim());
    }

    /// <summary>An interactive bash, to which a tabulator is sent, puts the rest of the word behind it.</summary>
    [Fact]
    public void Bash_completes_a_line_that_is_typed()
    {
        string terminal = Tools.Require("script"), bash = Tools.Require("bash"), folder = NewFolder();
        string typed = Path.Combine(folder, "typed");
        File.WriteAllText(typed, $"source '{NewScript("bash")}'\nlamina() {{ printf '<%s>' \"$@\"; echo; }}\n" +
            "lamina mer\tba\t--mo\tind\t-o x.ero\t\nlamina merge wit\t\nexit\n");
        ToolResult run = Tools.RunIn(folder, bash, "-c",
            $"INPUTRC=/dev/null TERM=dumb '{terminal}' -qec \"'{bash}' --norc --noprofile -i\" /dev/null < typed");
        Assert.Contains("<merge><base.erofs><--mode><index><-o><x.ero>", run.Output);
        Assert.Contains("<merge><with blank.img>", run.Output);
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public void A_script_is_sound_and_the_same_each_time(string shell)
    {
        string script = NewScript(shell);
        Tools.Run(Tools.Require(shell), ["-n", script]).MustSucceed();
        Assert.Equal(File.ReadAllBytes(script), File.ReadAllBytes(NewScript(shell)));
    }

    [Theory]
    [InlineData("lamina mer", "merge")]
    [InlineData("lamina verity form", "format")]
    [InlineData("lamina merge --mode ", "flat full index")]
    [InlineData("lamina build -z lz4", "lz4 lz4hc")]
    [InlineData("lamina merge --outp", "--output")]
    [InlineData("lamina verity sign --key ke", "key.pem")]
    [InlineData("lamina mount base.erofs root", "rootfs/")]
    public void Fish_offers_the_same(string line, string expected)
    {
        string fish = Tools.Require("fish"), folder = NewFolder();
        ToolResult run = Tools.RunIn(folder, fish, "--no-config", "-c", $"source '{NewScript("fish")}'; complete -C '{line}'")
            .MustSucceed();
        Assert.Equal("", run.Error);
        IEnumerable<string> offered = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(row => row.Split('\t')[0]).Order(StringComparer.Ordinal);
        Assert.Equal(expected, string.Join(' ', offered));
    }

    [Fact]
    public void It_is_known_of_every_value_what_it_names()
    {
        RootCommand root = Program.Root(new Session(TextWriter.Null, TextWriter.Null, Interrupts.None()));
        List<string> unknown = [];
        foreach (Command command in CommandText.All(root))
        {
            IEnumerable<Symbol> valued = [.. command.Arguments, .. CommandText.OptionsOf(command).Where(CommandText.TakesValue)];
            unknown.AddRange(valued.Where(symbol => !ValueKinds.IsKnown(symbol))
                .Select(symbol => $"{CommandText.PathOf(command)} {symbol.Name}"));
        }
        Assert.Equal([], unknown);
    }
}
