namespace Lamina.Archives;

/// <summary>
/// Compressed bytes, read forward. How much is in memory follows what is there, never what the bytes claim. Behind what is in
/// memory there are some zeros, for decoders that read in steps.
/// </summary>
internal sealed class PackedInput
{
    /// <summary>Zeros behind what <see cref="Peek"/> gives.</summary>
    public const int Padding = 32;

    /// <summary>Bytes that are read at once.</summary>
    private const int Step = 256 << 10;

    private readonly ByteSource _source;
    private readonly long _end;
    private byte[] _buffer;
    private long _next;
    private int _at, _count;

    /// <summary>Begins to read.</summary>
    /// <param name="source">What is read; it stays open.</param>
    /// <param name="offset">The first byte.</param>
    public PackedInput(ByteSource source, long offset)
    {
        _source = source;
        _next = offset;
        _end = source.Length;
        _buffer = GC.AllocateUninitializedArray<byte>((int)Math.Min(Step, Math.Max(_end - offset, 0)) + Padding);
        _buffer.AsSpan(0, Padding).Clear();
    }

    /// <summary>What messages call the input.</summary>
    public string Name => _source.Name;

    /// <summary>The byte that comes next.</summary>
    public long Position => _next - (_count - _at);

    /// <summary>Bytes that are still to come.</summary>
    public long Left => _end - Position;

    /// <summary>Whether all that is left is in memory.</summary>
    public bool IsLast => _next >= _end;

    /// <summary>What comes next, at least as many bytes as are wanted, if there are so many. Valid until the next call.</summary>
    public ReadOnlySpan<byte> Peek(int wanted)
    {
        if (_count - _at < wanted && _next < _end)
            Fill(wanted);
        return _buffer.AsSpan(_at, _count - _at);
    }

    /// <summary>Takes bytes that were seen.</summary>
    public void Skip(int count) => _at += count;

    /// <summary>Passes over bytes, seen or not.</summary>
    public void SkipFar(long count)
    {
        if (count > Left)
            throw CutOff();
        int seen = (int)Math.Min(count, _count - _at);
        _at += seen;
        if (count > seen)
            (_next, _at, _count) = (_next + count - seen, 0, 0);
    }

    /// <summary>Takes as many bytes as are wanted. Valid until the next call.</summary>
    /// <exception cref="CorruptImageException">There are fewer.</exception>
    public ReadOnlySpan<byte> Take(int count)
    {
        if (count > Left)
            throw CutOff();
        ReadOnlySpan<byte> bytes = Peek(count)[..count];
        Skip(count);
        return bytes;
    }

    /// <summary>Takes one byte.</summary>
    public byte TakeByte() => Take(1)[0];

    /// <summary>Says that the input ends too early.</summary>
    public CorruptImageException CutOff() => Corrupt($"is cut off: it ends at byte {_end} within compressed data");

    /// <summary>Says what is wrong here.</summary>
    public CorruptImageException Corrupt(string what, long? at = null) => new(Name, what, null, at ?? Position);

    private void Fill(int wanted)
    {
        int kept = _count - _at;
        int size = (int)Math.Min(Math.Max(wanted, Step), kept + (_end - _next));
        byte[] old = _buffer;
        if (size + Padding > _buffer.Length)
            _buffer = GC.AllocateUninitializedArray<byte>(size + Padding);
        old.AsSpan(_at, kept).CopyTo(_buffer);
        (_at, _count) = (0, kept);
        _source.ReadExactly(_next, _buffer.AsSpan(kept, size - kept));
        _next += size - kept;
        _count = size;
        _buffer.AsSpan(size, Padding).Clear();
    }
}
