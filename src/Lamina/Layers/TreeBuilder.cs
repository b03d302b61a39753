using System.Diagnostics.CodeAnalysis;
using Lamina.Archives;
using Lamina.Tree;

namespace Lamina.Layers;

/// <summary>
/// Makes a tree of entries that come in any order, by path: what archives hold. Paths are plain: no slash in front, doubled or
/// behind, no <c>.</c> or <c>..</c>; the empty path is the root.
/// </summary>
/// <remarks>
/// A later entry replaces an earlier one of the same path, but directories over directories only replace its metadata. A path
/// goes through symbolic links that were added before, inside the tree; another file that stands where a directory is needed
/// gives way to one. Directories that no entry describes are implied.
/// </remarks>
internal sealed class TreeBuilder
{
    private const ushort ImpliedPermissions = 0x1ED;                                   // 0755

    /// <summary>The most symbolic links on the way to a file, as the kernel has it (<c>MAXSYMLINKS</c>).</summary>
    private const int MaxLinks = 40;

    private static readonly XattrSet OpaqueOnly = XattrSet.Create([OpaqueMark]);

    private readonly Directory _root = new();
    private readonly HashSet<Node> _implied = [];
    private Directory? _lastParent;
    private byte[] _lastParentPath = new byte[256];
    private int _lastParentLength;

    /// <summary>The attribute by which overlayfs knows a directory that hides what is below it.</summary>
    private static Xattr OpaqueMark => new("trusted.overlay.opaque"u8.ToArray(), "y"u8.ToArray());

    /// <summary>The attributes of a directory that hides what is below it.</summary>
    public static XattrSet MarkOpaque(XattrSet xattrs) =>
        xattrs.IsEmpty ? OpaqueOnly : XattrSet.Create([.. xattrs.Items, OpaqueMark]);

    /// <summary>What hides a name of layers below.</summary>
    public static Node Whiteout() => new() { Type = NodeType.CharacterDevice, Permissions = 0 };

    /// <summary>Whether an entry describes the root.</summary>
    public bool HasRoot => _root.Metadata is not null;

    /// <summary>The directories that no entry describes. Complete once <see cref="Finish"/> has run.</summary>
    public IReadOnlySet<Node> Implied => _implied;

    /// <summary>Makes the exception for a path that cannot be walked.</summary>
    public required Func<string, Exception> Refuse { get; init; }

    /// <summary>Names that begin so are left out in the end, though hard links may go to them.</summary>
    public byte[]? OmittedPrefix { get; init; }

    /// <summary>Adds a directory, or gives one that is there other metadata. The node's payload is not used.</summary>
    public void AddDirectory(ReadOnlySpan<byte> path, Node metadata)
    {
        if (path.IsEmpty)
        {
            _root.Metadata = metadata;
            return;
        }
        Dictionary<byte[], object>.AlternateLookup<ReadOnlySpan<byte>> children = ParentOf(path, out var name).Children;
        if (!children.TryGetValue(name, out object? child) || child is not Directory directory)
        {
            if (child is not null)
                _lastParent = null;                                                    // it may be a link on the way to it
            children[name] = directory = new Directory();
        }
        directory.Metadata = metadata;
    }

    /// <summary>Adds a file of another type, or another name for one. The path is not the root's.</summary>
    public void Add(ReadOnlySpan<byte> path, Node node)
    {
        Directory parent = ParentOf(path, out ReadOnlySpan<byte> name);
        Dictionary<byte[], object>.AlternateLookup<ReadOnlySpan<byte>> children = parent.Children;
        if (children.TryAdd(name, node))
            return;
        if (children[name] is Directory or Node { Type: NodeType.SymbolicLink })
            _lastParent = null;                                                        // it may be on the way to it
        children[name] = node;
    }

    /// <summary>Marks that a name hides what layers below have there. What this layer has under the name stays.</summary>
    public void AddWhiteout(ReadOnlySpan<byte> parent, ReadOnlySpan<byte> name)
    {
        Directory directory = DirectoryAt(parent);
        Dictionary<byte[], bool>.AlternateLookup<ReadOnlySpan<byte>> hidden = directory.Hidden ??= NewNames<bool>();
        hidden[name] = true;
    }

