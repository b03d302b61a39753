using System.Buffers.Text;
using Lamina.Archives;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>
/// Writes trees as cpio archives in the newc form, which is that of an initramfs. It has no extended attributes, whole seconds
/// from 1970 to 2106 only, and no file of 4 GiB. The same tree gives the same archive.
/// </summary>
public static class CpioExport
{
    private const int HeaderSize = 110, Alignment = 4;

    /// <summary>Archives end at a multiple of this, as other writers' do.</summary>
    private const int BlockSize = 512;

    /// <summary>Writes a tree.</summary>
    /// <param name="name">What messages call the tree: its file.</param>
    /// <param name="root">The root directory.</param>
    /// <param name="output">Where to; it need not know its position.</param>
    /// <param name="options">How.</param>
    /// <exception cref="CorruptImageException">The tree, or the data of a file, contradicts itself.</exception>
    /// <exception cref="UnsupportedImageException">A file is too large for this form.</exception>
    public static ExportResult Write(string name, Node root, Stream output, ExportOptions? options = null)
    {
        Dictionary<Node, Names> linked = CountNames(name, root);
        using ArchiveStream archive = new(output, options ?? new ExportOptions(), () => TreeWalk.SizeOf(name, root));
        Warnings warnings = new();
        DataReader reader = new();
        uint inode = 0;
        long entries = 0;
        foreach (TreeItem item in TreeWalk.Walk(name, root))
        {
            Warn(warnings, item);
            entries++;
            if (item.Node.IsDirectory || item.Node.HasSingleName)
            {
                WriteEntry(archive, reader, item, ++inode, item.Node.IsDirectory ? 2u : 1u, hasData: true);
                continue;
            }
            // Readers keep the names of a file until its data comes, with the last of them.
            Names names = linked[item.Node];
            if (names.Inode == 0)
                names.Inode = ++inode;
            WriteEntry(archive, reader, item, names.Inode, names.Count, hasData: ++names.Written == names.Count);
        }
        WriteHeader(archive, "TRAILER!!!"u8, new Fields { Links = 1 });
        archive.Align(BlockSize);
        archive.Flush();
        return new ExportResult { Entries = entries, Bytes = archive.Position, Warnings = warnings.ToList() };
    }

    private static Dictionary<Node, Names> CountNames(string name, Node root)
    {
        Dictionary<Node, Names> linked = new(ReferenceEqualityComparer.Instance);
        foreach (TreeItem item in TreeWalk.Walk(name, root))
        {
            Node node = item.Node;
            if (node.Type == NodeType.RegularFile && node.Content.Size > uint.MaxValue)
            {
                throw new UnsupportedImageException(name,
                    $"{item.Path} has {node.Content.Size} bytes, a cpio archive holds files below 4 GiB",
                    "Export it as a tar.");
            }
            if (node.IsDirectory || node.HasSingleName)
                continue;
            if (!linked.TryGetValue(node, out Names? names))
                linked.Add(node, names = new Names());
            names.Count++;
        }
        return linked;
    }

    private static void Warn(Warnings warnings, TreeItem item)
    {
        foreach (ref readonly Xattr xattr in item.Node.Xattrs.Items)
            warnings.Add(item.Path, $"cpio has no place for the attribute {ShownText.Of(xattr.Name.Span)}");
        if (item.Node.Modified.Seconds is < 0 or > uint.MaxValue)
            warnings.Add(item.Path, "cpio has no times before 1970 or after 2106");
        if (HasNoOwner(item.Node))
        {
            warnings.Add(item.Path, $"the owner or the group is {uint.MaxValue}, which no file can be given; it is unpacked as " +
                "who unpacks it, without set-user-id and set-group-id");
        }
    }

    /// <summary>Unpackers hand the number to chown(2), which takes it as the order to leave the owner there is: root.</summary>
    private static bool HasNoOwner(Node node) => node.UserId == uint.MaxValue || node.GroupId == uint.MaxValue;

    private static uint ModeOf(Node node) => HasNoOwner(node) ? node.Mode & ~0xC00u : node.Mode;

    private static void WriteEntry(ArchiveStream archive, DataReader reader, TreeItem item, uint inode, uint links, bool hasData)
    {
        Node node = item.Node;
        bool isFile = node.Type == NodeType.RegularFile, isLink = node.Type == NodeType.SymbolicLink;
        long size = isFile ? (hasData ? node.Content.Size : 0) : isLink ? node.Target.Length : 0;
        WriteHeader(archive, PathOf(item), new Fields
        {
            Inode = inode,
            Mode = ModeOf(node),
            UserId = node.UserId,
            GroupId = node.GroupId,
            Links = links,
            Modified = (uint)Math.Clamp(node.Modified.Seconds, 0, uint.MaxValue),
            Size = (uint)size,
            Device = node.Device,
        });
        if (isLink)
            archive.Write(node.Target);
        if (isFile && size > 0)
        {
            DataRange[] whole = [new DataRange(0, size)];
            ArchivePieces sink = new(archive, whole);
            reader.Read(node.Content, ref sink);
            sink.FillTo(size);
        }
        archive.Align(Alignment);
    }

    /// <summary>The path without a slash in front, and so that no file is taken for the end of the archive.</summary>
    private static byte[] PathOf(TreeItem item)
    {
        if (item.Path.Parent is null)
            return "."u8.ToArray();
        byte[] path = item.Path.ToBytes()[1..];
        return path.AsSpan().SequenceEqual("TRAILER!!!"u8) ? [.. "./"u8, .. path] : path;
    }

    private static void WriteHeader(ArchiveStream archive, ReadOnlySpan<byte> name, in Fields fields)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        "070701"u8.CopyTo(header);
        ReadOnlySpan<uint> numbers =
        [
            fields.Inode, fields.Mode, fields.UserId, fields.GroupId, fields.Links, fields.Modified, fields.Size,
            0, 0, fields.Device.Major, fields.Device.Minor, (uint)name.Length + 1, 0,
        ];
        for (int i = 0; i < numbers.Length; i++)
            Utf8Formatter.TryFormat(numbers[i], header[(6 + 8 * i)..], out _, new System.Buffers.StandardFormat('X', 8));
        archive.Write(header);
        archive.Write(name);
        archive.WriteZeros(1);
        archive.Align(Alignment);
    }

    private readonly record struct Fields
    {
        public uint Inode { get; init; }

        public uint Mode { get; init; }

        public uint UserId { get; init; }

        public uint GroupId { get; init; }

        public uint Links { get; init; }

        public uint Modified { get; init; }

        public uint Size { get; init; }

        public DeviceNumber Device { get; init; }
    }

    /// <summary>The names of one file: how many there are, and how many of them are written.</summary>
    private sealed class Names
    {
        public uint Inode { get; set; }

        public uint Count { get; set; }

        public uint Written { get; set; }
    }
}
