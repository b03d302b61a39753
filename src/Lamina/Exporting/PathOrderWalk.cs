using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>A file of a tree, met in the order of whole paths.</summary>
/// <param name="Item">The file.</param>
/// <param name="Parent">The number of the directory it is in; -1 for the root.</param>
/// <param name="Directory">For a directory: its own number, counted from 0 in the order in which they are met; else -1.</param>
internal readonly record struct OrderedItem(TreeItem Item, int Parent, int Directory);

/// <summary>
/// Walks a tree in the order of the bytes of whole paths: <c>/a-b</c> comes between <c>/a</c> and <c>/a/c</c>, as the slash is
/// a byte like others. What is in a directory therefore comes later than its name where names go on with a smaller byte. Only
/// directories on the way are in memory.
/// </summary>
internal static class PathOrderWalk
{
    /// <summary>Walks a tree.</summary>
    /// <param name="name">The layer, for messages.</param>
    /// <param name="root">Where to begin.</param>
    /// <exception cref="CorruptImageException">A name, the order, or the depth is not possible.</exception>
    public static IEnumerable<OrderedItem> Walk(string name, Node root)
    {
        int directories = 0;
        OrderedItem first = new(new TreeItem(ItemPath.Root, root), -1, root.IsDirectory ? directories++ : -1);
        TreeWalk.CheckNode(name, first.Item);
        yield return first;
        if (!root.IsDirectory)
            yield break;
        HashSet<Node> above = new(ReferenceEqualityComparer.Instance);
        Stack<Frame> frames = new([Open(name, first, above)]);
        try
        {
            while (frames.TryPeek(out Frame? frame))
            {
                if (frame.TryTakeDirectory(out OrderedItem directory))
                {
                    frames.Push(Open(name, directory, above));
                    continue;
                }
                if (!frame.HasNext)
                {
                    above.Remove(frame.Directory.Item.Node);
                    frames.Pop().Dispose();
                    continue;
                }
                Entry entry = frame.Take();
                OrderedItem item = new(new TreeItem(frame.Directory.Item.Path.Of(entry.Name), entry.Node),
                    frame.Directory.Directory, entry.Node.IsDirectory ? directories++ : -1);
                TreeWalk.CheckNode(name, item.Item);
                if (entry.Node.IsDirectory)
                    frame.Postpone(item);
                yield return item;
            }
        }
        finally
        {
            foreach (Frame frame in frames)
                frame.Dispose();
        }
    }

    private static Frame Open(string name, OrderedItem directory, HashSet<Node> above)
    {
        if (!above.Add(directory.Item.Node))
            throw new CorruptImageException(name, $"{directory.Item.Path}: the directory contains itself");
        return new Frame(directory, TreeWalk.ReadNames(name, directory.Item).GetEnumerator());
    }

    /// <summary>A directory on the way: the name that comes next, and directories whose names came already.</summary>
    private sealed class Frame : IDisposable
    {
        private readonly IEnumerator<Entry> _entries;

        /// <summary>Each of them begins the name of the next one, so the last one's turn comes first.</summary>
        private readonly Stack<OrderedItem> _postponed = new();

        public Frame(OrderedItem directory, IEnumerator<Entry> entries)
        {
            Directory = directory;
            _entries = entries;
            HasNext = entries.MoveNext();
        }

        public OrderedItem Directory { get; }

        public bool HasNext { get; private set; }

        public Entry Take()
        {
            Entry entry = _entries.Current;
            HasNext = _entries.MoveNext();
            return entry;
        }

        public void Postpone(OrderedItem directory) => _postponed.Push(directory);

        /// <summary>Whether a directory's turn has come: what is in it comes before the next name.</summary>
        public bool TryTakeDirectory(out OrderedItem directory)
        {
            if (!_postponed.TryPeek(out directory))
                return false;
            ReadOnlySpan<byte> name = directory.Item.Path.Name.Span, next = HasNext ? _entries.Current.Name.Span : default;
            if (HasNext && next.StartsWith(name) && next[name.Length] < (byte)'/')
                return false;
            _postponed.Pop();
            return true;
        }

        public void Dispose() => _entries.Dispose();
    }
}
