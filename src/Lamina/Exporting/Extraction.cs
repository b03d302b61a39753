using System.Collections.Concurrent;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>
/// One extraction. One thread walks the tree and makes directories and what has no data; the others decode and write files,
/// small ones in batches, large ones in parts. Further names and the metadata of directories come last, as making files
/// changes directories.
/// </summary>
internal sealed class Extraction(string name, Node root, ExtractTarget target, ExtractOptions options)
{
    /// <summary>Files in a batch, and the bytes they may have together: enough that handing over costs nothing.</summary>
    private const int BatchFiles = 64, BatchBytes = 2 << 20;

    /// <summary>Files of this many bytes of data and more are written in parts of about as many.</summary>
    private const long LargeSize = 16 << 20;

    /// <summary>Batches that wait: bounds memory and, as each may be of a large file, descriptors.</summary>
    private const int MaxWaiting = 64;

    private readonly BlockingCollection<Batch> _queue = new(MaxWaiting);
    private readonly ConcurrentDictionary<LargeFile, bool> _large = [];
    private readonly List<TreeItem> _directories = [];
    private readonly List<(TreeItem Item, ItemPath First)> _links = [];
    private readonly Dictionary<Node, ItemPath> _copies = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Node, ItemPath?> _first = new(ReferenceEqualityComparer.Instance);
    private Batch _batch = new();
    private long _files, _others, _bytes, _names;

    /// <summary>The directories that were made, in the order they were made.</summary>
    public IReadOnlyList<TreeItem> Directories => _directories;

    public ExtractResult Run()
    {
        int threads = options.Threads > 0 ? options.Threads : Environment.ProcessorCount;
        int turn = 0;
        try
        {
            Workers.Run(threads + 1, stop =>
            {
                using FileMaker maker = new(target);
                if (Interlocked.Increment(ref turn) == 1)
                    Walk(maker, stop);
                else
                    Work(maker, stop);
            }, options.Cancellation);
        }
        finally
        {
            foreach (LargeFile large in _large.Keys)
                large.Close();
        }
        using FileMaker last = new(target);
        using (DirectoryCursor firstCursor = new(target.Path, target.Root))
        {
            foreach ((TreeItem item, ItemPath first) in _links)
                MakeLink(last, item, first, firstCursor);
        }
        for (int i = _directories.Count - 1; i >= 0; i--)
        {
            if (_directories[i].Path.Parent is not null || options.Paths.Count == 0 || target.IsNew)
            {
                last.FinishDirectory(_directories[i]);
                if (i == 0)
                    target.FinishRoot();
            }
        }
        return new ExtractResult
        {
            Files = _files,
            Directories = _directories.Count,
            Others = _others,
            Links = _names,
            Bytes = _bytes,
            Warnings = target.Warnings.ToList(),
        };
    }

    private void Walk(FileMaker maker, CancellationToken stop)
    {
        foreach (TreeItem item in TreeWalk.Walk(name, root, PathSelection.FilterOf(options.Paths)))
        {
            stop.ThrowIfCancellationRequested();
            if (item.Node.IsDirectory)
            {
                _directories.Add(item);
                if (item.Path.Parent is not null)
                    maker.MakeDirectory(item.Path);
            }
            else if (!item.Node.HasSingleName && _first.TryGetValue(item.Node, out ItemPath? first))
            {
                if (first is not null)
                    _links.Add((item, first));
            }
            else
            {
                bool isMade = Make(maker, item, stop);
                if (!item.Node.HasSingleName)
                    _first.Add(item.Node, isMade ? item.Path : null);
            }
        }
        Flush(stop);
        _queue.CompleteAdding();
    }

    /// <summary>
    /// Gives a file a further name. Where the file system has no more (ext4 has 65,000 a file, others have none) the name gets
    /// a copy of the file, and the names after it are names of that copy.
    /// </summary>
    private void MakeLink(FileMaker maker, TreeItem item, ItemPath first, DirectoryCursor firstCursor)
    {
        if (maker.TryMakeLink(item.Path, _copies.GetValueOrDefault(item.Node, first), firstCursor))
        {
            _names++;
            return;
        }
        target.Warnings.Add(item.Path, "the file system takes no further name for one file; it is a copy of its own");
        if (item.Node.Type == NodeType.RegularFile)
        {
            maker.MakeFile(item);
            _files++;
            _bytes += item.Node.Content.Size;
        }
        else if (maker.MakeOther(item))
        {
            _others++;
        }
        else
        {
            return;
        }
        _copies[item.Node] = item.Path;
    }

    private bool Make(FileMaker maker, TreeItem item, CancellationToken stop)
    {
        if (item.Node.Type is NodeType.CharacterDevice or NodeType.BlockDevice && !options.MakesDevices)
            return false;
        if (item.Node.Type != NodeType.RegularFile)
        {
            bool isMade = maker.MakeOther(item);
            _others += isMade ? 1 : 0;
            return isMade;
        }
        long size = item.Node.Content.Size;
        _files++;
        _bytes += size;
        target.Find(size);
        if (size >= LargeSize)
        {
            MakeLarge(maker, item, stop);
            return true;
        }
        _batch.Files.Add(item);
        _batch.Bytes += size;
        if (_batch.Files.Count >= BatchFiles || _batch.Bytes >= BatchBytes)
            Flush(stop);
        return true;
    }

    private void MakeLarge(FileMaker maker, TreeItem item, CancellationToken stop)
    {
        ContentSource source = item.Node.Content.Open();
        DataRange[] ranges = [.. source.EnumerateDataRanges()];
        List<DataRange> parts = Parts(ranges);
        LargeFile large = maker.BeginLarge(item, source, ranges, Math.Max(parts.Count, 1));
        _large.TryAdd(large, true);
        if (parts.Count == 0)
            parts.Add(default);                                         // nothing but a hole: metadata are still to be set
        foreach (DataRange part in parts)
            _queue.Add(new Batch { Large = large, Part = part }, stop);
    }

    /// <summary>Divides a file so that each part has about as much data; holes weigh nothing.</summary>
    private static List<DataRange> Parts(DataRange[] ranges)
    {
        List<DataRange> parts = [];
        long start = -1, end = 0, data = 0;
        foreach (DataRange run in ranges)
        {
            for (long at = run.Offset; at < run.End; at = end)
            {
                if (start < 0)
                    start = at;
                end = Math.Min(run.End, at + LargeSize - data);
                data += end - at;
                if (data >= LargeSize)
                {
                    parts.Add(new DataRange(start, end - start));
                    start = -1;
                    data = 0;
                }
            }
        }
        if (start >= 0)
            parts.Add(new DataRange(start, end - start));
        return parts;
    }

    private void Flush(CancellationToken stop)
    {
        if (_batch.Files.Count > 0)
            _queue.Add(_batch, stop);
        _batch = new Batch();
    }

    private void Work(FileMaker maker, CancellationToken stop)
    {
        foreach (Batch batch in _queue.GetConsumingEnumerable(stop))
        {
            if (batch.Large is { } large)
            {
                maker.WritePart(large, batch.Part);
                if (large.Descriptor < 0)
                    _large.TryRemove(large, out _);
            }
            foreach (TreeItem item in batch.Files)
            {
                stop.ThrowIfCancellationRequested();
                maker.MakeFile(item);
            }
        }
    }

    private sealed class Batch
    {
        public List<TreeItem> Files { get; } = [];

        public long Bytes { get; set; }

        public LargeFile? Large { get; init; }

        public DataRange Part { get; init; }
    }
}
