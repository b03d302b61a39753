namespace Lamina.Compression;

/// <summary>The header of a block with codes of its own: the lengths of both codes, run by run, in a third code.</summary>
internal sealed class DeflateHeader
{
    private const int Repeat = 16, ShortZeros = 17, LongZeros = 18, Symbols = 19;

    private readonly PrefixCode _code = new(Symbols, 7);
    private readonly int[] _frequencies = new int[Symbols];
    private readonly byte[] _lengths = new byte[DeflateSymbols.Literals + DeflateSymbols.Distances];
    private readonly ushort[] _runs = new ushort[DeflateSymbols.Literals + DeflateSymbols.Distances];
    private int _runCount;
    private int _literals;
    private int _distances;
    private int _stored;

    private static ReadOnlySpan<byte> Order => [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    /// <summary>Prepares the header for two codes.</summary>
    /// <returns>Its length in bits, with the three bits in front of each block.</returns>
    public int Build(ReadOnlySpan<byte> literals, ReadOnlySpan<byte> distances)
    {
        _literals = literals.TrimEnd((byte)0).Length;
        _distances = Math.Max(distances.TrimEnd((byte)0).Length, 1);
        literals[.._literals].CopyTo(_lengths);
        distances[.._distances].CopyTo(_lengths.AsSpan(_literals));
        FindRuns(_lengths.AsSpan(0, _literals + _distances));
        _code.Build(_frequencies);
        _stored = Symbols;
        while (_stored > 4 && _code.Lengths[Order[_stored - 1]] == 0)
            _stored--;
        int bits = 3 + 14 + 3 * _stored;
        for (int i = 0; i < Symbols; i++)
            bits += _frequencies[i] * (_code.Lengths[i] + BitsOf(i));
        return bits;
    }

    /// <summary>Writes what <see cref="Build"/> prepared.</summary>
    public void Write(ref DeflateBitWriter writer)
    {
        _code.AssignCodes();
        writer.Write(0b100, 3);
        writer.Write((uint)(_literals - 257 | (_distances - 1) << 5 | (_stored - 4) << 10), 14);
        foreach (byte symbol in Order[.._stored])
            writer.Write(_code.Lengths[symbol], 3);
        foreach (ushort run in _runs.AsSpan(0, _runCount))
        {
            int symbol = run & 31;
            int length = _code.Lengths[symbol];
            writer.Write(_code.Codes[symbol] | (ulong)(run >> 5) << length, length + BitsOf(symbol));
        }
    }

    private static int BitsOf(int symbol) => symbol switch
    {
        Repeat => 2,
        ShortZeros => 3,
        LongZeros => 7,
        _ => 0,
    };

    private void FindRuns(ReadOnlySpan<byte> lengths)
    {
        Array.Clear(_frequencies);
        _runCount = 0;
        for (int i = 0; i < lengths.Length;)
        {
            int value = lengths[i], count = 1;
            while (i + count < lengths.Length && lengths[i + count] == value)
                count++;
            i += count;
            if (value == 0)
            {
                for (; count >= 11; count -= Math.Min(count, 138))
                    Add(LongZeros, Math.Min(count, 138) - 11);
                if (count >= 3)
                {
                    Add(ShortZeros, count - 3);
                    count = 0;
                }
            }
            else if (count >= 4)
            {
                Add(value, 0);
                count--;
                for (; count >= 3; count -= Math.Min(count, 6))
                    Add(Repeat, Math.Min(count, 6) - 3);
            }
            for (; count > 0; count--)
                Add(value, 0);
        }
    }

    private void Add(int symbol, int extra)
    {
        _frequencies[symbol]++;
        _runs[_runCount++] = (ushort)(symbol | extra << 5);
    }
}
