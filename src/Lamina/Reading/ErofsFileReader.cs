using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>
/// The data of a regular file, at any position. Safe for concurrent use: there is no current position. Nothing to dispose; valid
/// as long as the image is open.
/// </summary>
public sealed class ErofsFileReader
{
    private readonly ContentSource _source;

    internal ErofsFileReader(ContentSource source) => _source = source;

    /// <summary>The file's size in bytes.</summary>
    public long Length => _source.Length;

    /// <summary>
    /// Reads from a byte position: as many bytes as the destination takes, fewer only at the end of the file, 0 behind it.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The position is negative.</exception>
    /// <exception cref="CorruptImageException">The data does not decode, or lies past the end of the image.</exception>
    public int ReadAt(long offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return _source.Read(offset, destination);
    }

    /// <summary>
    /// Where the file has data: ranges in ascending order, none empty, none touching another. What is between them is a hole that
    /// reads as zeros. A tail kept in the packed file counts as data.
    /// </summary>
    /// <exception cref="CorruptImageException">Where the data lies contradicts the format.</exception>
    public IEnumerable<DataRange> EnumerateDataRanges() => _source.EnumerateDataRanges();
}
