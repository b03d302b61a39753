using System.Collections.Concurrent;

namespace Lamina.Platform;

/// <summary>
/// Work in batches: one thread makes them, others do the work, and the first one takes them back in the order it made them. Few
/// are on the way at a time, however many there are.
/// </summary>
internal static class Pipeline
{
    /// <summary>Batches that wait for their turn, for each thread that works.</summary>
    private const int WaitingPerThread = 4;

    /// <summary>Does all the work; the first failure ends it.</summary>
    /// <param name="threads">How many threads work; 0 for one a core.</param>
    /// <param name="batches">Makes the batches; called by one thread.</param>
    /// <param name="makeState">Makes what one thread works with.</param>
    /// <param name="work">Does the work of a batch.</param>
    /// <param name="finish">Takes a batch whose work is done; called by the thread that makes them.</param>
    /// <param name="cancellation">Stops it.</param>
    public static void Run<TBatch, TState>(
        int threads, IEnumerable<TBatch> batches, Func<TState> makeState, Action<TState, TBatch, CancellationToken> work,
        Action<TBatch> finish, CancellationToken cancellation)
    {
        if (threads <= 0)
            threads = Environment.ProcessorCount;
        int most = threads * WaitingPerThread, turn = 0;
        using BlockingCollection<Waiting<TBatch>> queue = [];
        Workers.Run(threads + 1, stop =>
        {
            if (Interlocked.Increment(ref turn) == 1)
                Make(batches, queue, most, finish, stop);
            else
                Work(queue, makeState(), work, stop);
        }, cancellation);
    }

    private static void Make<TBatch>(
        IEnumerable<TBatch> batches, BlockingCollection<Waiting<TBatch>> queue, int most, Action<TBatch> finish,
        CancellationToken stop)
    {
        Queue<Waiting<TBatch>> inOrder = [];
        foreach (TBatch batch in batches)
        {
            stop.ThrowIfCancellationRequested();
            Waiting<TBatch> made = new(batch);
            queue.Add(made, stop);
            inOrder.Enqueue(made);
            while (inOrder.Count > most || inOrder.TryPeek(out Waiting<TBatch>? first) && first.IsDone.IsSet)
                Finish(inOrder.Dequeue(), finish, stop);
        }
        queue.CompleteAdding();
        while (inOrder.TryDequeue(out Waiting<TBatch>? next))
            Finish(next, finish, stop);
    }

    private static void Finish<TBatch>(Waiting<TBatch> one, Action<TBatch> finish, CancellationToken stop)
    {
        one.IsDone.Wait(stop);
        one.IsDone.Dispose();
        finish(one.Batch);
    }

    private static void Work<TBatch, TState>(
        BlockingCollection<Waiting<TBatch>> queue, TState state, Action<TState, TBatch, CancellationToken> work,
        CancellationToken stop)
    {
        foreach (Waiting<TBatch> next in queue.GetConsumingEnumerable(stop))
        {
            work(state, next.Batch, stop);
            next.IsDone.Set();
        }
    }

    private sealed class Waiting<TBatch>(TBatch batch)
    {
        public TBatch Batch => batch;

        public ManualResetEventSlim IsDone { get; } = new();
    }
}
