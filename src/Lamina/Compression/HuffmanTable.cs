using System.Runtime.CompilerServices;

namespace Lamina.Compression;

/// <summary>
/// A canonical Huffman code of DEFLATE. Codes up to <see cref="FastBits"/> long, nearly all, are looked up at once; longer
/// ones are followed bit by bit, which keeps the table small enough to build for each block.
/// </summary>
internal sealed class HuffmanTable
{
    public const int MaxBits = 15;
    private const int FastBits = 10;
    private const int FastMask = (1 << FastBits) - 1;

    /// <summary>How many low bits of an entry hold the code's length; the symbol is above them.</summary>
    private const int LengthBits = 4;

    /// <summary>Entries by the next bits of input; 0 where the code is longer, or there is none.</summary>
    private readonly ushort[] _fast = new ushort[1 << FastBits];
    private readonly ushort[] _counts = new ushort[MaxBits + 1];
    private readonly ushort[] _sorted;

    public HuffmanTable(int maxSymbols) => _sorted = new ushort[maxSymbols];

    /// <summary>
    /// Builds the code from the length of each symbol's code. False if there are too many codes, or too few: a code must be
    /// complete, with the exception that one symbol of one bit, or none at all, may be all there is.
    /// </summary>
    public bool TryBuild(ReadOnlySpan<byte> lengths, bool mayBeIncomplete)
    {
        Array.Clear(_counts);
        Array.Clear(_fast);
        foreach (byte length in lengths)
            _counts[length]++;
        _counts[0] = 0;

        Span<ushort> next = stackalloc ushort[MaxBits + 1]; // where the next symbol of each length goes
        Span<ushort> codes = stackalloc ushort[MaxBits + 1]; // and its code
        int free = 1;
        int used = 0;
        for (int bits = 1; bits <= MaxBits; bits++)
        {
            next[bits] = (ushort)used;
            codes[bits] = (ushort)((codes[bits - 1] + _counts[bits - 1]) << 1);
            used += _counts[bits];
            free = (free << 1) - _counts[bits];
            if (free < 0)
                return false;
        }
        if (free > 0 && !(mayBeIncomplete && used == _counts[1]))
            return false;

        for (int symbol = 0; symbol < lengths.Length; symbol++)
        {
            int bits = lengths[symbol];
            if (bits == 0)
                continue;
            _sorted[next[bits]++] = (ushort)symbol;
            int code = codes[bits]++;
            if (bits <= FastBits)
                FillFast(Reverse(code, bits), bits, (ushort)((symbol << LengthBits) | bits));
        }
        return true;
    }

    /// <summary>Reads one symbol; negative if the bits are no code. The caller has refilled the reader.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Read(ref BitReader reader)
    {
        int entry = _fast[(int)reader.Bits & FastMask];
        if (entry == 0)
            entry = FindLong(reader.Bits);
        reader.Skip(entry & MaxBits);
        return entry >> LengthBits;
    }

    /// <summary>
    /// An entry as the table would have it, or -1, which reads as a negative symbol. It is not given the reader, as that
    /// could not live in registers then.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int FindLong(ulong bits)
    {
        int code = 0;
        int first = 0;
        int index = 0;
        for (int length = 1; length <= MaxBits; length++, bits >>= 1)
        {
            code |= (int)(bits & 1);
            int count = _counts[length];
            if (code - first < count)
                return (_sorted[index + code - first] << LengthBits) | length;
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        return -1;
    }

    private void FillFast(int start, int bits, ushort entry)
    {
        for (int at = start; at < _fast.Length; at += 1 << bits)
            _fast[at] = entry;
    }

    /// <summary>Huffman codes come first bit first, while the reader's next bit is its lowest.</summary>
    private static int Reverse(int code, int bits)
    {
        int reversed = 0;
        for (int i = 0; i < bits; i++, code >>= 1)
            reversed = (reversed << 1) | (code & 1);
        return reversed;
    }
}
