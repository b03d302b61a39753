using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Tests.Reading;

/// <summary>
/// A file of an image at the level of inodes, with what a tree does not say: node number, count of links.
/// </summary>
internal sealed class ImageEntry
{
    private readonly Inode _inode;

    internal ImageEntry(ErofsImage image, in Inode inode, ReadOnlyMemory<byte> name)
    {
        Image = image;
        _inode = inode;
        Name = name;
    }

    /// <summary>The image it is in.</summary>
    public ErofsImage Image { get; }

    /// <summary>
    /// The inode number; bit 63 is set for one in the metabox. Entries with the same number are names of one file.
    /// </summary>
    public ulong Nid => _inode.Nid;

    /// <summary>The name in its directory, as bytes in no particular encoding; empty for the root.</summary>
    public ReadOnlyMemory<byte> Name { get; }

    /// <summary>The type.</summary>
    public NodeType Type => _inode.Type;

    /// <summary>Whether this is a directory.</summary>
    public bool IsDirectory => Type == NodeType.Directory;

    /// <summary>Type and permissions as <c>st_mode</c> has them.</summary>
    public ushort Mode => _inode.Record.Mode;

    /// <summary>Permissions with set-user-id, set-group-id and sticky.</summary>
    public UnixFileMode Permissions => (UnixFileMode)(Mode & 0xFFF);

    /// <summary>The owner.</summary>
    public uint UserId => _inode.Record.UserId;

    /// <summary>The group.</summary>
    public uint GroupId => _inode.Record.GroupId;

    /// <summary>The time of the last modification.</summary>
    public Timestamp Modified => new(_inode.Record.Seconds, _inode.Record.Nanoseconds);

    /// <summary>How many names the file has, as the image says.</summary>
    public uint LinkCount => _inode.Record.LinkCount;

    /// <summary>The size in bytes: of a regular file's data, a directory's records, a symbolic link's target.</summary>
    public long Size => _inode.Size;

    /// <summary>Which device a device node stands for; 0:0 for everything else.</summary>
    public DeviceNumber Device =>
        Type is NodeType.CharacterDevice or NodeType.BlockDevice ? new DeviceNumber(_inode.Record.Union) : default;

    internal Inode Inode => _inode;

    /// <summary>Reads the extended attributes.</summary>
    /// <exception cref="CorruptImageException">They contradict the format.</exception>
    public XattrSet ReadXattrs() => _inode.Record.XattrCount == 0 ? XattrSet.Empty : Image.Xattrs.Read(_inode);

    /// <summary>Reads the target of a symbolic link.</summary>
    public byte[] ReadTarget() => ImageTree.ReadTarget(Image, _inode);

    /// <summary>
    /// The entries of a directory, sorted by name bytes, without <c>.</c> and <c>..</c>; read while they are looked at.
    /// </summary>
    /// <exception cref="InvalidOperationException">This is not a directory.</exception>
    /// <exception cref="CorruptImageException">The directory, or an inode it names, contradicts itself.</exception>
    public IEnumerable<ImageEntry> EnumerateEntries()
    {
        return DirectoryReader.Enumerate(Image, _inode).Select(EntryOf);
    }

    /// <summary>Looks a name up in a directory; null if it is not there. Of a large directory few blocks are read.</summary>
    /// <exception cref="InvalidOperationException">This is not a directory.</exception>
    /// <exception cref="CorruptImageException">The directory, or the inode it names, contradicts itself.</exception>
    public ImageEntry? Find(ReadOnlySpan<byte> name)
    {
        return DirectoryReader.Find(Image, _inode, name) is { } item ? EntryOf(item) : null;
    }

    /// <summary>Opens the data as a stream.</summary>
    public Stream OpenRead() => new ContentStream(OpenReader());

    /// <summary>Opens the data.</summary>
    public ContentSource OpenReader() => Image.OpenSource(Image.OpenContent(_inode));

    private ImageEntry EntryOf(DirectoryItem item)
    {
        Inode inode = Image.ReadInode(item.Nid);
        if (item.Type != DirectoryFileType.Unknown && item.Type != FileTypes.Of((int)inode.Type))
            throw Image.Corrupt(inode, $"is a {inode.Type}, its directory (inode {Nid}) says {item.Type}");
        return new ImageEntry(Image, inode, item.Name);
    }
}

/// <summary>The way from an image to its files at the level of inodes.</summary>
internal static class ImageEntries
{
    /// <summary>The root directory.</summary>
    public static ImageEntry RootEntry(this ErofsImage image) => new(image, image.ReadInode(image.SuperBlock.RootNid), default);

    /// <summary>The file of a path; links are not followed.</summary>
    public static ImageEntry GetEntry(this ErofsImage image, string path)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(path);
        return new ImageEntry(image, image.FindInode(bytes)!.Value, bytes);
    }
}
