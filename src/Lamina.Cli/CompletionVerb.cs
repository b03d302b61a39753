using System.CommandLine;
using Lamina.Cli.Manual;

namespace Lamina.Cli;

/// <summary><c>lamina completion</c>: a script with which a shell completes what is typed.</summary>
internal sealed class CompletionVerb : Verb
{
    private readonly Argument<string> _shell = new Argument<string>("SHELL")
    {
        Description = "bash, zsh or fish",
    }.AcceptOnlyFromAmong("bash", "zsh", "fish");

    public CompletionVerb(Session session) : base(session, "completion",
        "Prints a script that completes verbs, options, their values and files for a shell.",
        "lamina completion bash > /usr/share/bash-completion/completions/lamina",
        "lamina completion zsh > \"${fpath[1]}/_lamina\"",
        "lamina completion fish > ~/.config/fish/completions/lamina.fish")
    {
        Add(_shell);
    }

    protected override int Run(ParseResult arguments)
    {
        RootCommand root = (RootCommand)arguments.RootCommandResult.Command;
        switch (arguments.GetRequiredValue(_shell))
        {
            case "bash":
                BashScript.Write(Output, root);
                break;
            case "zsh":
                ZshScript.Write(Output, root);
                break;
            default:
                FishScript.Write(Output, root);
                break;
        }
        return ExitCodes.Done;
    }
}
