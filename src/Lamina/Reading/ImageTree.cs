using Lamina.Format;
using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>An image as a tree: inodes become nodes when their directory is read.</summary>
internal sealed class ImageTree
{
    private readonly ErofsImage _image;
    private readonly Dictionary<ulong, Node> _linked = [];
    private readonly Dictionary<ulong, (ulong Parent, long Place)> _directories = [];
    private readonly Lock _lock = new();

    /// <summary>Begins at the root.</summary>
    /// <exception cref="CorruptImageException">The root is no directory, or its inode contradicts itself.</exception>
    public ImageTree(ErofsImage image)
    {
        _image = image;
        ulong rootNid = image.SuperBlock.RootNid;
        Inode root = image.ReadInode(rootNid);
        if (root.Type != NodeType.Directory)
            throw image.Corrupt(root, $"the root is not a directory (mode 0x{root.Record.Mode:X4})");
        _directories.Add(rootNid, (rootNid, -1));
        Root = MakeNode(root);
    }

    public Node Root { get; }

    /// <summary>The target of a symbolic link: 1 to 4095 bytes without NUL.</summary>
    /// <exception cref="CorruptImageException">It is not a possible one.</exception>
    public static byte[] ReadTarget(ErofsImage image, in Inode inode)
    {
        if (inode.Size is <= 0 or > Node.MaxTargetLength)
            throw image.Corrupt(inode, $"a symbolic link of {inode.Size} bytes; 1 to {Node.MaxTargetLength} are possible");
        byte[] target = new byte[inode.Size];
        image.ReadSmall(image.OpenContent(inode), target);
        if (target.AsSpan().Contains((byte)0))
            throw image.Corrupt(inode, "the target of a symbolic link holds a NUL");
        return target;
    }

    private Node MakeNode(in Inode inode, MetadataCursor? cursor = null) => new()
    {
        Type = inode.Type,
        Permissions = (ushort)(inode.Record.Mode & 0xFFF),
        UserId = inode.Record.UserId,
        GroupId = inode.Record.GroupId,
        Modified = new Timestamp(inode.Record.Seconds, inode.Record.Nanoseconds),
        Xattrs = inode.Record.XattrCount == 0 ? XattrSet.Empty : _image.Xattrs.Read(inode, cursor),
        HasSingleName = inode.Record.LinkCount == 1,
        Device = inode.Type is NodeType.CharacterDevice or NodeType.BlockDevice ? new DeviceNumber(inode.Record.Union) : default,
        Payload = inode.Type switch
        {
            NodeType.RegularFile => _image.OpenContent(inode),
            NodeType.SymbolicLink => ReadTarget(inode),
            NodeType.Directory => new Listing(this, inode),
            _ => null,
        },
    };

    private byte[] ReadTarget(in Inode inode)
    {
        byte[] target = ReadTarget(_image, inode);
        _image.CountData(inode);
        return target;
    }

    private Node NodeOf(in Inode parent, DirectoryItem item, MetadataCursor? cursor)
    {
        Inode inode = _image.ReadInode(item.Nid, cursor);
        if (item.Type != DirectoryFileType.Unknown && item.Type != FileTypes.Of((int)inode.Type))
            throw _image.Corrupt(inode, $"is a {inode.Type}, its directory (inode {parent.Nid}) says {item.Type}");
        if (inode.Type == NodeType.Directory)
        {
            lock (_lock)
            {
                // A directory has one place: a second one is a loop, or the way to trees without end.
                if (!_directories.TryAdd(item.Nid, (parent.Nid, item.Place)) && _directories[item.Nid] is var other
                    && other != (parent.Nid, item.Place))
                {
                    // Directories may be read by several threads: the message does not tell which was first.
                    (ulong low, ulong high) = (Math.Min(other.Parent, parent.Nid), Math.Max(other.Parent, parent.Nid));
                    throw _image.Corrupt(inode, $"the directory is in two places, inodes {low} and {high}");
                }
            }
            return MakeNode(inode, cursor);
        }
        if (inode.Record.LinkCount == 1)
            return MakeNode(inode, cursor);
        lock (_lock)
        {
            if (_linked.TryGetValue(item.Nid, out Node? known))
                return known;
        }
        Node node = MakeNode(inode, cursor);                            // which reads, so nobody is to wait for it
        lock (_lock)
            return _linked.TryAdd(item.Nid, node) ? node : _linked[item.Nid];
    }

    private sealed class Listing(ImageTree tree, Inode inode) : DirectoryListing
    {
        public override Entry[] Read()
        {
            using MetadataCursor cursor = tree._image.OpenCursor();
            return DirectoryReader.Read(tree._image, inode, item => new Entry(item.Name, tree.NodeOf(inode, item, cursor)));
        }

        public override IEnumerable<Entry> Enumerate()
        {
            using MetadataCursor cursor = tree._image.OpenCursor();
            foreach (DirectoryItem item in DirectoryReader.Enumerate(tree._image, inode))
                yield return new Entry(item.Name, tree.NodeOf(inode, item, cursor));
        }

        public override Node? Find(ReadOnlySpan<byte> name) =>
            DirectoryReader.Find(tree._image, inode, name) is { } item ? tree.NodeOf(inode, item, null) : null;
    }
}