    /// <summary>Marks that a directory hides what layers below have in it.</summary>
    public void MarkOpaque(ReadOnlySpan<byte> path) => DirectoryAt(path).IsOpaque = true;

    /// <summary>Whether the root was marked so.</summary>
    public bool HasOpaqueRoot => _root.IsOpaque;

    /// <summary>Finds the file of a path, for a hard link to it. Directories are found, but have no node yet.</summary>
    public bool TryFind(ReadOnlySpan<byte> path, out Node? node)
    {
        node = null;
        if (path.IsEmpty)
            return true;
        int slash = path.LastIndexOf((byte)'/');
        Directory? parent = slash < 0 ? _root : Walk(path[..slash], makesMissing: false);
        if (parent is not { HasChildren: true } || !parent.Children.TryGetValue(path[(slash + 1)..], out object? found))
            return false;
        node = found as Node;
        return true;
    }

    /// <summary>Makes the nodes of the directories and returns the root.</summary>
    public Node Finish() => MakeNode(_root);

    /// <summary>Depth is bounded by that of the paths, see <see cref="TarPath.MaxDepth"/>.</summary>
    private Node MakeNode(Directory directory)
    {
        List<Entry> entries = new(directory.HasChildren ? directory.Children.Dictionary.Count : 0);
        foreach (byte[] name in directory.Hidden?.Dictionary.Keys.AsEnumerable() ?? [])
        {
            if (!directory.HasChildren || !directory.Children.TryGetValue(name, out object? child))
                entries.Add(new Entry(name, Whiteout()));
            else if (child is Directory kept)
                kept.IsOpaque = kept.IsNew = true;
        }
        if (directory.HasChildren)
        {
            foreach ((byte[] name, object child) in directory.Children.Dictionary)
            {
                if (OmittedPrefix is null || !name.AsSpan().StartsWith(OmittedPrefix))
                    entries.Add(new Entry(name, child as Node ?? MakeNode((Directory)child)));
            }
        }
        Node node = MakeNode(directory.Metadata, directory.IsOpaque, DirectoryListing.Of([.. entries]));
        if (directory.Metadata is null && !directory.IsNew)
            _implied.Add(node);
        return node;
    }

    private static Node MakeNode(Node? metadata, bool isOpaque, DirectoryListing listing)
    {
        XattrSet xattrs = metadata?.Xattrs ?? XattrSet.Empty;
        if (isOpaque)
            xattrs = MarkOpaque(xattrs);
        return new Node
        {
            Type = NodeType.Directory,
            Permissions = metadata?.Permissions ?? ImpliedPermissions,
            UserId = metadata?.UserId ?? 0,
            GroupId = metadata?.GroupId ?? 0,
            Modified = metadata?.Modified ?? default,
            Xattrs = xattrs,
            Payload = listing,
        };
    }

    /// <summary>
    /// The directory that holds a path's last name. Entries mostly follow their neighbours: the last one is remembered.
    /// </summary>
    private Directory ParentOf(ReadOnlySpan<byte> path, out ReadOnlySpan<byte> name)
    {
        int slash = path.LastIndexOf((byte)'/');
        name = path[(slash + 1)..];
        ReadOnlySpan<byte> parent = slash < 0 ? [] : path[..slash];
        if (_lastParent is null || !parent.SequenceEqual(_lastParentPath.AsSpan(0, _lastParentLength)))
        {
            _lastParent = DirectoryAt(parent);
            if (parent.Length > _lastParentPath.Length)
                _lastParentPath = new byte[Math.Max(parent.Length, 2 * _lastParentPath.Length)];
            parent.CopyTo(_lastParentPath);
            _lastParentLength = parent.Length;
        }
        return _lastParent;
    }

    /// <summary>The directory of a path, made with all its parents where there is none.</summary>
    private Directory DirectoryAt(ReadOnlySpan<byte> path) => Walk(path, makesMissing: true)!;

