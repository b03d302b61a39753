using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Layers;

/// <summary>
/// An EROFS image as a layer: inodes become nodes when their directory is read. Data stays where it is.
/// </summary>
internal sealed class ErofsLayer
{
    private readonly ErofsImage _image;
    private readonly Dictionary<ulong, Node> _linked = [];
    private readonly Dictionary<ulong, (ulong Parent, long Place)> _directories = [];
    private readonly Lock _lock = new();

    private ErofsLayer(ErofsImage image) => _image = image;

    /// <summary>Makes a layer of an opened image; the layer owns the image from now on.</summary>
    public static Layer Open(ErofsImage image)
    {
        ErofsLayer layer = new(image);
        ulong rootNid = image.SuperBlock.RootNid;
        Inode root = image.ReadInode(rootNid);
        if (root.Type != NodeType.Directory)
            throw image.Corrupt(root, $"the root is not a directory (mode 0x{root.Record.Mode:X4})");
        layer._directories.Add(rootNid, (rootNid, -1));
        return new Layer
        {
            Name = image.Name,
            Root = layer.MakeNode(root),
            Rules = WhiteoutRules.Overlay,
            Originals = [image.Primary, .. image.Devices],
            BlockSize = image.BlockSize,
            RequiredKernel = RequiredKernelOf(image.SuperBlock),
            Codecs = LimitsOf(image.Configs, image.BlockSize),
            FingerprintName = image.FingerprintName,
        };
    }

    /// <summary>
    /// What the image's own layouts ask of a kernel. Metabox, prefixes and filters do not count: they are resolved on the way in.
    /// </summary>
    private static Version RequiredKernelOf(SuperBlock superBlock) =>
        superBlock.Has(IncompatibleFeatures.Wide48Bit) ? new Version(6, 15) : new Version(6, 1);

    private static CodecLimits LimitsOf(CompressionConfigs configs, int blockSize) => new(
        configs.Lz4MaxDistance, (configs.Algorithms & 1) != 0 ? Math.Max((int)configs.Lz4MaxClusterBlocks, 1) * blockSize : 0,
        configs.LzmaDictionarySize, configs.DeflateWindowBits, configs.ZstdWindowLog);

    private Node MakeNode(in Inode inode) => new()
    {
        Type = inode.Type,
        Permissions = (ushort)(inode.Record.Mode & 0xFFF),
        UserId = inode.Record.UserId,
        GroupId = inode.Record.GroupId,
        Modified = new Timestamp(inode.Record.Seconds, inode.Record.Nanoseconds),
        Xattrs = inode.Record.XattrCount == 0 ? XattrSet.Empty : _image.Xattrs.Read(inode),
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
        if (inode.Size is <= 0 or > Node.MaxTargetLength)
            throw _image.Corrupt(inode, $"a symbolic link of {inode.Size} bytes; 1 to {Node.MaxTargetLength} are possible");
        _image.CountData(inode);
        byte[] target = new byte[inode.Size];
        _image.OpenContent(inode).Open(_image.Name).ReadExactly(0, target);
        if (target.AsSpan().Contains((byte)0))
            throw _image.Corrupt(inode, "the target of a symbolic link holds a NUL");
        return target;
    }

    private Node NodeOf(in Inode parent, DirectoryItem item, MetadataWindow? window)
    {
        Inode inode = _image.ReadInode(item.Nid, window);
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
            return MakeNode(inode);
        }
        if (inode.Record.LinkCount == 1)
            return MakeNode(inode);
        lock (_lock)
        {
            if (!_linked.TryGetValue(item.Nid, out Node? node))
                _linked.Add(item.Nid, node = MakeNode(inode));
            return node;
        }
    }

    private sealed class Listing(ErofsLayer layer, Inode inode) : DirectoryListing
    {
        public override Entry[] Read()
        {
            using MetadataWindow? window = OpenWindow();
            return DirectoryReader.Read(layer._image, inode, item => new Entry(item.Name, layer.NodeOf(inode, item, window)));
        }

        public override IEnumerable<Entry> Enumerate()
        {
            using MetadataWindow? window = OpenWindow();
            foreach (DirectoryItem item in DirectoryReader.Enumerate(layer._image, inode))
                yield return new Entry(item.Name, layer.NodeOf(inode, item, window));
        }

        public override Node? Find(ReadOnlySpan<byte> name) =>
            DirectoryReader.Find(layer._image, inode, name) is { } item ? layer.NodeOf(inode, item, null) : null;

        private MetadataWindow? OpenWindow() =>
            inode.Size < MetadataWindow.LeastDirectory ? null : layer._image.OpenWindow();
    }
}
