using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Lamina.Cli;

/// <summary>
/// How far something has come, on one line of a terminal: shown only after a second, rewritten a few times a second, wiped at
/// the end. For programs it is lines of JSON instead. Also the place where an interrupted verb stops.
/// </summary>
internal sealed class ProgressLine(Session session, string what)
    : IProgress<Progress>, IDisposable
{
    private const long StepMilliseconds = 200;
    private const string WipeLine = "\r\e[K";

    /// <summary>Whether an interrupted verb is stopped here. Not for one that has a moment when it must not be.</summary>
    public bool StopsVerb { get; init; } = true;

    /// <summary>What takes less is over before anybody has read it.</summary>
    public long FirstMilliseconds { get; init; } = 1000;

    /// <summary>What has to be done first: its line goes when this one begins.</summary>
    public ProgressLine? Before { get; init; }

    private readonly Lock _lock = new();
    private readonly long _start = Environment.TickCount64;
    private long _next;
    private long _done, _total;
    private bool _isShown, _isEnded;

    /// <inheritdoc/>
    /// <exception cref="OperationCanceledException">The user has interrupted the program.</exception>
    public void Report(Progress value)
    {
        if (StopsVerb)
            session.Interrupts.Token.ThrowIfCancellationRequested();
        Before?.Complete();
        // Several threads report; one that was overtaken does not turn it back. Of several things each begins anew.
        long before = Interlocked.Read(ref _done);
        if (value.Done < before && value.Total != Interlocked.Read(ref _total))
            Interlocked.Exchange(ref _done, before = 0);
        while (before < value.Done && Interlocked.CompareExchange(ref _done, value.Done, before) is { } now && now != before)
            before = now;
        Interlocked.Exchange(ref _total, value.Total);
        if (Environment.TickCount64 < Interlocked.Read(ref _next) || !IsWanted || !IsLongEnough)
            return;
        lock (_lock)
        {
            if (_isEnded || Environment.TickCount64 < _next)
                return;
            _next = Environment.TickCount64 + StepMilliseconds;
            Show(isEnd: false);
        }
    }

    /// <summary>Takes bytes as they are done, from any thread, where the total is known here.</summary>
    public Action<long> Counter(long total)
    {
        long done = 0;
        return count => Report(new Progress(Interlocked.Add(ref done, count), total));
    }

    /// <summary>Ends it where all is done, with 100 %.</summary>
    public void Complete()
    {
        lock (_lock)
        {
            if (!_isEnded && _done > 0)
                _done = _total = Math.Max(_done, _total);
            if (_isShown && session.Progress == ProgressUse.Auto && !_isEnded)
                Show(isEnd: true);
        }
        Dispose();
    }

    /// <summary>Ends it, where it has come to; what failed is not said to be done.</summary>
    public void Dispose()
    {
        Before?.Dispose();
        lock (_lock)
        {
            if (_isEnded)
                return;
            _isEnded = true;
            if (IsWanted && session.Progress == ProgressUse.Json && _done > 0)
                Show(isEnd: true);
            else if (_isShown)
                Draw(WipeLine);
        }
        if (_done > 0)
            session.Tell($"{what}: {Texts.Size(_done)} in {Texts.Duration(Elapsed)}, {Texts.Size(Rate)}/s");
    }

    private bool IsLongEnough =>
        session.Progress == ProgressUse.Json || Environment.TickCount64 - _start >= FirstMilliseconds;

    private bool IsWanted => session.Progress == ProgressUse.Json
        || (session.Progress == ProgressUse.Auto && session.IsErrorTerminal);

    private long Elapsed => Math.Max(Environment.TickCount64 - _start, 1);

    private long Rate => (long)(_done * 1000.0 / Elapsed);

    /// <summary>How long it still takes at this rate, in milliseconds; null if nobody knows.</summary>
    private long? Left => _total > 0 && _done > 0 ? (long)((_total - Math.Min(_done, _total)) * (double)Elapsed / _done) : null;

    private void Show(bool isEnd)
    {
        if (session.Progress == ProgressUse.Json)
        {
            Draw(Json(isEnd));
            return;
        }
        StringBuilder text = new($"{WipeLine}{what}: ");
        if (_total > 0)
        {
            double percent = Math.Min(100.0, 100.0 * _done / _total);
            text.Append(CultureInfo.InvariantCulture, $"{Math.Floor(percent):0} %, {Texts.Size(_done)} of {Texts.Size(_total)}");
        }
        else
        {
            text.Append(Texts.Size(_done));
        }
        text.Append($", {Texts.Size(Rate)}/s");
        if (Left is { } left)
            text.Append($", {Texts.Duration(left)} left");
        Draw(text.ToString());
        _isShown = true;
    }

    private string Json(bool isEnd)
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter writer = new(bytes))
        {
            writer.WriteStartObject();
            writer.WriteString("progress", what);
            writer.WriteNumber("done", _done);
            if (_total > 0)
                writer.WriteNumber("total", _total);
            writer.WriteNumber("milliseconds", Elapsed);
            writer.WriteNumber("bytesPerSecond", Rate);
            if (Left is { } left && !isEnd)
                writer.WriteNumber("millisecondsLeft", left);
            writer.WriteBoolean("ended", isEnd);
            writer.WriteEndObject();
        }
        return $"{Encoding.UTF8.GetString(bytes.ToArray())}\n";
    }

    private void Draw(string text)
    {
        session.Terminal.Write(text);
        session.Terminal.Flush();
    }
}
