using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>What was read of a directory before it was asked for.</summary>
/// <param name="Entries">Its names.</param>
/// <param name="Maps">The map of each file that is compressed, null for the others; none at all where no file is.</param>
/// <param name="Below">Its directories, which other threads go on with.</param>
internal sealed record DirectoryAhead(Entry[] Entries, ClusterMap?[] Maps, Task<DirectoryAhead>[] Below);

/// <summary>
/// Reads a tree by several threads before it is asked for, with all that planning needs. What is below a directory comes before
/// what is beside it: in images it is near, so that what was read of them serves while it is at hand.
/// </summary>
internal sealed class ReadAhead : IDisposable
{
    private readonly Stack<Step> _next = new();
    private readonly CountdownEvent _running = new(1);
    private volatile bool _isStopped;

    /// <summary>A directory that is to be read.</summary>
    private sealed record Step(DirectoryListing Listing, int Depth)
    {
        public TaskCompletionSource<DirectoryAhead> Outcome { get; } = new();
    }

    /// <summary>Begins to read a directory and what is below it.</summary>
    public Task<DirectoryAhead> Begin(DirectoryListing listing) => Begin([new Step(listing, 1)])[0];

    /// <summary>Ends the reading. After a failure: the layers are closed next, and nobody may be reading them then.</summary>
    public void Dispose()
    {
        _isStopped = true;
        _running.Signal();
        _running.Wait();
        _running.Dispose();
    }

    private Task<DirectoryAhead>[] Begin(Step[] steps)
    {
        lock (_next)
        {
            for (int i = steps.Length - 1; i >= 0; i--)
                _next.Push(steps[i]);
        }
        foreach (Step _ in steps)
        {
            _running.AddCount();
            Task.Run(TakeStep);
        }
        return [.. steps.Select(step => step.Outcome.Task)];
    }

    /// <summary>Reads what is to be read next, which need not be what the caller began.</summary>
    private void TakeStep()
    {
        try
        {
            Step step;
            lock (_next)
                step = _next.Pop();
            try
            {
                // Deeper than is planned nothing is read.
                bool isWanted = !_isStopped && step.Depth <= TreePlanner.MaxDepth;
                step.Outcome.SetResult(isWanted ? Read(step) : new DirectoryAhead([], [], []));
            }
            catch (Exception fault)
            {
                step.Outcome.SetException(fault);
            }
        }
        finally
        {
            _running.Signal();
        }
    }

    private DirectoryAhead Read(Step step)
    {
        Entry[] entries = step.Listing.Read();
        ClusterMap?[] maps = [];
        List<Step> below = [];
        for (int i = 0; i < entries.Length; i++)
        {
            Node node = entries[i].Node;
            if (node.IsDirectory)
                below.Add(new Step(node.Listing, step.Depth + 1));
            else if (node.Payload is EncodedContent { Size: > 0 } content && MapOf(content) is { } map)
                (maps.Length > 0 ? maps : maps = new ClusterMap?[entries.Length])[i] = map;
        }
        return new DirectoryAhead(entries, maps, Begin([.. below]));
    }

    /// <summary>
    /// A file's map; null if it cannot be read: that is told of when the file is planned, in the order of files.
    /// </summary>
    private static ClusterMap? MapOf(EncodedContent content)
    {
        try
        {
            return content.ReadMap();
        }
        catch (Exception fault) when (fault is CorruptImageException or UnsupportedImageException or IOException)
        {
            return null;
        }
    }
}
