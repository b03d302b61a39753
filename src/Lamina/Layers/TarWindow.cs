namespace Lamina.Layers;

/// <summary>
/// Reads an archive forward. Headers of small files lie close together and are had with one large read; where files are large the
/// data between headers is skipped, and little is read in vain.
/// </summary>
internal sealed class TarWindow(ByteSource source)
{
    /// <summary>What is read after a jump: a header with its pax records, and a few small files behind it.</summary>
    private const int Smallest = 16 * 1024;

    /// <summary>What is read at once when nothing was skipped: enough that the calls cost nothing.</summary>
    private const int Largest = 256 * 1024;

    private readonly byte[] _buffer = new byte[(int)Math.Min(Largest, source.Length)];
    private long _start;
    private int _count;
    private int _ahead = Smallest;

    /// <summary>The length of the archive.</summary>
    public long Length { get; } = source.Length;

    /// <summary>A view of bytes that the caller knows to lie within <see cref="Length"/>. Valid until the next call.</summary>
    public ReadOnlySpan<byte> Read(long offset, int length)
    {
        if (length > Largest)
        {
            byte[] all = new byte[length];
            source.ReadExactly(offset, all);
            return all;
        }
        if (offset < _start || offset + length > _start + _count)
            Fill(offset, length);
        return _buffer.AsSpan((int)(offset - _start), length);
    }

    private void Fill(long offset, int length)
    {
        long skipped = offset - (_start + _count);
        _ahead = skipped <= 0 || skipped < _ahead ? Math.Min(2 * _ahead, Largest) : Smallest;
        int wanted = (int)Math.Min(Math.Max(_ahead, length), Length - offset);
        _start = offset;
        _count = 0;
        source.ReadExactly(offset, _buffer.AsSpan(0, wanted));
        _count = wanted;
    }
}
