using System.Globalization;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>Compares trees, whatever form their layers have: names, metadata, links, and all data.</summary>
public static class TreeComparison
{
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
        private readonly List<(ItemPath Path, Node First, Node Second)> _data = [];
        private readonly HashSet<(Node, Node)> _seen = [];
        private readonly Dictionary<Node, ItemPath> _firstNames = new(ReferenceEqualityComparer.Instance);
        private readonly Dictionary<Node, ItemPath> _secondNames = new(ReferenceEqualityComparer.Instance);
        private readonly Stack<(ItemPath Path, Node First, Node Second)> _open = new();
        private long _paths;

        public CompareResult Run(Node first, Node second)
        {
            Visit(ItemPath.Root, first, second);
            while (_open.TryPop(out (ItemPath Path, Node First, Node Second) directory))
            {
                options.Cancellation.ThrowIfCancellationRequested();
                VisitNames(directory.Path, directory.First, directory.Second);
            }
            long bytes = CompareData();
            return new CompareResult
            {
                Differences = [.. _differences.OrderBy(one => one.Path, PathOrder.Instance).ThenBy(one => one.Kind)],
                Paths = _paths,
                Bytes = bytes,
            };
        }

        private void VisitNames(ItemPath path, Node first, Node second)
        {
            Entry[] firsts = TreeWalk.ReadNames(firstName, new TreeItem(path, first));
            Entry[] seconds = TreeWalk.ReadNames(secondName, new TreeItem(path, second));
            int i = 0, j = 0;
            while (i < firsts.Length || j < seconds.Length)
            {
                int order = i == firsts.Length ? 1 : j == seconds.Length ? -1
                    : firsts[i].Name.Span.SequenceCompareTo(seconds[j].Name.Span);
                if (order < 0)
                    Add(path.Of(firsts[i].Name), DifferenceKind.Removed, Describe(firsts[i++].Node), "");
                else if (order > 0)
                    Add(path.Of(seconds[j].Name), DifferenceKind.Added, "", Describe(seconds[j++].Node));
                else
                    Visit(path.Of(firsts[i].Name), firsts[i++].Node, seconds[j++].Node);
            }
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
                    _open.Push((path, first, second));
                    break;
                case NodeType.SymbolicLink when !first.Target.AsSpan().SequenceEqual(second.Target):
                    Add(path, DifferenceKind.Target, ItemPath.Show(first.Target), ItemPath.Show(second.Target));
                    break;
                case NodeType.CharacterDevice or NodeType.BlockDevice when first.Device != second.Device:
                    Add(path, DifferenceKind.Device, Describe(first), Describe(second));
                    break;
                case NodeType.RegularFile when first.Content.Size != second.Content.Size:
                    long shorter = Math.Min(first.Content.Size, second.Content.Size);
                    Add(path, DifferenceKind.Content, $"{first.Content.Size} bytes", $"{second.Content.Size} bytes", shorter);
                    break;
                case NodeType.RegularFile when !ReferenceEquals(first.Content, second.Content) && IsNew(first, second):
                    _data.Add((path, first, second));
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

        private long CompareData()
        {
            Difference?[] found = new Difference?[_data.Count];
            long total = ByteCounts.Sum(_data.Select(pair => pair.First.Content.Size)), done = 0, compared = 0;
            int threads = options.Threads > 0 ? options.Threads : Environment.ProcessorCount;
            Workers.ForEach(threads, _data.Count, () => new DataComparer(firstName, secondName), (comparer, i) =>
            {
                (ItemPath path, Node first, Node second) = _data[i];
                if (comparer.Compare(first.Content, second.Content, options.Cancellation) is { } at)
                    found[i] = new Difference(path.ToBytes(), DifferenceKind.Content, comparer.FirstByte, comparer.SecondByte,
                        at);
                Interlocked.Add(ref compared, comparer.Compared);
                long now = Interlocked.Add(ref done, first.Content.Size);
                options.Progress?.Report((now, total));
            }, options.Cancellation);
            if (!options.Ignored.Contains(DifferenceKind.Content))
                _differences.AddRange(found.OfType<Difference>());
            return compared;
        }

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
            NodeType.SymbolicLink => $"symbolic link to {ItemPath.Show(node.Target)}",
            NodeType.CharacterDevice => $"character device {node.Device.Major}:{node.Device.Minor}",
            NodeType.BlockDevice => $"block device {node.Device.Major}:{node.Device.Minor}",
            NodeType.Fifo => "named pipe",
            _ => "socket",
        };

        private static string Describe(in Xattr xattr) =>
            $"{ItemPath.Show(xattr.Name.Span)}=0x{Convert.ToHexStringLower(xattr.Value.Span)}";
    }

    private sealed class PathOrder : IComparer<ReadOnlyMemory<byte>>
    {
        public static PathOrder Instance { get; } = new();

        public int Compare(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceCompareTo(y.Span);
    }
}
