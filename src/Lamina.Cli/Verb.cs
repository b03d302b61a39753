using System.CommandLine;

namespace Lamina.Cli;

/// <summary>A verb of the program: its arguments, what it does, and examples of its use for the help.</summary>
internal abstract class Verb : Command
{
    protected Verb(Session session, string name, string description, params string[] examples) : base(name, description)
    {
        Session = session;
        Examples = examples;
        SetAction(Run);
    }

    /// <summary>Command lines, without a prompt; behind <c>#</c> what they do.</summary>
    public IReadOnlyList<string> Examples { get; }

    protected Session Session { get; }

    protected TextWriter Output => Session.Output;

    /// <summary>Does it, and returns the exit code. Failures are exceptions.</summary>
    protected abstract int Run(ParseResult arguments);

    protected static Option<bool> JsonOption() => new("--json") { Description = "Print JSON, for programs" };

    protected static Argument<string> ImageArgument(string description =
        "An EROFS image or a tar; with devices: IMAGE@DEVICE@DEVICE") =>
        new("IMAGE") { Description = description };
}
