using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>A run of an image: where it lies, and where its bytes come from.</summary>
/// <param name="Address">Its first byte in the image.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="Source">What has the bytes. It may compute them when it is first read.</param>
/// <param name="Offset">The run's first byte in the source.</param>
internal readonly record struct Segment(long Address, long Length, ByteSource Source, long Offset = 0) : IRun
{
    /// <summary>The byte behind it.</summary>
    public long End => Address + Length;

    /// <summary>
    /// The original that lies here whole, so that whoever can refer to its file need not copy it; null of everything else.
    /// </summary>
    public Original? Whole { get; init; }
}

/// <summary>
/// An image as a list of runs, known before a byte of it is written. Between the runs, and behind them up to the length, are
/// zeros. Files, devices, streams and disk descriptors are made from it.
/// </summary>
internal sealed class ImageLayout
{
    /// <summary>The image's bytes in all.</summary>
    public required long Length { get; init; }

    /// <summary>The runs behind the header, by address; they do not overlap.</summary>
    public required IReadOnlyList<Segment> Body { get; init; }

    /// <summary>
    /// What makes it an image: the run at address 0, which is written when all else is on the medium. Null where there is none,
    /// as in a copy of an original.
    /// </summary>
    public Segment? Header { get; init; }

    /// <summary>
    /// Bytes from the start that the output has already: the image that is appended to. Only the header is written over them.
    /// </summary>
    public long There { get; init; }

    /// <summary>The bytes that are to be written.</summary>
    public long WrittenLength =>
        Body.Sum(segment => segment.Address < There ? 0 : segment.Length) + (Header?.Length ?? 0);
}
