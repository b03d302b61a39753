using System.Globalization;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>Compares trees, whatever form their layers have: names, metadata, links, and all data.</summary>
public static class TreeComparison
{
    /// <summary>Files in a batch, and the bytes of data they may have together.</summary>
    private const int BatchFiles = 256, BatchBytes = 4 << 20;

    /// <summary>Compares two trees.</summary>
    /// <param name="firstName">What messages call the first tree: its file.</param>
    /// <param name="first">Its root directory.</param>
    /// <param name="secondName">What messages call the second tree.</param>
    /// <param name="second">Its root directory.</param>
    /// <param name="options">How.</param>
    /// <exception cref="CorruptImageException">A tree, or the data of a file, contradicts itself.</exception>
    public static CompareResult Compare(string firstName, Node first, string secondName, Node second, CompareOptions? options =
        null) =>
        new Comparison(firstName, secondName, options ?? new CompareOptions()).Run(first, second);

    private sealed class Comparison(string firstName, string secondName, CompareOptions options)
    {
        private readonly List<Difference> _differences = [];
        private readonly HashSet<(Node, Node)> _seen = [];
        private readonly Dictionary<Node, ItemPath> _firstNames = new(ReferenceEqualityComparer.Instance);
        private readonly Dictionary<Node, ItemPath> _secondNames = new(ReferenceEqualityComparer.Instance);
        private readonly Stack<Pair> _open = new();
        private Batch _batch = new();
        private long _paths, _found, _compared;

        public CompareResult Run(Node first, Node second)
        {
            try
            {
                CompareAll(first, second);
            }
            finally
            {
                foreach (Pair pair in _open)
                    pair.Dispose();
            }
            return new CompareResult
            {
                Differences = [.. _differences.OrderBy(one => one.Path, PathOrder.Instance).ThenBy(one => one.Kind)],
                Paths = _paths,
                Bytes = _compared,
            };
        }

        /// <summary>One thread walks, others compare data meanwhile: the trees are never in memory as a whole.</summary>
        private void CompareAll(Node first, Node second)
        {
            long done = 0;
            Pipeline.Run(options.Threads, Batches(first, second), () => new DataComparer(firstName, secondName),
                (comparer, batch, stop) =>
                {
                    foreach ((ItemPath path, Node one, Node other) in batch.Files)
                    {
                        if (comparer.Compare(one.Content, other.Content, stop) is { } at)
                            batch.Found.Add(new Difference(path.ToBytes(), DifferenceKind.Content, comparer.FirstByte,
                                comparer.SecondByte, at));
                        batch.Compared += comparer.Compared;
                        long now = Interlocked.Add(ref done, one.Content.Size);
                        options.Progress?.Report(new Progress(now, Interlocked.Read(ref _found)));
                    }
                }, batch =>
                {
                    _compared += batch.Compared;
                    if (!options.Ignored.Contains(DifferenceKind.Content))
                        _differences.AddRange(batch.Found);
                }, options.Cancellation);
        }

        private IEnumerable<Batch> Batches(Node first, Node second)
        {
            Visit(ItemPath.Root, first, second);
            while (_open.TryPeek(out Pair? pair))
            {
                options.Cancellation.ThrowIfCancellationRequested();
                if (!VisitNext(pair))
                    _open.Pop().Dispose();
                if (_batch.Files.Count < BatchFiles && _batch.Bytes < BatchBytes)
                    continue;
                yield return _batch;
                _batch = new Batch();
            }
            yield return _batch;
        }

        /// <summary>Visits the next name of a directory, in either tree or both; false if there is none.</summary>
        private bool VisitNext(Pair pair)
        {
            if (!pair.HasFirst && !pair.HasSecond)
                return false;
            int order = !pair.HasFirst ? 1 : !pair.HasSecond ? -1
                : pair.First.Name.Span.SequenceCompareTo(pair.Second.Name.Span);
            Entry first = order <= 0 ? pair.TakeFirst() : default, second = order >= 0 ? pair.TakeSecond() : default;
            if (order < 0)
                Add(pair.Path.Of(first.Name), DifferenceKind.Removed, Describe(first.Node), "");
            else if (order > 0)
                Add(pair.Path.Of(second.Name), DifferenceKind.Added, "", Describe(second.Node));
            else
                Visit(pair.Path.Of(first.Name), first.Node, second.Node);
            return true;
        }

        private void Visit(ItemPath path, Node first, Node second)
        {
            _paths++;
            if (first.Type != second.Type)
            {
                Add(path, DifferenceKind.Type, Describe(first), Describe(second));
                return;
            }
            if (first.Permissions != second.Permissions)
                Add(path, DifferenceKind.Mode, Mode(first), Mode(second));
            if ((first.UserId, first.GroupId) != (second.UserId, second.GroupId))
                Add(path, DifferenceKind.Owner, $"{first.UserId}:{first.GroupId}", $"{second.UserId}:{second.GroupId}");
            if (first.Modified != second.Modified)
                Add(path, DifferenceKind.Time, Time(first), Time(second));
            CompareXattrs(path, first.Xattrs, second.Xattrs);
            CompareLinks(path, first, second);
            switch (first.Type)
            {
                case NodeType.Directory:
                    _open.Push(new Pair(path, TreeWalk.ReadNames(firstName, new TreeItem(path, first)).GetEnumerator(),
                        TreeWalk.ReadNames(secondName, new TreeItem(path, second)).GetEnumerator()));
                    break;
                case NodeType.SymbolicLink when !first.Target.AsSpan().SequenceEqual(second.Target):
                    Add(path, DifferenceKind.Target, ShownText.Of(first.Target), ShownText.Of(second.Target));
                    break;
                case NodeType.CharacterDevice or NodeType.BlockDevice when first.Device != second.Device:
                    Add(path, DifferenceKind.Device, Describe(first), Describe(second));
                    break;
                case NodeType.RegularFile when first.Content.Size != second.Content.Size:
                    long shorter = Math.Min(first.Content.Size, second.Content.Size);
                    Add(path, DifferenceKind.Content, $"{first.Content.Size} bytes", $"{second.Content.Size} bytes", shorter);
                    break;
                case NodeType.RegularFile when !ReferenceEquals(first.Content, second.Content) && IsNew(first, second):
                    _batch.Files.Add((path, first, second));
                    _batch.Bytes += Math.Min(first.Content.Size, BatchBytes);
                    Interlocked.Exchange(ref _found, ByteCounts.Add(_found, first.Content.Size));
                    break;
            }
        }

