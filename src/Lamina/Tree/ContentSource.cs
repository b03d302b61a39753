namespace Lamina.Tree;

/// <summary>
/// The data of a file, opened: bytes at any position, holes as zeros, read by several threads at once. Valid as long as the
/// layer is open that the content comes from; there is nothing to dispose.
/// </summary>
/// <param name="name">What messages call it.</param>
/// <param name="length">The file's size in bytes.</param>
public abstract class ContentSource(string name, long length) : ByteSource
{
    /// <inheritdoc/>
    public sealed override string Name => name;

    /// <inheritdoc/>
    public sealed override long Length => length;

    /// <inheritdoc/>
    public sealed override int Read(long offset, Span<byte> destination)
    {
        if (offset < 0 || offset >= length)
            return 0;
        destination = destination[..(int)Math.Min(destination.Length, length - offset)];
        ReadWithin(offset, destination);
        return destination.Length;
    }

    /// <summary>
    /// Where the file has data: ranges in ascending order, none empty, none touching another. What is between them is a hole that
    /// reads as zeros. A tail kept in the packed file counts as data.
    /// </summary>
    /// <exception cref="CorruptImageException">Where the data lies contradicts the format.</exception>
    public IEnumerable<DataRange> EnumerateDataRanges()
    {
        DataRange last = default;
        foreach (DataRange part in EnumerateParts())
        {
            if (last.End == part.Offset && last.Length > 0)
            {
                last = last with { Length = last.Length + part.Length };
                continue;
            }
            if (last.Length > 0)
                yield return last;
            last = part;
        }
        if (last.Length > 0)
            yield return last;
    }

    /// <summary>Runs of data in ascending order; they may touch, or be empty.</summary>
    protected abstract IEnumerable<DataRange> EnumerateParts();

    /// <summary>Fills a destination that lies within the file.</summary>
    protected abstract void ReadWithin(long offset, Span<byte> destination);

    /// <summary>
    /// What is decoded in one go around a position within the data: who reads whole units decodes nothing twice. A single byte
    /// where nothing is encoded.
    /// </summary>
    internal virtual DataRange UnitAt(long offset) => new(offset, 1);

    /// <summary>Finds out now where the data lies, which otherwise the first read does.</summary>
    /// <exception cref="CorruptImageException">Where the data lies contradicts the format.</exception>
    internal virtual void Prepare()
    {
    }
}

/// <summary>A run of a file's bytes.</summary>
/// <param name="Offset">The first byte's position in the file.</param>
/// <param name="Length">The count of bytes.</param>
public readonly record struct DataRange(long Offset, long Length) : IRun
{
    /// <summary>The position behind the last byte.</summary>
    public long End => Offset + Length;
}
