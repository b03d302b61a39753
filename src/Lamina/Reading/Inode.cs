using Lamina.Format;
using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>An inode that was read and found sound: the record, and where it stands.</summary>
internal readonly record struct Inode
{
    /// <summary>The largest file the kernel can address (<c>MAX_LFS_FILESIZE</c>): i_size is signed there.</summary>
    public const ulong MaxSize = long.MaxValue;

    /// <summary>The node number; bit 63 set for one in the metabox.</summary>
    public ulong Nid { get; init; }

    public InodeRecord Record { get; init; }

    /// <summary>The first byte of the record, in the primary device or in the metabox.</summary>
    public long Position { get; init; }

    public bool IsInMetabox => (Nid & ErofsImage.MetaboxBit) != 0;

    public long Size => (long)Record.Size;

    public NodeType Type => (NodeType)(Record.Mode & 0xF000);

    /// <summary>The first byte behind record and xattrs.</summary>
    public long End => Position + Record.RecordSize + Record.XattrSize;
}
