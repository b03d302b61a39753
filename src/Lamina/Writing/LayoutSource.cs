using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>An image as its layout describes it, to be read before it is written anywhere, or without it ever being.</summary>
internal sealed class LayoutSource : ByteSource
{
    private readonly Segment[] _segments;

    /// <summary>Over a layout.</summary>
    public LayoutSource(string name, ImageLayout layout)
    {
        Name = name;
        Length = layout.Length;
        _segments = [.. layout.Header is { } header ? layout.Body.Prepend(header) : layout.Body];
    }

    public override string Name { get; }

    public override long Length { get; }

    /// <summary>Writes all of it in the order of addresses.</summary>
    /// <param name="destination">What takes it.</param>
    /// <param name="progress">Is told how many bytes were written; what it throws ends the work.</param>
    public void CopyTo(Stream destination, Action<long>? progress)
    {
        byte[] buffer = new byte[(int)Math.Min(Length, 1 << 20)];
        for (long at = 0; at < Length;)
        {
            int count = Read(at, buffer);
            destination.Write(buffer, 0, count);
            progress?.Invoke(count);
            at += count;
        }
    }

    public override int Read(long offset, Span<byte> destination)
    {
        if (offset < 0 || offset >= Length)
            return 0;
        destination = destination[..(int)Math.Min(destination.Length, Length - offset)];
        Read(_segments, offset, destination);
        return destination.Length;
    }

    /// <summary>Fills a destination with what segments have there, and with zeros between them.</summary>
    internal static void Read(ReadOnlySpan<Segment> segments, long offset, Span<byte> destination)
    {
        destination.Clear();
        for (int i = SortedRuns.FirstBehind(segments, offset);
            i < segments.Length && segments[i].Address < offset + destination.Length; i++)
        {
            Segment segment = segments[i];
            long start = Math.Max(offset, segment.Address), end = Math.Min(offset + destination.Length, segment.End);
            if (start < end)
                segment.Source.ReadExactly(segment.Offset + start - segment.Address,
                    destination[(int)(start - offset)..(int)(end - offset)]);
        }
    }
}
