using Lamina.Format;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>An inode of the output: the node it stands for, what was decided about it, and at last its place.</summary>
internal sealed class PlannedInode(Node node, PlannedInode? parent)
{
    public Node Node { get; set; } = node;

    /// <summary>For a directory: the one it is in; the root is in itself.</summary>
    public PlannedInode Parent => parent ?? this;

    /// <summary>i_nlink of the merged tree.</summary>
    public uint Links { get; set; }

    public bool IsExtended { get; set; }

    public DataLayout Layout { get; set; }

    public ulong Size { get; set; }

    /// <summary>The xattrs as they will stand behind the record.</summary>
    public XattrBlock Xattrs { get; set; } = XattrBlock.Empty;

    /// <summary>
    /// What describes the data: <see cref="PlacedContent"/> (flat layouts), <see cref="ChunkPlan"/>, <see cref="MapPlan"/>,
    /// <see cref="PlannedDirectory"/>, the target of a symbolic link, or null; a <see cref="ClusterMap"/> until it is planned.
    /// </summary>
    public object? Data { get; set; }

    /// <summary>Bytes behind the xattrs that may lie across blocks: chunk entries or a map, with what aligns them.</summary>
    public int BodySize { get; set; }

    /// <summary>Where the bytes begin that must lie within one block, from the inode on.</summary>
    public int InlineAt { get; set; }

    /// <summary>How many bytes those are; 0 for none.</summary>
    public int InlineSize { get; set; }

    /// <summary>Whether record and xattrs must lie in that block as well.</summary>
    public bool IsWithinOneBlock { get; set; }

    /// <summary>The first byte, from the start of the metadata area on.</summary>
    public long Position { get; set; } = -1;

    /// <summary>The node number.</summary>
    public ulong Nid => (ulong)Position >> InodeRecord.SlotBits;

    public int RecordSize => IsExtended ? InodeRecord.ExtendedSize : InodeRecord.CompactSize;

    /// <summary>Where the xattrs end, from the inode on.</summary>
    public int End => RecordSize + Xattrs.Size;

    /// <summary>All bytes of the inode.</summary>
    public int TotalSize => InlineSize > 0 ? InlineAt + InlineSize : End + BodySize;

    /// <summary>The data as it was encoded for this output; null where it is said as the layer has it.</summary>
    public Content? Own { get; set; }

    public Content? FileContent => Own ?? (Node.Type == NodeType.RegularFile ? Node.Content : null);
}

/// <summary>A file in pieces: an entry for each chunk.</summary>
/// <param name="Content">The pieces, all at block boundaries.</param>
/// <param name="ChunkBits">log2 of the chunk size.</param>
internal sealed record ChunkPlan(PlacedContent Content, int ChunkBits)
{
    public long Count => Content.Size == 0 ? 0 : ((Content.Size - 1) >> ChunkBits) + 1;
}

/// <summary>A directory's names and where its full blocks lie.</summary>
/// <param name="Entries">The names, sorted, without <c>.</c> and <c>..</c>.</param>
/// <param name="Children">Their inodes.</param>
internal sealed record PlannedDirectory(Entry[] Entries, PlannedInode[] Children)
{
    /// <summary>The first of the full blocks, from the start of the directory block area on, in bytes.</summary>
    public long BodyAt { get; set; }

    /// <summary>Bytes of full blocks; the rest of the directory is inline.</summary>
    public long BodySize { get; set; }
}
