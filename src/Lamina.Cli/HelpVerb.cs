using System.CommandLine;

namespace Lamina.Cli;

/// <summary><c>lamina help</c>: the same as <c>--help</c> behind a verb.</summary>
internal sealed class HelpVerb : Verb
{
    private readonly Argument<string[]> _verb = ManVerb.VerbArgument("What to tell of. Without: what verbs there are");

    public HelpVerb(Session session) : base(session, "help", "Tells what the program or a verb does, as --help does.",
        "lamina help",
        "lamina help merge",
        "lamina help verity format")
    {
        Add(_verb);
    }

    protected override int Run(ParseResult arguments)
    {
        RootCommand root = (RootCommand)arguments.RootCommandResult.Command;
        HelpAction.Write(ManVerb.Find(root, arguments.GetValue(_verb) ?? []), Output);
        return ExitCodes.Done;
    }
}
