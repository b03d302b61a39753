using System.Text;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Cli;

/// <summary>
/// The transcripts of docs/cli.md are what the program prints. With LAMINA_UPDATE_DOCS=1 in the environment the document is
/// written anew instead; git shows what has changed.
/// </summary>
public class DocumentationTests
{
    private const string Begin = "```console", End = "```";

    [Fact]
    public void The_transcripts_are_what_the_program_prints()
    {
        string path = Path.Combine(TidyTests.FindRoot(), "docs", "cli.md");
        string[] lines = File.ReadAllLines(path);
        string folder = CliRun.NewFolderWithLayers();
        bool mayMount = Tools.Find("losetup") is not null && IsMountable();
        StringBuilder found = new(), expected = new();
        int count = 0;
        for (int at = 0; at < lines.Length; at++)
        {
            found.Append(lines[at]).Append('\n');
            expected.Append(lines[at]).Append('\n');
            if (lines[at] != Begin)
                continue;
            string command = lines[++at];
            int end = Array.IndexOf(lines, End, at);
            string recorded = string.Concat(lines[(at + 1)..end].Select(line => line + "\n"));
            bool isSkipped = command.StartsWith("# ", StringComparison.Ordinal) && !mayMount;
            found.Append($"{command}\n{(isSkipped ? recorded : Run(folder, command[2..]))}");
            expected.Append($"{command}\n{recorded}");
            at = end - 1;
            count++;
        }
        Assert.True(count > 10, "the transcripts were not found");
        if (Environment.GetEnvironmentVariable("LAMINA_UPDATE_DOCS") == "1")
            File.WriteAllText(path, found.ToString());
        else
            Assert.Equal(expected.ToString(), found.ToString());
    }

    /// <summary>Runs a command as a shell does, with the program under its name.</summary>
    private static string Run(string folder, string command)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "Lamina.Cli.dll");
        string script = $"lamina() {{ '{Tools.Require("dotnet")}' '{program}' \"$@\"; }}; {{ {command}; }} 2>&1";
        return Tools.RunIn(folder, Tools.Require("sh"), "-c", script).Output.Replace(folder + "/", "");
    }

    private static bool IsMountable()
    {
        try
        {
            KernelMount.SkipUnlessPossible();
            return true;
        }
        catch (Exception skip) when (skip.GetType().Name.Contains("Skip", StringComparison.Ordinal))
        {
            return false;
        }
    }
}
