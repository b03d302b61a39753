namespace Lamina.Compression;

/// <summary>A canonical Huffman code of bzip2: up to 20 bits, highest first.</summary>
internal sealed class Bzip2Code
{
    public const int MaxBits = 20;

    private const int MaxSymbols = 258, FastBits = 10;

    private readonly ushort[] _fast = new ushort[1 << FastBits];        // symbol and length, 0 where a code is longer
    private readonly ushort[] _sorted = new ushort[MaxSymbols];
    private readonly int[] _end = new int[MaxBits + 1], _first = new int[MaxBits + 1];

    /// <summary>Builds the code; false if there are too many codes. Some may be missing, as in bzip2.</summary>
    public bool TryBuild(ReadOnlySpan<byte> lengths)
    {
        Array.Clear(_fast);
        int code = 0, count = 0;
        for (int bits = 1; bits <= MaxBits; bits++)
        {
            code <<= 1;
            _first[bits] = count - code;
            for (int symbol = 0; symbol < lengths.Length; symbol++)
            {
                if (lengths[symbol] != bits)
                    continue;
                _sorted[count++] = (ushort)symbol;
                if (bits <= FastBits && code < 1 << bits)
                    _fast.AsSpan(code << (FastBits - bits), 1 << (FastBits - bits)).Fill((ushort)((symbol << 5) | bits));
                code++;
            }
            _end[bits] = code;
            if (code > 1 << bits)
                return false;
        }
        return true;
    }

    /// <summary>Reads a symbol; -1 if the bits are no code.</summary>
    public int Read(ref HighBitReader reader)
    {
        int bits = (int)reader.Peek(MaxBits);
        int entry = _fast[bits >> (MaxBits - FastBits)];
        if (entry != 0)
        {
            reader.Skip(entry & 0x1F);
            return entry >> 5;
        }
        for (int length = FastBits + 1; length <= MaxBits; length++)
        {
            int code = bits >> (MaxBits - length);
            if (code >= _end[length])
                continue;
            reader.Skip(length);
            int at = _first[length] + code;
            return at >= 0 && at < MaxSymbols ? _sorted[at] : -1;
        }
        return -1;
    }
}
