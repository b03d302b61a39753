using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>A file of a tree under one of its names.</summary>
internal readonly record struct TreeItem(ItemPath Path, Node Node);

/// <summary>
/// The one way that everything here walks a tree: a directory before what is in it, names in the order of their bytes. What a
/// reader may have let through, or a tree in memory may hold, is refused here: what leaves by this way has sound names and an
/// end.
/// </summary>
internal static class TreeWalk
{
    /// <summary>
    /// The deepest directory that is walked. PATH_MAX is 4096 bytes, so no path that a program can name goes deeper.
    /// </summary>
    public const int MaxDepth = 2048;

    /// <summary>The bytes of all files, each counted once, and of a header for each name.</summary>
    public static long SizeOf(string name, Node root)
    {
        const int header = 512;
        HashSet<Node> linked = new(ReferenceEqualityComparer.Instance);
        long size = 0;
        foreach (TreeItem item in Walk(name, root))
        {
            size += header;
            if (item.Node.Type == NodeType.RegularFile && (item.Node.HasSingleName || linked.Add(item.Node)))
                size = Math.Min(size, long.MaxValue / 2) + Math.Min(item.Node.Content.Size, long.MaxValue / 2);
        }
        return size;
    }

    /// <summary>Walks a tree.</summary>
    /// <param name="name">The layer, for messages.</param>
    /// <param name="root">Where to begin.</param>
    /// <param name="wants">Which names of a directory are wanted; null for all.</param>
    /// <exception cref="CorruptImageException">A name, the order, or the depth is not possible.</exception>
    public static IEnumerable<TreeItem> Walk(string name, Node root, Func<ItemPath, bool>? wants = null)
    {
        CheckNode(name, new TreeItem(ItemPath.Root, root));
        yield return new TreeItem(ItemPath.Root, root);
        if (!root.IsDirectory)
            yield break;
        HashSet<Node> above = new(ReferenceEqualityComparer.Instance);
        Stack<Frame> frames = new();
        frames.Push(Open(name, new TreeItem(ItemPath.Root, root), above));
        try
        {
            while (frames.TryPeek(out Frame? frame))
            {
                if (!frame.Entries.MoveNext())
                {
                    above.Remove(frame.Directory.Node);
                    frames.Pop().Entries.Dispose();
                    continue;
                }
                Entry entry = frame.Entries.Current;
                TreeItem item = new(frame.Directory.Path.Of(entry.Name), entry.Node);
                if (wants is not null && !wants(item.Path))
                    continue;
                CheckNode(name, item);
                yield return item;
                if (entry.Node.IsDirectory)
                    frames.Push(Open(name, item, above));
            }
        }
        finally
        {
            foreach (Frame frame in frames)
                frame.Entries.Dispose();
        }
    }

    /// <summary>
    /// The entries of a directory, each after making sure that it can be a name in a file system. They come as they are read: a
    /// directory of a million names is never in memory as a whole.
    /// </summary>
    public static IEnumerable<Entry> ReadNames(string name, TreeItem directory)
    {
        if (directory.Path.Depth > MaxDepth)
            throw new CorruptImageException(name, $"directories are nested deeper than {MaxDepth}");
        ReadOnlyMemory<byte> previous = default;
        foreach (Entry entry in directory.Node.Listing.Enumerate())
        {
            if (TreeRules.FaultOfName(entry.Name.Span, previous.Span) is { } fault)
                throw new CorruptImageException(name,
                    $"{directory.Path}: the name \"{ShownText.Of(entry.Name.Span)}\" {fault}");
            previous = entry.Name;
            yield return entry;
        }
    }

    private static Frame Open(string name, TreeItem directory, HashSet<Node> above)
    {
        if (!above.Add(directory.Node))
            throw new CorruptImageException(name, $"{directory.Path}: the directory contains itself");
        return new Frame(directory, ReadNames(name, directory).GetEnumerator());
    }

    /// <summary>Makes sure that a file can be one.</summary>
    public static void CheckNode(string name, TreeItem item)
    {
        if (TreeRules.FaultOfNode(item.Node) is { } fault)
            throw new CorruptImageException(name, $"{item.Path}: {fault}");
    }

    private sealed record Frame(TreeItem Directory, IEnumerator<Entry> Entries);
}
