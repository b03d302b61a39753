using System.Globalization;

namespace Lamina.Cli;

/// <summary>What a verb talks to: where its output goes, how it may look, and who may interrupt it.</summary>
internal sealed class Session(TextWriter output, TextWriter error, Interrupts interrupts)
{
    /// <summary>Wider than any line; what is not a terminal breaks no lines.</summary>
    public const int UnlimitedWidth = 1000;

    /// <summary>On a narrower terminal tables are easier to read with lines that go on than with broken cells.</summary>
    public const int LeastWidth = 80;

    private readonly long _start = Environment.TickCount64;
    private ShownWriter? _output, _error;

    /// <summary>Where results are printed, so that names in them do nothing to a terminal.</summary>
    public TextWriter Output => _output ??= new ShownWriter(output, () => UsesColour);

    /// <summary>Where progress is drawn, which moves the cursor; nothing but numbers and our own words goes there.</summary>
    public TextWriter Terminal => error;

    /// <summary>Where messages go.</summary>
    public TextWriter Error => _error ??= new ShownWriter(error, () => UsesColour);

    public Interrupts Interrupts => interrupts;

    /// <summary>Writes out what was printed; the failure, if that cannot be.</summary>
    public IOException? FlushOutput()
    {
        try
        {
            output.Flush();
            return null;
        }
        catch (IOException failure)
        {
            return failure;
        }
    }

    /// <summary>Writes out messages. Where they cannot go there is nobody to tell.</summary>
    public void FlushMessages()
    {
        try
        {
            error.Flush();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The exit code says it.
        }
    }

    /// <summary>
    /// Standard output for what is bytes, not text. What was written to <see cref="Output"/> must be flushed before.
    /// </summary>
    public Stream Bytes { get; init; } = Stream.Null;

    /// <summary>Whether people look at the output.</summary>
    public bool IsTerminal { get; init; }

    /// <summary>Whether people look at messages, and so at progress.</summary>
    public bool IsErrorTerminal { get; init; }

    public bool UsesColour { get; init; }

    /// <summary>Whether nothing is told of what was done.</summary>
    public bool IsQuiet { get; set; }

    /// <summary>Whether it is told step by step.</summary>
    public bool IsVerbose { get; set; }

    /// <summary>When progress is shown.</summary>
    public ProgressUse Progress { get; set; }

    /// <summary>How many threads work at most; 0 for one a core.</summary>
    public int Threads { get; set; }

    /// <summary>The options of all verbs, once there is a tree of them.</summary>
    public GeneralOptions? General { get; set; }

    /// <summary>Where it is told what was done: a summary that nobody asked for.</summary>
    public TextWriter Summary => IsQuiet ? TextWriter.Null : Output;

    /// <summary>Tells of a step, with the time since the start, where that was asked for.</summary>
    public void Tell(string what)
    {
        if (!IsVerbose)
            return;
        Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"lamina: {(Environment.TickCount64 - _start) / 1000.0,7:0.000} s: {what}"));
        error.Flush();
    }

    public int Width { get; init; } = UnlimitedWidth;
}
