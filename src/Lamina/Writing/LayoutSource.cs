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
        destination.Clear();
        for (int i = IndexOf(offset); i < _segments.Length && _segments[i].Address < offset + destination.Length; i++)
        {
            Segment segment = _segments[i];
            long start = Math.Max(offset, segment.Address), end = Math.Min(offset + destination.Length, segment.End);
            if (start < end)
                segment.Source.ReadExactly(segment.Offset + start - segment.Address,
                    destination[(int)(start - offset)..(int)(end - offset)]);
        }
        return destination.Length;
    }

    /// <summary>The first segment that ends behind an address.</summary>
    private int IndexOf(long address)
    {
        int low = 0, high = _segments.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_segments[middle].End <= address)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
}
