using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Lamina.Compression;

/// <summary>
/// Reads bits, lowest first, as DEFLATE has them. Past the end there are zeros, and <see cref="IsOverrun"/> tells: checked
/// once for several reads, which is cheaper than each on its own.
/// </summary>
internal ref struct BitReader(ReadOnlySpan<byte> input)
{
    /// <summary>
    /// At least this many bits can be read after a refill, which is what a copy takes at most: 15 + 5 + 15 + 13.
    /// </summary>
    private const int MinBits = 48;

    /// <summary>Whole bytes are added up to this.</summary>
    private const int RefillBits = 56;

    private readonly ReadOnlySpan<byte> _input = input;
    private int _at;
    private int _count;

    /// <summary>The next bits, lowest first.</summary>
    public ulong Bits { readonly get; private set; }

    /// <summary>Whether more bits were read than there are.</summary>
    public readonly bool IsOverrun => _count < 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Refill()
    {
        if (_count >= MinBits)
            return;
        if (_input.Length - _at >= sizeof(ulong) && _count >= 0)
        {
            // Bits above the count are read again by the next refill: they are the same, so that or-ing them twice does no harm.
            Bits |= BinaryPrimitives.ReadUInt64LittleEndian(_input[_at..]) << _count;
            _at += (63 - _count) >> 3;
            _count |= RefillBits;
        }
        else
        {
            RefillAtEnd();
        }
    }

    /// <summary>Takes bits; no more than were refilled.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Skip(int count)
    {
        Bits >>= count;
        _count -= count;
    }

    /// <summary>Takes a number of at most 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Read(int count)
    {
        int value = (int)(Bits & ((1UL << count) - 1));
        Skip(count);
        return value;
    }

    /// <summary>Drops what is left of a byte, and takes whole bytes. False if there are fewer.</summary>
    public bool TryReadBytes(int count, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (_count < 0)
            return false;
        int start = _at - (_count >> 3);
        if (count > _input.Length - start)
            return false;
        bytes = _input.Slice(start, count);
        _at = start + count;
        _count = 0;
        Bits = 0;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] // a call would keep the reader out of registers
    private void RefillAtEnd()
    {
        while (_count is >= 0 and <= RefillBits && _at < _input.Length)
        {
            Bits |= (ulong)_input[_at++] << _count;
            _count += 8;
        }
    }
}