    private Directory? Walk(ReadOnlySpan<byte> whole, bool makesMissing)
    {
        Directory at = _root;
        ReadOnlySpan<byte> path = whole;
        while (!path.IsEmpty)
        {
            int slash = path.IndexOf((byte)'/');
            ReadOnlySpan<byte> name = slash < 0 ? path : path[..slash];
            path = slash < 0 ? [] : path[(slash + 1)..];
            if (!at.TryGet(name, out object? child) || child is not Directory next)
            {
                if (child is Node { Type: NodeType.SymbolicLink })
                    return WalkLinks(whole, makesMissing);
                if (!makesMissing)
                    return null;
                at.Add(name, next = new Directory());
            }
            at = next;
        }
        return at;
    }

    /// <summary>
    /// Walks a path with links on it. What a link leads to and is not there is made as well: it may be in a layer below.
    /// </summary>
    private Directory? WalkLinks(ReadOnlySpan<byte> path, bool makesMissing)
    {
        List<Directory> at = [_root];
        Stack<byte[]> names = new();
        PushNames(names, path);
        int links = 0;
        while (names.TryPop(out byte[]? name))
        {
            if (name is [(byte)'.', (byte)'.'])
            {
                if (at.Count > 1)                                                      // above the root is the root
                    at.RemoveAt(at.Count - 1);
                continue;
            }
            at[^1].TryGet(name, out object? child);
            if (child is Node { Type: NodeType.SymbolicLink } link)
            {
                if (++links > MaxLinks)
                    throw Refuse($"its path leads through more than {MaxLinks} symbolic links, the last of them " +
                        $"{TarPlace.Show(name)}: they may lead in a circle");
                if (link.Target[0] == '/')
                    at.RemoveRange(1, at.Count - 1);
                PushNames(names, link.Target);
                continue;
            }
            if (child is not Directory next)
            {
                if (!makesMissing)
                    return null;
                if (name.Length > Entry.MaxNameLength || at.Count > TarPath.MaxDepth)
                    throw Refuse("its path leads through a symbolic link with a name too long or to a folder too deep");
                at[^1].Add(name, next = new Directory());
            }
            at.Add(next);
        }
        return at[^1];
    }

    private static void PushNames(Stack<byte[]> names, ReadOnlySpan<byte> path)
    {
        List<byte[]> parts = [];
        foreach (Range part in path.Split((byte)'/'))
        {
            if (!path[part].IsEmpty && !path[part].SequenceEqual("."u8))
                parts.Add(path[part].ToArray());
        }
        for (int i = parts.Count - 1; i >= 0; i--)
            names.Push(parts[i]);
    }

    private static Dictionary<byte[], T>.AlternateLookup<ReadOnlySpan<byte>> NewNames<T>() =>
        new Dictionary<byte[], T>(NameComparer.Instance).GetAlternateLookup<ReadOnlySpan<byte>>();

    /// <summary>A directory in the making.</summary>
    private sealed class Directory
    {
        private Dictionary<byte[], object>.AlternateLookup<ReadOnlySpan<byte>>? _children;

        /// <summary>What an entry said of the directory; null while it is implied.</summary>
        public Node? Metadata { get; set; }

        public bool IsOpaque { get; set; }

        /// <summary>What layers below have under this name is removed first: it lends nothing.</summary>
        public bool IsNew { get; set; }

        public bool HasChildren => _children is not null;

        /// <summary>The names, each with a <see cref="Node"/> or a <see cref="Directory"/>.</summary>
        public Dictionary<byte[], object>.AlternateLookup<ReadOnlySpan<byte>> Children => _children ??= NewNames<object>();

        public void Add(ReadOnlySpan<byte> name, Directory directory)
        {
            Dictionary<byte[], object>.AlternateLookup<ReadOnlySpan<byte>> children = Children;
            children[name] = directory;
        }

        public bool TryGet(ReadOnlySpan<byte> name, out object? child)
        {
            child = null;
            return HasChildren && Children.TryGetValue(name, out child);
        }

        /// <summary>The names that are hidden in layers below.</summary>
        public Dictionary<byte[], bool>.AlternateLookup<ReadOnlySpan<byte>>? Hidden { get; set; }
    }

    /// <summary>Names by their bytes, to be looked up without making an array of each.</summary>
    internal sealed class NameComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static NameComparer Instance { get; } = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] byte[] name) => GetHashCode(name.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            HashCode hash = new();                                       // seeded anew in each process
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
