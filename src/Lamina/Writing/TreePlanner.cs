using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>
/// From a tree to the list of inodes to write: names that share a node share an inode, links are counted, directories get their
/// size.
/// The order of the list is that of the output: breadth first, a directory's children together.
/// </summary>
internal sealed class TreePlanner(FaultyFile faults, InodeChanges? changes = null)
{
    /// <summary>
    /// Names deeper than this are no path any program can name (PATH_MAX is 4096 bytes), so the tree has no end.
    /// </summary>
    public const int MaxDepth = 2048;

    private readonly Dictionary<Node, PlannedInode> _linked = new(ReferenceEqualityComparer.Instance);

    /// <summary>The inodes, the root first.</summary>
    public List<PlannedInode> Inodes { get; } = [];

    /// <summary>The block sizes that compressed files were made with, in bytes.</summary>
    public HashSet<int> ClusterBlockSizes { get; } = [];

    /// <summary>Xattrs of all inodes.</summary>
    public XattrPlanner Xattrs { get; } = new();

    /// <summary>
    /// Reads the whole tree. Other threads read it ahead; what becomes of it is decided here, one name after another, so that
    /// the outcome does not depend on threads.
    /// </summary>
    public void Read(Node root)
    {
        using ReadAhead ahead = new();
        ReadAll(root, ahead);
    }

    /// <summary>Plans the attributes of all inodes, which must have happened before the inodes themselves are planned.</summary>
    /// <param name="fingerprintName">The attribute whose name is the image's one long prefix; empty without.</param>
    public void PlanXattrs(ReadOnlyMemory<byte> fingerprintName)
    {
        foreach (PlannedInode inode in Inodes)
            Xattrs.Count(inode.Node.Xattrs);
        Xattrs.Finish(fingerprintName, Refuse);
        foreach (PlannedInode inode in Inodes)
            inode.Xattrs = Xattrs.BlockOf(inode.Node.Xattrs);
    }

    /// <summary>A directory whose names are being read.</summary>
    private readonly record struct OpenDirectory(PlannedInode Inode, Task<DirectoryAhead> Ahead, int Depth);

    private void ReadAll(Node root, ReadAhead ahead)
    {
        Queue<OpenDirectory> open = new();
        if (FaultOf(root) is { } faultOfRoot)
        {
            (string source, string path) = faults.Of(null, [], root);
            throw new CorruptImageException(source, $"{path}: {faultOfRoot}");
        }
        PlannedInode first = Add(root, null);
        first.Links = 2;
        open.Enqueue(new OpenDirectory(first, ahead.Begin(root.Listing), 1));
        while (open.TryDequeue(out OpenDirectory next))
        {
            if (next.Depth > MaxDepth)
                throw new CorruptImageException("output", $"directories are nested deeper than {MaxDepth}");
            (Entry[] entries, ClusterMap?[] maps, Task<DirectoryAhead>[] below) = next.Ahead.GetAwaiter().GetResult();
            PlannedInode[] children = new PlannedInode[entries.Length];
            int directories = 0;
            for (int i = 0; i < entries.Length; i++)
            {
                ReadOnlySpan<byte> name = entries[i].Name.Span;
                if (TreeRules.FaultOfName(name, i == 0 ? default : entries[i - 1].Name.Span) is { } fault)
                {
                    (string source, string path) = faults.Of(next.Inode, name, entries[i].Node);
                    throw new CorruptImageException(source, $"{path}: the name {fault}");
                }
                Node node = entries[i].Node;
                PlannedInode child = InodeOf(node, next.Inode, name);
                children[i] = child;
                if (!node.IsDirectory)
                {
                    child.Links++;
                    child.Data ??= maps.Length == 0 ? null : maps[i];
                    continue;
                }
                child.Links = 2;
                next.Inode.Links++;
                open.Enqueue(new OpenDirectory(child, below[directories++], next.Depth + 1));
            }
            next.Inode.Data = new PlannedDirectory(entries, children);
        }
    }

    /// <summary>Adds an inode that has no name: the packed file.</summary>
    public PlannedInode AddNameless(Node node)
    {
        PlannedInode inode = new(node, null) { Links = 1 };
        Inodes.Add(inode);
        return inode;
    }

    private UnsupportedImageException Refuse(XattrSet set, string what, string? advice)
    {
        PlannedInode first = Inodes.First(inode => inode.Node.Xattrs == set);
        (string source, string path) = faults.Of(first, Inodes);
        return new UnsupportedImageException(source, $"{path}: {what}", advice);
    }

