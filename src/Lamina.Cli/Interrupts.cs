using System.Runtime.InteropServices;
using Lamina.Platform;

namespace Lamina.Cli;

/// <summary>
/// Ends the program on SIGINT, SIGTERM and SIGHUP without leaving a half-written file behind. While a verb writes it is asked
/// to stop, which it does where it tells its progress; if that takes too long what it has written is deleted from here.
/// </summary>
internal sealed class Interrupts : IDisposable
{
    /// <summary>How long a verb may take to stop by itself: longer than a step of copying, shorter than patience.</summary>
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _cancelled = new();
    private readonly ManualResetEventSlim _finished = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly Lock _lock = new();
    private Action? _cleanUp;

    private Interrupts()
    {
    }

    /// <summary>What to end with, once interrupted.</summary>
    public int Code { get; private set; } = ExitCodes.Interrupted;

    public CancellationToken Token => _cancelled.Token;

    /// <summary>Listens to signals from now on.</summary>
    public static Interrupts Listen()
    {
        Interrupts interrupts = new();
        foreach (PosixSignal signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
            interrupts._registrations.Add(PosixSignalRegistration.Create(signal, interrupts.Handle));
        return interrupts;
    }

    /// <summary>Listens to nothing: the process belongs to somebody else.</summary>
    public static Interrupts None() => new();

    /// <summary>
    /// A verb writes now, until the result is disposed: paths that begin with the prefix and end as unfinished files of this
    /// process do are not to stay.
    /// </summary>
    public IDisposable Writing(string prefix) => prefix.Length == 0 ? throw new ArgumentException("an output needs a name")
        : During(() => DeletePartial(prefix));

    /// <summary>A verb does something now that needs cleaning up, until the result is disposed.</summary>
    public IDisposable During(Action cleanUp)
    {
        lock (_lock)
        {
            _finished.Reset();
            _cleanUp = cleanUp;
        }
        return new Scope(this);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _finished.Set();
        _registrations.ForEach(registration => registration.Dispose());
    }

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        Code = context.Signal == PosixSignal.SIGINT ? ExitCodes.Interrupted : ExitCodes.Terminated;
        Action? cleanUp;
        lock (_lock)
            cleanUp = _cleanUp;
        if (cleanUp is not null)
        {
            _cancelled.Cancel();
            if (_finished.Wait(s_grace))
                return;         // the verb has cleaned up and is on its way out
            cleanUp();
        }
        Environment.Exit(Code);
    }

    private static void DeletePartial(string prefix)
    {
        (string folder, string beginning) = HostFile.Parts(prefix);
        if (!HostFile.IsDirectory(folder))
            return;                         // the verb would have made it, and came not so far
        string ending = $".{Environment.ProcessId}.partial";
        foreach (string name in HostFile.Names(folder))
        {
            if (name.StartsWith(beginning, StringComparison.Ordinal) && name.EndsWith(ending, StringComparison.Ordinal))
                HostFile.Remove(Path.Combine(folder, name));
        }
    }

    private sealed class Scope(Interrupts interrupts) : IDisposable
    {
        public void Dispose()
        {
            lock (interrupts._lock)
                interrupts._cleanUp = null;
            interrupts._finished.Set();
        }
    }
}
