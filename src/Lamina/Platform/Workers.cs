using System.Runtime.ExceptionServices;

namespace Lamina.Platform;

/// <summary>
/// Threads that do many small things, each thing once, and end together: after the last, or after the first failure. Threads
/// of their own, as the pool's may be the caller's.
/// </summary>
internal static class Workers
{
    /// <summary>Runs the same loop on several threads; this thread is one of them.</summary>
    /// <param name="count">How many threads; 1 for this one alone.</param>
    /// <param name="loop">What each does. It is given a signal that another has failed, and stops soon after.</param>
    /// <param name="cancellation">Stops all of them.</param>
    public static void Run(int count, Action<CancellationToken> loop, CancellationToken cancellation = default)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        ExceptionDispatchInfo? failure = null;
        void Body()
        {
            try
            {
                loop(stop.Token);
            }
            catch (Exception fault)
            {
                // Of several failures the first is told: the others follow from the stop, or say the same of another file.
                Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(fault), null);
                stop.Cancel();
            }
        }
        Thread[] others = new Thread[Math.Max(count, 1) - 1];
        for (int i = 0; i < others.Length; i++)
        {
            others[i] = new Thread(Body) { IsBackground = true };
            others[i].Start();
        }
        Body();
        foreach (Thread other in others)
            other.Join();
        failure?.Throw();
    }

    /// <summary>Does something for each index, in order of the indexes as far as threads allow.</summary>
    public static void ForEach<TState>(
        int threads, int count, Func<TState> makeState, Action<TState, int> action, CancellationToken cancellation = default)
    {
        int next = -1;
        Run(Math.Min(threads, Math.Max(count, 1)), stop =>
        {
            TState state = makeState();
            int index;
            while ((index = Interlocked.Increment(ref next)) < count)
            {
                stop.ThrowIfCancellationRequested();
                action(state, index);
            }
        }, cancellation);
    }
}
