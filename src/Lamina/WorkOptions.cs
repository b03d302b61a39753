namespace Lamina;

/// <summary>How far something has come.</summary>
/// <param name="Done">Bytes that are done.</param>
/// <param name="Total">Bytes in all, as far as they were found yet; 0 where that is never known.</param>
public readonly record struct Progress(long Done, long Total);

/// <summary>What everything that takes its time can be told.</summary>
public record WorkOptions
{
    /// <summary>Is told how far the work has come, from any thread; what it throws ends the work. Null to save the
    /// trouble.</summary>
    public IProgress<Progress>? Progress { get; init; }

    /// <summary>Stops the work: no output appears, and nothing is left of it.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>How many threads work at most; 0 for one a core. What comes out does not depend on it.</summary>
    public int Threads { get; init; }

    /// <summary>How many threads work at most, in numbers.</summary>
    internal int ThreadCount => Threads > 0 ? Threads : Environment.ProcessorCount;

    /// <summary>Counts bytes as they are done, from any thread, and stops what was cancelled; null if nobody cares.</summary>
    /// <param name="total">The bytes in all.</param>
    internal Action<long>? Counter(Func<long> total)
    {
        if (Progress is null && !Cancellation.CanBeCanceled)
            return null;
        long done = 0;
        return count =>
        {
            Cancellation.ThrowIfCancellationRequested();
            long now = Interlocked.Add(ref done, count);
            Progress?.Report(new Progress(now, Math.Max(now, total())));
        };
    }
}
