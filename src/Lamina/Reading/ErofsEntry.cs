using Lamina.Format;
using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>
/// A file of any type in an image, as a directory names it. Safe for concurrent use; valid as long as the image is open.
/// </summary>
public sealed class ErofsEntry
{
    private readonly Inode _inode;

    internal ErofsEntry(ErofsImage image, in Inode inode, ReadOnlyMemory<byte> name)
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

    /// <summary>Reads the target of a symbolic link: 1 to 4095 bytes without NUL.</summary>
    /// <exception cref="InvalidOperationException">This is not a symbolic link.</exception>
    /// <exception cref="CorruptImageException">The target is not a possible one.</exception>
    public byte[] ReadTarget()
    {
        Require(NodeType.SymbolicLink);
        if (Size is <= 0 or > Node.MaxTargetLength)
            throw Image.Corrupt(_inode, $"a symbolic link of {Size} bytes; 1 to {Node.MaxTargetLength} are possible");
        byte[] target = new byte[Size];
        Image.OpenSource(Image.OpenContent(_inode)).ReadExactly(0, target);
        if (target.AsSpan().Contains((byte)0))
            throw Image.Corrupt(_inode, "the target of a symbolic link holds a NUL");
        return target;
    }

    /// <summary>
    /// The entries of a directory, sorted by name bytes, without <c>.</c> and <c>..</c>; read while they are looked at.
    /// </summary>
    /// <exception cref="InvalidOperationException">This is not a directory.</exception>
    /// <exception cref="CorruptImageException">The directory, or an inode it names, contradicts itself.</exception>
    public IEnumerable<ErofsEntry> EnumerateEntries()
    {
        Require(NodeType.Directory);
        return DirectoryReader.Enumerate(Image, _inode).Select(EntryOf);
    }

    /// <summary>Looks a name up in a directory; null if it is not there. Of a large directory few blocks are read.</summary>
    /// <exception cref="InvalidOperationException">This is not a directory.</exception>
    /// <exception cref="CorruptImageException">The directory, or the inode it names, contradicts itself.</exception>
    public ErofsEntry? Find(ReadOnlySpan<byte> name)
    {
        Require(NodeType.Directory);
        return DirectoryReader.Find(Image, _inode, name) is { } item ? EntryOf(item) : null;
    }

    /// <summary>
    /// Opens the data of a regular file as a stream that can be read and sought. Each call gives a stream of its own.
    /// </summary>
    /// <exception cref="InvalidOperationException">This is not a regular file.</exception>
    /// <exception cref="CorruptImageException">Where the data lies contradicts the format or the image's end.</exception>
    public Stream OpenRead() => new ErofsStream(OpenReader());

    /// <summary>Opens the data of a regular file for reading at any position, by several threads at once.</summary>
    /// <inheritdoc cref="OpenRead" path="/exception"/>
    public ErofsFileReader OpenReader()
    {
        Require(NodeType.RegularFile);
        return new ErofsFileReader(Image.OpenSource(Image.OpenContent(_inode)));
    }

    private ErofsEntry EntryOf(DirectoryItem item)
    {
        Inode inode = Image.ReadInode(item.Nid);
        if (item.Type != DirectoryFileType.Unknown && item.Type != FileTypes.Of((int)inode.Type))
            throw Image.Corrupt(inode, $"is a {inode.Type}, its directory (inode {Nid}) says {item.Type}");
        return new ErofsEntry(Image, inode, item.Name);
    }

    private void Require(NodeType type)
    {
        if (Type != type)
            throw new InvalidOperationException($"inode {Nid & ~ErofsImage.MetaboxBit} is a {Type}, not a {type}");
    }
}
