using System.Globalization;
using Lamina.Reading;

namespace Lamina.Cli;

/// <summary>
/// How far something has come, on one line of a terminal: shown only after a second, rewritten a few times a second, wiped at
/// the end. Also the place where an interrupted verb stops.
/// </summary>
internal sealed class ProgressLine(Session session, string what)
    : IProgress<Progress>, IDisposable
{
    private const long FirstMilliseconds = 1000, StepMilliseconds = 200;
    private const string WipeLine = "\r\e[K";

    /// <summary>Whether an interrupted verb is stopped here. Not for one that has a moment when it must not be.</summary>
    public bool StopsVerb { get; init; } = true;

    private readonly Lock _lock = new();
    private long _next = Environment.TickCount64 + FirstMilliseconds;
    private bool _isShown;

    /// <inheritdoc/>
    /// <exception cref="OperationCanceledException">The user has interrupted the program.</exception>
    public void Report(Progress value)
    {
        if (StopsVerb)
            session.Interrupts.Token.ThrowIfCancellationRequested();
        if (!session.IsErrorTerminal || Environment.TickCount64 < _next)
            return;
        lock (_lock)
        {
            double percent = value.Total > 0 ? Math.Min(100.0, 100.0 * value.Done / value.Total) : 0;
            string text = string.Create(CultureInfo.InvariantCulture,
                $"{what}: {percent:0} %, {Texts.Size(value.Done)} of {Texts.Size(value.Total)}");
            session.Terminal.Write(WipeLine + text);
            session.Terminal.Flush();
            _isShown = true;
            _next = Environment.TickCount64 + StepMilliseconds;
        }
    }

    /// <summary>Takes bytes as they are done, from any thread, where the total is known here.</summary>
    public Action<long> Counter(long total)
    {
        long done = 0;
        return count => Report(new Progress(Interlocked.Add(ref done, count), total));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_isShown)
            return;
        session.Terminal.Write(WipeLine);
        session.Terminal.Flush();
    }
}
