namespace Lamina.Tree;

/// <summary>How the bytes of a cluster stand for file data. The first four are the codec numbers of EROFS.</summary>
internal enum ClusterEncoding : byte
{
    /// <summary>LZ4, zero bytes in front of it.</summary>
    Lz4 = 0,

    /// <summary>MicroLZMA.</summary>
    Lzma = 1,

    /// <summary>Raw DEFLATE.</summary>
    Deflate = 2,

    /// <summary>Zstandard.</summary>
    Zstd = 3,

    /// <summary>Uncompressed, the first logical byte first.</summary>
    Shifted = 4,

    /// <summary>
    /// Uncompressed, one block, rotated: the first logical byte stands at its offset within the block, what would pass the end of
    /// the block stands at its start.
    /// </summary>
    Interlaced = 5,

    /// <summary>All zeros, nothing stored.</summary>
    Hole = 6,
}

/// <summary>A run of a file's bytes and the cluster that encodes it.</summary>
/// <param name="Logical">The first byte's position in the file.</param>
/// <param name="Length">The count of file bytes; up to the next extent's start.</param>
/// <param name="Original">The original that holds the cluster; null for a hole.</param>
/// <param name="Offset">The cluster's first byte in the original.</param>
/// <param name="EncodedLength">The cluster's size in bytes.</param>
/// <param name="Encoding">How it is encoded.</param>
/// <param name="IsPartial">The cluster decodes to more than this run (deduplication): decode only as much as is asked.</param>
internal readonly record struct ClusterExtent(
    long Logical, long Length, Original? Original, long Offset, int EncodedLength, ClusterEncoding Encoding, bool IsPartial);

/// <summary>Where the data of one compressed file is: clusters, and at most one tail of another kind.</summary>
internal sealed class ClusterMap
{
    /// <summary>The file's size in bytes.</summary>
    public required long Size { get; init; }

    /// <summary>The block size of the source, in bytes: what interlaced clusters are rotated by.</summary>
    public required int BlockSize { get; init; }

    /// <summary>The clusters, by logical offset, without gaps from 0 up to the tail.</summary>
    public required ClusterExtent[] Extents { get; init; }

    /// <summary>Blocks of data that the file occupies, as stat(2) reports them; kept from the source.</summary>
    public required long Blocks { get; init; }

    /// <summary>
    /// Whether the last of <see cref="Extents"/> is a cluster that lies among metadata, next to its inode, and is copied with it
    /// (ztailpacking).
    /// </summary>
    public bool HasInlineTail { get; init; }

    /// <summary>The packed file that holds the tail, or the whole file if there are no extents; null without fragment.</summary>
    public PackedFile? Packed { get; init; }

    /// <summary>The first byte of the tail within the packed file.</summary>
    public long FragmentOffset { get; init; }

    /// <summary>The first byte of the file that is in the packed file; the size without fragment.</summary>
    public long FragmentStart { get; init; }

    /// <summary>The same map over other extents: the same file bytes, stored elsewhere.</summary>
    public ClusterMap With(ClusterExtent[] extents, bool keepsInlineTail = true) => new()
    {
        Size = Size,
        BlockSize = BlockSize,
        Extents = extents,
        Blocks = Blocks,
        HasInlineTail = HasInlineTail && keepsInlineTail,
        Packed = Packed,
        FragmentOffset = FragmentOffset,
        FragmentStart = FragmentStart,
    };
}

/// <summary>
/// The file that holds the packed tails (fragments) of one source. One instance a source, so it can be told apart.
/// </summary>
internal abstract class PackedFile
{
    /// <summary>The source, as messages name it.</summary>
    public abstract string Name { get; }

    /// <summary>The packed file's data: <see cref="PlacedContent"/> or <see cref="EncodedContent"/>.</summary>
    public abstract Content Content { get; }

    /// <summary>Decodes a run of the packed file.</summary>
    public abstract void Read(long offset, Span<byte> destination);
}
