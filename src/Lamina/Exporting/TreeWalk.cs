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

    /// <summary>Walks a tree.</summary>
    /// <param name="name">The layer, for messages.</param>
    /// <param name="root">Where to begin.</param>
    /// <param name="wants">Which names of a directory are wanted; null for all.</param>
    /// <exception cref="CorruptImageException">A name, the order, or the depth is not possible.</exception>
    public static IEnumerable<TreeItem> Walk(string name, Node root, Func<ItemPath, bool>? wants = null)
    {
        yield return new TreeItem(ItemPath.Root, root);
        if (!root.IsDirectory)
            yield break;
        HashSet<Node> above = new(ReferenceEqualityComparer.Instance);
        Stack<Frame> frames = new();
        frames.Push(Open(name, new TreeItem(ItemPath.Root, root), above));
        while (frames.TryPeek(out Frame? frame))
        {
            if (frame.At == frame.Entries.Length)
            {
                above.Remove(frame.Directory.Node);
                frames.Pop();
                continue;
            }
            Entry entry = frame.Entries[frame.At++];
            TreeItem item = new(frame.Directory.Path.Of(entry.Name), entry.Node);
            if (wants is not null && !wants(item.Path))
                continue;
            CheckTarget(name, item);
            yield return item;
            if (entry.Node.IsDirectory)
                frames.Push(Open(name, item, above));
        }
    }

    /// <summary>The entries of a directory, after making sure that each can be a name in a file system.</summary>
    public static Entry[] ReadNames(string name, TreeItem directory)
    {
        if (directory.Path.Depth > MaxDepth)
            throw new CorruptImageException(name, $"directories are nested deeper than {MaxDepth}");
        Entry[] entries = directory.Node.Listing.Read();
        ReadOnlySpan<byte> previous = default;
        foreach (Entry entry in entries)
        {
            ReadOnlySpan<byte> bytes = entry.Name.Span;
            if (Fault(bytes) is { } fault)
                throw new CorruptImageException(name, $"{directory.Path}: the name \"{ItemPath.Show(bytes)}\" {fault}");
            if (!previous.IsEmpty && previous.SequenceCompareTo(bytes) >= 0)
                throw new CorruptImageException(name,
                    $"{directory.Path}: the name \"{ItemPath.Show(bytes)}\" is there twice, or not in order");
            previous = bytes;
        }
        return entries;
    }

    private static Frame Open(string name, TreeItem directory, HashSet<Node> above)
    {
        if (!above.Add(directory.Node))
            throw new CorruptImageException(name, $"{directory.Path}: the directory contains itself");
        return new Frame(directory, ReadNames(name, directory));
    }

    private static string? Fault(ReadOnlySpan<byte> name)
    {
        if (name.Length is 0 or > Entry.MaxNameLength)
            return $"has {name.Length} bytes, 1 to {Entry.MaxNameLength} are possible";
        if (name.IndexOfAny((byte)0, (byte)'/') >= 0)
            return "holds a slash or a NUL";
        return name.SequenceEqual("."u8) || name.SequenceEqual(".."u8) ? "is not that of a file" : null;
    }

    private static void CheckTarget(string name, TreeItem item)
    {
        if (item.Node.Type != NodeType.SymbolicLink)
            return;
        byte[] target = item.Node.Target;
        if (target.Length is 0 or > Node.MaxTargetLength || target.AsSpan().Contains((byte)0))
            throw new CorruptImageException(name,
                $"{item.Path}: a link target of {target.Length} bytes, or with a NUL, is not possible");
    }

    private sealed class Frame(TreeItem directory, Entry[] entries)
    {
        public TreeItem Directory { get; } = directory;

        public Entry[] Entries { get; } = entries;

        public int At { get; set; }
    }
}