    private PlannedInode InodeOf(Node node, PlannedInode directory, ReadOnlySpan<byte> name)
    {
        bool isLinked = !node.IsDirectory && !node.HasSingleName && changes?.SeparatesLinks != true;
        if (isLinked && _linked.TryGetValue(node, out PlannedInode? linked))
            return linked;
        // What comes from a reader is sound; a tree that was made by hand may be anything, and must not become a corrupt image.
        if (FaultOf(node) is { } fault)
        {
            (string source, string path) = faults.Of(directory, name, node);
            throw new CorruptImageException(source, $"{path}: {fault}");
        }
        if (!isLinked)
            return Add(node, directory);
        PlannedInode inode = Add(node, null);
        _linked.Add(node, inode);
        return inode;
    }

    private static string? FaultOf(Node node) => TreeRules.FaultOfNode(node) ?? TreeRules.FaultOfXattrs(node);

    private PlannedInode Add(Node node, PlannedInode? parent)
    {
        if (changes is not null)
            node = changes.Apply(node);
        PlannedInode inode = new(node, parent) { IsExtended = changes?.IsExtended == true };
        Inodes.Add(inode);
        if (node.Payload is EncodedContent encoded)
            ClusterBlockSizes.Add(encoded.BlockSize);
        return inode;
    }
}

/// <summary>Splits a directory into blocks. Records and names of one block share its bytes.</summary>
internal static class DirectoryPacking
{
    private static ReadOnlySpan<byte> Dot => "."u8;

    private static ReadOnlySpan<byte> DotDot => ".."u8;

    /// <summary>The bytes of a directory: whole blocks, and what is used of the last one.</summary>
    public static long SizeOf(Entry[] entries, int blockSize)
    {
        long blocks = 0;
        int used = 0;
        DotPositions(entries, out int dot, out int dotDot);
        for (int i = 0; i <= entries.Length; i++)
        {
            if (i == dot)
                Add(1, ref blocks, ref used);
            if (i == dotDot)
                Add(2, ref blocks, ref used);
            if (i < entries.Length)
                Add(entries[i].Name.Length, ref blocks, ref used);
        }
        return blocks * blockSize + used;

        void Add(int nameLength, ref long blocks, ref int used)
        {
            int size = DirectoryRecord.Size + nameLength;
            if (used + size > blockSize)
            {
                blocks++;
                used = 0;
            }
            used += size;
        }
    }

    /// <summary>Writes a directory's bytes.</summary>
    /// <param name="directory">Its names and inodes.</param>
    /// <param name="self">Its own inode.</param>
    /// <param name="blockSize">In bytes.</param>
    /// <param name="destination">As long as <see cref="SizeOf"/> says; cleared before.</param>
    public static void Write(PlannedDirectory directory, PlannedInode self, int blockSize, Span<byte> destination)
    {
        DotPositions(directory.Entries, out int dot, out int dotDot);
        int total = directory.Entries.Length + 2;
        for (int first = 0; first < total;)
        {
            int next = first, used = 0;
            while (next < total && used + DirectoryRecord.Size + NameAt(directory.Entries, next, dot, dotDot).Length <= blockSize)
                used += DirectoryRecord.Size + NameAt(directory.Entries, next++, dot, dotDot).Length;
            int nameAt = (next - first) * DirectoryRecord.Size;
            for (int i = first; i < next; i++)
            {
                ReadOnlySpan<byte> name = NameAt(directory.Entries, i, dot, dotDot);
                PlannedInode inode = InodeAt(directory, self, i, dot, dotDot);
                new DirectoryRecord(inode.Nid, (ushort)nameAt, FileTypes.Of((int)inode.Node.Type))
                    .WriteTo(destination[((i - first) * DirectoryRecord.Size)..]);
                name.CopyTo(destination[nameAt..]);
                nameAt += name.Length;
            }
            destination = destination[Math.Min(blockSize, destination.Length)..];
            first = next;
        }
    }

    /// <summary>Where the two dots come in the order of names: before which entry each.</summary>
    private static void DotPositions(Entry[] entries, out int dot, out int dotDot)
    {
        dot = LowerBound(entries, Dot);
        dotDot = LowerBound(entries, DotDot);
    }

    private static int LowerBound(Entry[] entries, ReadOnlySpan<byte> name)
    {
        int low = 0, high = entries.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (entries[middle].Name.Span.SequenceCompareTo(name) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    // With both dots in, entry i stands at i, i + 1 or i + 2.
    private static ReadOnlySpan<byte> NameAt(Entry[] entries, int i, int dot, int dotDot) =>
        i == dot ? Dot : i == dotDot + 1 ? DotDot : entries[i < dot ? i : i <= dotDot ? i - 1 : i - 2].Name.Span;

    private static PlannedInode InodeAt(PlannedDirectory directory, PlannedInode self, int i, int dot, int dotDot) =>
        i == dot ? self : i == dotDot + 1 ? self.Parent : directory.Children[i < dot ? i : i <= dotDot ? i - 1 : i - 2];
}
