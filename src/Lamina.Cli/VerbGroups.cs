using System.CommandLine;

namespace Lamina.Cli;

/// <summary>What verbs are for: the groups that help and manual show them in.</summary>
internal static class VerbGroups
{
    private static readonly (string Title, string[] Names)[] s_groups =
    [
        ("Merge and build", ["merge", "build", "append", "split"]),
        ("Look inside", ["ls", "tree", "stat", "cat", "inspect", "diff", "report", "manifest", "dump", "extract", "export"]),
        ("Mount", ["mount", "umount"]),
        ("Boot", ["initrd", "uki"]),
        ("Trust", ["check", "verity"]),
    ];

    private const string Others = "Help";

    /// <summary>The verbs of a command by group; below a verb there are no groups, and no title.</summary>
    public static IEnumerable<(string Title, Command[] Verbs)> Of(Command command)
    {
        if (command is not RootCommand)
        {
            yield return ("", [.. command.Subcommands]);
            yield break;
        }
        foreach ((string title, string[] names) in s_groups.Append((Others, [])))
        {
            Command[] verbs = [.. title == Others
                ? command.Subcommands.Where(verb => !s_groups.Any(group => group.Names.Contains(verb.Name)))
                : names.SelectMany(name => command.Subcommands.Where(verb => verb.Name == name))];
            if (verbs.Length > 0)
                yield return (title, verbs);
        }
    }
}
