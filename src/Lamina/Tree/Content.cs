namespace Lamina.Tree;

/// <summary>
/// The data of a regular file: where it is and in what form, never the data itself unless it is small. Whoever reads it opens it;
/// merging never looks inside; only a writer knows the forms that can be said to the kernel, and copies data of any other.
/// </summary>
public abstract class Content
{
    /// <summary>The file's size in bytes.</summary>
    public abstract long Size { get; }

    /// <summary>Opens the data for reading. The layer that the content comes from must stay open.</summary>
    /// <param name="name">What messages call it.</param>
    /// <remarks>Reads throw <see cref="CorruptImageException"/> where data cannot be decoded.</remarks>
    public abstract ContentSource Open(string name = "file");
}

/// <summary>Data in memory: a file made by a test or a tool, a tail read already.</summary>
public sealed class BytesContent(ReadOnlyMemory<byte> bytes) : Content
{
    /// <summary>The data.</summary>
    public ReadOnlyMemory<byte> Bytes { get; } = bytes;

    /// <inheritdoc/>
    public override long Size => Bytes.Length;

    /// <inheritdoc/>
    public override ContentSource Open(string name = "file") => new BytesSource(name, Bytes);
}

/// <summary>
/// Data that lies uncompressed in originals, and can be referred to where it is. Everything between extents is a hole.
/// </summary>
public sealed class PlacedContent : Content
{
    private readonly PlacedExtent _only;
    private readonly PlacedExtent[]? _several;

    /// <summary>Data in one piece.</summary>
    public PlacedContent(long size, PlacedExtent extent, int alignment)
    {
        Size = size;
        _only = extent;
        Alignment = alignment;
    }

    /// <summary>Data in pieces, sorted by logical offset and not overlapping; with none of them the file is one hole.</summary>
    public PlacedContent(long size, PlacedExtent[] extents, int alignment)
    {
        Size = size;
        _several = extents;
        Alignment = alignment;
    }

    /// <inheritdoc/>
    public override long Size { get; }

    /// <summary>
    /// In bytes, a power of two: every extent but an inline tail begins at a multiple of it, in the file and in the original.
    /// </summary>
    public int Alignment { get; }

    /// <summary>
    /// Whether the last extent is a tail that lies among metadata at any byte position, and is copied with the inode.
    /// </summary>
    public bool HasInlineTail { get; init; }

    /// <summary>The extents, by logical offset.</summary>
    public ReadOnlySpan<PlacedExtent> Extents => _several is null ? new ReadOnlySpan<PlacedExtent>(in _only) : _several;

    /// <inheritdoc/>
    public override ContentSource Open(string name = "file") => new PlacedSource(name, this);
}

/// <summary>A run of a file's bytes that lies in an original.</summary>
/// <param name="Logical">The first byte's position in the file.</param>
/// <param name="Original">The original that holds the run.</param>
/// <param name="Offset">The first byte's position in the original.</param>
/// <param name="Length">The count of bytes. Never past the end of the file.</param>
public readonly record struct PlacedExtent(long Logical, Original Original, long Offset, long Length) : IRun
{
    /// <summary>The position in the file behind the last byte.</summary>
    public long End => Logical + Length;
}

/// <summary>
/// Data whose compressed clusters lie in originals. The map is read on demand, as most files of a hidden layer never need it.
/// </summary>
internal abstract class EncodedContent : Content
{
    /// <summary>The block size the clusters were made with, in bytes; known without reading the map.</summary>
    public abstract int BlockSize { get; }

    /// <summary>Reads the map of the file's clusters.</summary>
    /// <exception cref="CorruptImageException">The cluster index contradicts itself.</exception>
    public abstract ClusterMap ReadMap();
}
