namespace Lamina.Compression;

/// <summary>One block of tokens, with codes of its own or the fixed ones, whichever is shorter.</summary>
internal sealed class DeflateBlock
{
    private static readonly (PrefixCode Literals, PrefixCode Distances) Fixed = MakeFixed();

    private readonly PrefixCode _literals = new(DeflateSymbols.Literals, 15);
    private readonly PrefixCode _distances = new(DeflateSymbols.Distances, 15);
    private readonly DeflateHeader _header = new();
    private readonly int[] _literalCounts = new int[DeflateSymbols.Literals];
    private readonly int[] _distanceCounts = new int[DeflateSymbols.Distances];
    private bool _isFixed;

    /// <summary>Begins without tokens.</summary>
    public void Clear()
    {
        Array.Clear(_literalCounts);
        Array.Clear(_distanceCounts);
        _literalCounts[DeflateSymbols.EndOfBlock] = 1;
    }

    /// <summary>Counts tokens, or takes them out again.</summary>
    /// <param name="tokens">The tokens.</param>
    /// <param name="change">1 or -1.</param>
    public void Count(ReadOnlySpan<uint> tokens, int change)
    {
        foreach (uint token in tokens)
        {
            if ((token & DeflateSymbols.CopyFlag) == 0)
            {
                _literalCounts[(int)token] += change;
            }
            else
            {
                _literalCounts[DeflateSymbols.LengthSymbol(token)] += change;
                _distanceCounts[DeflateSymbols.DistanceSymbol(token)] += change;
            }
        }
    }

    /// <summary>Counts symbols: literals and lengths first, distances behind.</summary>
    public void Count(ReadOnlySpan<int> symbols)
    {
        for (int i = 0; i < DeflateSymbols.Literals; i++)
            _literalCounts[i] += symbols[i];
        for (int i = 0; i < DeflateSymbols.Distances; i++)
            _distanceCounts[i] += symbols[DeflateSymbols.Literals + i];
    }

    /// <summary>Chooses codes for what was counted.</summary>
    /// <returns>The block's length in bits, to the byte.</returns>
    public long Measure()
    {
        _literals.Build(_literalCounts);
        _distances.Build(_distanceCounts);
        long own = _header.Build(_literals.Lengths, _distances.Lengths), given = 3, added = 0;
        for (int i = 0; i < DeflateSymbols.Literals; i++)
        {
            own += (long)_literalCounts[i] * _literals.Lengths[i];
            given += (long)_literalCounts[i] * Fixed.Literals.Lengths[i];
            if (i > DeflateSymbols.EndOfBlock)
                added += (long)_literalCounts[i] * DeflateSymbols.LengthBits[i - 257];
        }
        for (int i = 0; i < DeflateSymbols.Distances; i++)
        {
            own += (long)_distanceCounts[i] * _distances.Lengths[i];
            given += (long)_distanceCounts[i] * Fixed.Distances.Lengths[i];
            added += (long)_distanceCounts[i] * DeflateSymbols.DistanceBits(i);
        }
        _isFixed = given <= own;
        return Math.Min(own, given) + added;
    }

    /// <summary>How many tokens more can be written with the codes as they are.</summary>
    /// <param name="tokens">What comes next.</param>
    /// <param name="room">Bits that are free.</param>
    public int Extend(ReadOnlySpan<uint> tokens, long room)
    {
        (PrefixCode literals, PrefixCode distances) = Codes;
        int count = 0;
        foreach (uint token in tokens)
        {
            int bits;
            if ((token & DeflateSymbols.CopyFlag) == 0)
            {
                bits = literals.Lengths[(int)token];
                if (bits == 0)
                    break;
            }
            else
            {
                int length = DeflateSymbols.LengthSymbol(token), distance = DeflateSymbols.DistanceSymbol(token);
                if (literals.Lengths[length] == 0 || distances.Lengths[distance] == 0)
                    break;
                bits = literals.Lengths[length] + DeflateSymbols.LengthBits[length - 257]
                    + distances.Lengths[distance] + DeflateSymbols.DistanceBits(distance);
            }
            if (bits > room)
                break;
            room -= bits;
            count++;
        }
        return count;
    }

    /// <summary>Writes tokens as a block, not marked as the last.</summary>
    public void Write(ref DeflateBitWriter writer, ReadOnlySpan<uint> tokens)
    {
        if (_isFixed)
        {
            writer.Write(0b010, 3);
        }
        else
        {
            _header.Write(ref writer);
            _literals.AssignCodes();
            _distances.AssignCodes();
        }
        (PrefixCode literals, PrefixCode distances) = Codes;
        byte[] literalBits = literals.Lengths, distanceBits = distances.Lengths;
        ushort[] literalCodes = literals.Codes, distanceCodes = distances.Codes;
        foreach (uint token in tokens)
        {
            if ((token & DeflateSymbols.CopyFlag) == 0)
            {
                writer.Write(literalCodes[(int)token], literalBits[(int)token]);
                continue;
            }
            int symbol = DeflateSymbols.LengthSymbol(token), count = literalBits[symbol];
            ulong bits = literalCodes[symbol];
            int added = DeflateSymbols.LengthBits[symbol - 257];
            // Both bases are multiples of what their added bits count to, so that these are the low bits of the number.
            bits |= (ulong)((token >> 16) & 0xFF & ((1u << added) - 1)) << count;
            count += added;
            symbol = DeflateSymbols.DistanceSymbol(token);
            bits |= (ulong)distanceCodes[symbol] << count;
            count += distanceBits[symbol];
            added = DeflateSymbols.DistanceBits(symbol);
            bits |= (ulong)(token & 0x7FFF & ((1u << added) - 1)) << count;
            writer.Write(bits, count + added);
        }
        writer.Write(literalCodes[DeflateSymbols.EndOfBlock], literalBits[DeflateSymbols.EndOfBlock]);
    }

    private (PrefixCode Literals, PrefixCode Distances) Codes => _isFixed ? Fixed : (_literals, _distances);

    private static (PrefixCode Literals, PrefixCode Distances) MakeFixed()
    {
        // Two lengths and two distances more than may occur belong to the codes.
        PrefixCode literals = new(DeflateSymbols.Literals + 2, 15), distances = new(DeflateSymbols.Distances + 2, 15);
        for (int i = 0; i < literals.Lengths.Length; i++)
            literals.Lengths[i] = (byte)(i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8);
        distances.Lengths.AsSpan().Fill(5);
        literals.AssignCodes();
        distances.AssignCodes();
        return (literals, distances);
    }
}
