namespace Lamina.Compression;

/// <summary>
/// A canonical Huffman code of DEFLATE as one table: codes longer than its index lead on to a second table behind it. An entry
/// says all there is to know of a symbol, so that one look-up does for nearly all.
/// </summary>
/// <remarks>
/// The low byte of an entry is the count of bits to take, the next byte the count of extra bits or a kind, the upper half a
/// value: the literal, or the base of a length or distance. 0 is no code.
/// </remarks>
internal sealed class StreamCode(int fastBits, int maxSymbols)
{
    public const int MaxBits = 15;

    /// <summary>Kinds, in the second byte: all else there is a length or distance, with that many extra bits.</summary>
    public const uint Literal = 0x80 << 8, EndOfBlock = 0x40 << 8, Further = 0x20 << 8;

    /// <summary>Which bits of an entry are the kind.</summary>
    public const uint KindMask = Literal | EndOfBlock | Further;

    private readonly uint[] _table = new uint[(1 << fastBits) + (maxSymbols << (MaxBits - fastBits))];
    private readonly int[] _next = new int[MaxBits + 1];

    /// <summary>The entries; the first ones by the next bits of input.</summary>
    public uint[] Table => _table;

    /// <summary>Builds the table from the length of each symbol's code. False if there are too many codes or too few.</summary>
    /// <param name="lengths">The lengths, 0 for a symbol that is not used.</param>
    /// <param name="symbols">Each symbol's entry, without the bits of its code.</param>
    /// <param name="mayBeIncomplete">Whether one code of one bit, or none at all, may be all there is.</param>
    public bool TryBuild(ReadOnlySpan<byte> lengths, ReadOnlySpan<uint> symbols, bool mayBeIncomplete)
    {
        Span<int> counts = stackalloc int[MaxBits + 1];
        counts.Clear();
        foreach (byte length in lengths)
            counts[length]++;
        counts[0] = 0;
        int free = 1, code = 0, used = 0;
        for (int bits = 1; bits <= MaxBits; bits++)
        {
            code = (code + counts[bits - 1]) << 1;
            _next[bits] = code;
            free = (free << 1) - counts[bits];
            used += counts[bits];
            if (free < 0)
                return false;
        }
        if (free > 0 && !(mayBeIncomplete && used == counts[1]))
            return false;
        Fill(lengths, symbols);
        return true;
    }

    private void Fill(ReadOnlySpan<byte> lengths, ReadOnlySpan<uint> symbols)
    {
        int size = 1 << fastBits, furtherBits = MaxBits - fastBits, end = size;
        Array.Clear(_table, 0, size);
        for (int symbol = 0; symbol < lengths.Length; symbol++)
        {
            int bits = lengths[symbol];
            if (bits == 0)
                continue;
            int reversed = Reverse(_next[bits]++, bits);
            if (bits <= fastBits)
            {
                for (int at = reversed; at < size; at += 1 << bits)
                    _table[at] = symbols[symbol] | (uint)bits;
                continue;
            }
            ref uint first = ref _table[reversed & (size - 1)];
            if (first == 0)
            {
                first = ((uint)end << 16) | Further | (uint)fastBits;
                Array.Clear(_table, end, 1 << furtherBits);
                end += 1 << furtherBits;
            }
            int start = (int)(first >> 16), step = 1 << (bits - fastBits);
            for (int at = reversed >> fastBits; at < 1 << furtherBits; at += step)
                _table[start + at] = symbols[symbol] | (uint)(bits - fastBits);
        }
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
