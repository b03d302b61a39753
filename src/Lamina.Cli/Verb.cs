using System.CommandLine;
using Lamina.Platform;
using Lamina.Tree;

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

    /// <summary>The output's name that stands for standard output, where a stream makes sense.</summary>
    protected const string StandardStream = "-";

    /// <summary>Command lines, without a prompt; behind <c>#</c> what they do.</summary>
    public IReadOnlyList<string> Examples { get; }

    private readonly List<(Option Option, Option Needed)> _needs = [];

    protected Session Session { get; }

    protected TextWriter Output => Session.Output;

    /// <summary>An option that says nothing without another: alone it is refused, as it would be passed over.</summary>
    public void OnlyWith(Option needed, params ReadOnlySpan<Option> options)
    {
        foreach (Option option in options)
            _needs.Add((option, needed));
    }

    /// <summary>An option that was given and has no effect, in words; null if there is none.</summary>
    public string? FindUseless(ParseResult arguments)
    {
        foreach ((Option option, Option needed) in _needs)
        {
            if (arguments.GetResult(option) is { Implicit: false } && arguments.GetResult(needed) is not { Implicit: false })
                return $"{option.Name} has no effect without {needed.Name}";
        }
        return null;
    }

    /// <summary>Refuses to write bytes to standard output where that leads to what they are read from.</summary>
    protected static void RefuseOverInput(Layer layer) => InputsOf(layer).RefuseStandardOutput();

    /// <summary>The files that a layer is read from.</summary>
    protected static InputFiles InputsOf(Layer layer)
    {
        InputFiles inputs = new();
        foreach (ByteSource source in layer.Sources)
            inputs.Add(source);
        return inputs;
    }

    /// <summary>Does it, and returns the exit code. Failures are exceptions.</summary>
    protected abstract int Run(ParseResult arguments);

    protected static Option<bool> JsonOption() => new("--json") { Description = "Print JSON, for programs" };

    protected static Argument<string> ImageArgument(string description =
        "An EROFS image, a directory or a tar; with devices: IMAGE@DEVICE@DEVICE") =>
        new("IMAGE") { Description = description };
}
