using System.CommandLine;
using System.Text;
using Lamina.Cli.Manual;
using Lamina.Platform;

namespace Lamina.Cli;

/// <summary><c>lamina man</c>: the manual pages.</summary>
internal sealed class ManVerb : Verb
{
    private readonly Argument<string[]> _verb = VerbArgument("The verb whose page it is. Without: the program's own");
    private readonly Option<string> _all = new("--all")
    {
        Description = "Write the pages of all verbs into this directory, lamina.1 and lamina-VERB.1; it is made if it is missing",
        HelpName = "DIR",
    };

    public ManVerb(Session session) : base(session, "man", "Prints the manual page of the program or of a verb, in roff.",
        "lamina man merge | man -l -",
        "lamina man verity format > lamina-verity-format.1",
        "lamina man --all /usr/local/share/man/man1")
    {
        Add(_verb);
        Add(_all);
    }

    protected override int Run(ParseResult arguments)
    {
        RootCommand root = (RootCommand)arguments.RootCommandResult.Command;
        string[] words = arguments.GetValue(_verb) ?? [];
        if (arguments.GetValue(_all) is { } folder)
        {
            if (words.Length > 0)
                throw new UsageException("--all writes all pages, and a verb names one", "Leave out one of them.");
            WriteAll(root, folder);
            return ExitCodes.Done;
        }
        ManualPage.Write(Output, Find(root, words), VersionText.Version);
        return ExitCodes.Done;
    }

    /// <summary>The argument that names a verb, of several words where it is below another.</summary>
    internal static Argument<string[]> VerbArgument(string description) => new("VERB")
    {
        Description = description,
        Arity = ArgumentArity.ZeroOrMore,
    };

    /// <summary>The verb of a name.</summary>
    internal static Command Find(RootCommand root, IEnumerable<string> words)
    {
        Command command = root;
        foreach (string word in words)
        {
            command = command.Subcommands.FirstOrDefault(verb => verb.Name == word)
                ?? throw new UsageException(Misuse.UnknownVerb(command, word), "All verbs: lamina --help");
        }
        return command;
    }

    private static void WriteAll(RootCommand root, string folder)
    {
        if (!HostFile.IsDirectory(folder))
            HostFile.MakeDirectory(folder);
        foreach (Command command in CommandText.All(root))
        {
            using StringWriter page = new() { NewLine = "\n" };
            ManualPage.Write(page, command, VersionText.Version);
            using OutputFile file = new(Path.Combine(folder, $"{ManualPage.NameOf(command)}.1"), overwrites: true);
            file.Write(Encoding.ASCII.GetBytes(page.ToString()), 0);
            file.Commit();
        }
    }
}