        private bool IsNew(Node first, Node second) => (first.HasSingleName && second.HasSingleName)
            || _seen.Add((first, second));

        private void CompareXattrs(ItemPath path, XattrSet first, XattrSet second)
        {
            if (ReferenceEquals(first, second))
                return;
            int i = 0, j = 0;
            while (i < first.Items.Length || j < second.Items.Length)
            {
                int order = i == first.Items.Length ? 1 : j == second.Items.Length ? -1
                    : first.Items[i].Name.Span.SequenceCompareTo(second.Items[j].Name.Span);
                if (order < 0)
                    Add(path, DifferenceKind.Xattrs, Describe(first.Items[i++]), "");
                else if (order > 0)
                    Add(path, DifferenceKind.Xattrs, "", Describe(second.Items[j++]));
                else if (first.Items[i].Value.Span.SequenceEqual(second.Items[j].Value.Span))
                    (i, j) = (i + 1, j + 1);
                else
                    Add(path, DifferenceKind.Xattrs, Describe(first.Items[i++]), Describe(second.Items[j++]));
            }
        }

        /// <summary>Of the paths that both trees have, those that are one file are to be one file in both.</summary>
        private void CompareLinks(ItemPath path, Node first, Node second)
        {
            if (first.IsDirectory || (first.HasSingleName && second.HasSingleName))
                return;
            ItemPath firstName = FirstName(_firstNames, path, first), secondName = FirstName(_secondNames, path, second);
            if (firstName != secondName)
                Add(path, DifferenceKind.Links, Link(path, firstName), Link(path, secondName));
        }

        private static ItemPath FirstName(Dictionary<Node, ItemPath> names, ItemPath path, Node node) =>
            node.HasSingleName || names.TryAdd(node, path) ? path : names[node];

        private static string Link(ItemPath path, ItemPath first) => path == first ? "a file of its own"
            : $"the same file as {first}";

        private void Add(ItemPath path, DifferenceKind kind, string first, string second, long? offset = null)
        {
            if (!options.Ignored.Contains(kind))
                _differences.Add(new Difference(path.ToBytes(), kind, first, second, offset));
        }

        private static string Mode(Node node) => Convert.ToString(node.Permissions, 8).PadLeft(4, '0');

        private static string Time(Node node) =>
            string.Create(CultureInfo.InvariantCulture, $"{node.Modified.Seconds} s + {node.Modified.Nanoseconds} ns");

        private static string Describe(Node node) => node.Type switch
        {
            NodeType.RegularFile => $"file of {node.Content.Size} bytes",
            NodeType.Directory => "directory",
            NodeType.SymbolicLink => $"symbolic link to {ShownText.Of(node.Target)}",
            NodeType.CharacterDevice => $"character device {node.Device.Major}:{node.Device.Minor}",
            NodeType.BlockDevice => $"block device {node.Device.Major}:{node.Device.Minor}",
            NodeType.Fifo => "named pipe",
            _ => "socket",
        };

        private static string Describe(in Xattr xattr) =>
            $"{ShownText.Of(xattr.Name.Span)}=0x{Convert.ToHexStringLower(xattr.Value.Span)}";
    }

    /// <summary>A directory that is in both trees, and where in its names the walk is.</summary>
    private sealed class Pair : IDisposable
    {
        private readonly IEnumerator<Entry> _first, _second;

        public Pair(ItemPath path, IEnumerator<Entry> first, IEnumerator<Entry> second)
        {
            (Path, _first, _second) = (path, first, second);
            (HasFirst, HasSecond) = (first.MoveNext(), second.MoveNext());
        }

        public ItemPath Path { get; }

        public bool HasFirst { get; private set; }

        public bool HasSecond { get; private set; }

        public Entry First => _first.Current;

        public Entry Second => _second.Current;

        public Entry TakeFirst()
        {
            Entry entry = _first.Current;
            HasFirst = _first.MoveNext();
            return entry;
        }

        public Entry TakeSecond()
        {
            Entry entry = _second.Current;
            HasSecond = _second.MoveNext();
            return entry;
        }

        public void Dispose()
        {
            _first.Dispose();
            _second.Dispose();
        }
    }

    /// <summary>Files whose data is to be compared, and what came of it.</summary>
    private sealed class Batch
    {
        public List<(ItemPath Path, Node First, Node Second)> Files { get; } = [];

        public List<Difference> Found { get; } = [];

        public long Bytes { get; set; }

        public long Compared { get; set; }
    }

    private sealed class PathOrder : IComparer<ReadOnlyMemory<byte>>
    {
        public static PathOrder Instance { get; } = new();

        public int Compare(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceCompareTo(y.Span);
    }
}
