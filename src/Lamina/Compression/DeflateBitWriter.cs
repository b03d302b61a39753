using System.Buffers.Binary;

namespace Lamina.Compression;

/// <summary>Writes bits, the lowest first, and nothing behind the destination.</summary>
internal ref struct DeflateBitWriter(Span<byte> destination)
{
    private readonly Span<byte> _destination = destination;
    private ulong _bits;
    private int _count;
    private int _at;

    /// <summary>How many bits were written.</summary>
    public readonly long Position => 8L * _at + _count;

    /// <summary>Writes up to 48 bits.</summary>
    public void Write(ulong bits, int count)
    {
        _bits |= bits << _count;
        _count += count;
        if (_count < 16)
            return;
        if (_at + 8 <= _destination.Length)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(_destination[_at..], _bits);
            _at += _count >> 3;
            _bits >>= _count & ~7;
            _count &= 7;
            return;
        }
        for (; _count >= 8; _count -= 8)
        {
            _destination[_at++] = (byte)_bits;
            _bits >>= 8;
        }
    }

    /// <summary>Writes whole bytes, after bits that fill up a byte.</summary>
    public void WriteBytes(scoped ReadOnlySpan<byte> bytes)
    {
        Flush();
        bytes.CopyTo(_destination[_at..]);
        _at += bytes.Length;
    }

    /// <summary>Fills up the last byte.</summary>
    /// <returns>How many bytes were written.</returns>
    public int Flush()
    {
        for (; _count > 0; _count -= 8)
        {
            _destination[_at++] = (byte)_bits;
            _bits >>= 8;
        }
        _bits = 0;
        _count = 0;
        return _at;
    }
}
