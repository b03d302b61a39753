using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Lamina.Compression;

/// <summary>Reads bits, highest first. Past the end there are zeros, and <see cref="IsOverrun"/> tells.</summary>
internal ref struct HighBitReader(ReadOnlySpan<byte> input)
{
    private readonly ReadOnlySpan<byte> _input = input;
    private ulong _bits;
    private int _at, _count;

    /// <summary>Whether more was read than there is.</summary>
    public readonly bool IsOverrun => Position > 8L * _input.Length;

    /// <summary>Bits that were read.</summary>
    public readonly long Position => (8L * _at) - _count;

    /// <summary>Takes a number of at most 24 bits.</summary>
    public uint Take(int count)
    {
        uint value = Peek(count);
        Skip(count);
        return value;
    }

    /// <summary>The next bits, at most 24.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Peek(int count)
    {
        if (_count < 24)
            Refill();
        return (uint)(_bits >> 1 >> (63 - count));
    }

    /// <summary>Passes over bits that were seen.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Skip(int count)
    {
        _bits <<= count;
        _count -= count;
    }

    private void Refill()
    {
        if (_input.Length - _at >= sizeof(ulong))
        {
            _bits |= BinaryPrimitives.ReadUInt64BigEndian(_input[_at..]) >> _count;
            _at += (63 - _count) >> 3;
            _count |= 56;
            return;
        }
        for (; _count <= 56; _count += 8, _at++)
            _bits |= (_at < _input.Length ? (ulong)_input[_at] : 0) << (56 - _count);
    }
}
