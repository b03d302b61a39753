namespace Lamina.Compression;

/// <summary>Decodes LZMA streams, one at a time; the memory for probabilities is kept from one to the next.</summary>
internal sealed class LzmaModel
{
    private const int States = 12;
    private const int FirstStateAfterCopy = 7;
    private const int MaxPositions = 1 << LzmaProperties.MaxPosition;
    private const int MinCopy = 2;

    // A literal's probabilities: a tree of 8 bits for each context, and two more for after a copy, by the bit of the byte that
    // the copy would have gone on with.
    private const int LiteralSize = 0x300;
    private const int MatchedOffset = 0x100;

    // Distances: a slot says the highest two bits and how many follow. Below slot 14 all of those have probabilities, from
    // there on the lowest four.
    private const int LengthClasses = 4;
    private const int SlotBits = 6;
    private const int FirstModelSlot = 4;
    private const int EndModelSlot = 14;
    private const int AlignBits = 4;
    private const int MaxSpecialSlotBits = 5;

    private readonly ushort[] _literals = new ushort[LiteralSize << LzmaProperties.MaxLiteralBits];
    private readonly ushort[] _isCopy = new ushort[States * MaxPositions];
    private readonly ushort[] _isRepeat = new ushort[States];
    private readonly ushort[] _isNotFirst = new ushort[States];
    private readonly ushort[] _isNotSecond = new ushort[States];
    private readonly ushort[] _isNotThird = new ushort[States];
    private readonly ushort[] _isLongRepeat = new ushort[States * MaxPositions];
    private readonly ushort[] _slots = new ushort[LengthClasses << SlotBits];
    private readonly ushort[] _special = new ushort[(EndModelSlot - FirstModelSlot) << MaxSpecialSlotBits];
    private readonly ushort[] _align = new ushort[1 << AlignBits];
    private readonly LzmaLengths _copyLengths = new();
    private readonly LzmaLengths _repeatLengths = new();
    private readonly ushort[][] _others;

    public LzmaModel() =>
        _others = [_isCopy, _isRepeat, _isNotFirst, _isNotSecond, _isNotThird, _isLongRepeat, _slots, _special, _align];

    public bool Decode(LzmaProperties properties, RangeReader reader, Span<byte> output, bool isPartial)
    {
        Reset(properties);
        uint positionMask = (1u << properties.Position) - 1;
        uint state = 0;
        uint distance0 = 0, distance1 = 0, distance2 = 0, distance3 = 0; // the last distances used, less 1
        int to = 0;
        while (to < output.Length)
        {
            uint position = (uint)to & positionMask;
            if (reader.ReadBit(ref _isCopy[(state * MaxPositions) + position]) == 0)
            {
                Span<ushort> literal = LiteralAt(properties, output, to);
                uint value = state < FirstStateAfterCopy
                    ? reader.ReadTree(literal, 8)
                    : ReadMatchedLiteral(ref reader, literal, output[to - (int)distance0 - 1]);
                if (reader.IsOverrun)
                    return false;
                output[to++] = (byte)value;
                state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
                continue;
            }

            uint length;
            if (reader.ReadBit(ref _isRepeat[state]) == 0)
            {
                (distance3, distance2, distance1) = (distance2, distance1, distance0);
                length = _copyLengths.Read(ref reader, position);
                distance0 = ReadDistance(ref reader, length);
                state = state < FirstStateAfterCopy ? 7u : 10;
            }
            else
            {
                bool isSingle = false;
                if (reader.ReadBit(ref _isNotFirst[state]) == 0)
                    isSingle = reader.ReadBit(ref _isLongRepeat[(state * MaxPositions) + position]) == 0;
                else if (reader.ReadBit(ref _isNotSecond[state]) == 0)
                    (distance0, distance1) = (distance1, distance0);
                else if (reader.ReadBit(ref _isNotThird[state]) == 0)
                    (distance0, distance1, distance2) = (distance2, distance0, distance1);
                else
                    (distance0, distance1, distance2, distance3) = (distance3, distance0, distance1, distance2);
                length = isSingle ? 1 : _repeatLengths.Read(ref reader, position);
                state = state < FirstStateAfterCopy ? (isSingle ? 9u : 8) : 11;
            }

            // An end marker is a distance of 2^32: MicroLZMA has none, and here it is just too far.
            if (reader.IsOverrun || distance0 >= (uint)to)
                return false;
            if (length > (uint)(output.Length - to))
            {
                if (!isPartial)
                    return false;
                length = (uint)(output.Length - to);
            }
            BackReference.Copy(output, to, (int)distance0 + 1, (int)length);
            to += (int)length;
        }
        return isPartial || reader.IsFinished();
    }

    private void Reset(LzmaProperties properties)
    {
        int literals = LiteralSize << (properties.LiteralContext + properties.LiteralPosition);
        _literals.AsSpan(0, literals).Fill(RangeReader.Even);
        foreach (ushort[] probabilities in _others)
            probabilities.AsSpan().Fill(RangeReader.Even);
        _copyLengths.Reset();
        _repeatLengths.Reset();
    }

    private Span<ushort> LiteralAt(LzmaProperties properties, ReadOnlySpan<byte> output, int to)
    {
        int before = to > 0 ? output[to - 1] : 0;
        int low = to & ((1 << properties.LiteralPosition) - 1);
        int context = (low << properties.LiteralContext) + (before >> (8 - properties.LiteralContext));
        return _literals.AsSpan(context * LiteralSize, LiteralSize);
    }

    /// <summary>
    /// After a copy the byte it would have gone on with is a hint, most likely of what the literal is not. Its bits choose
    /// among the probabilities, until the first that differs.
    /// </summary>
    private static uint ReadMatchedLiteral(ref RangeReader reader, Span<ushort> literal, uint hint)
    {
        uint node = 1;
        uint offset = MatchedOffset;
        while (node < 0x100)
        {
            hint <<= 1;
            uint hinted = hint & offset;
            uint bit = reader.ReadBit(ref literal[(int)(offset + hinted + node)]);
            node = (node << 1) | bit;
            offset &= bit != 0 ? hinted : ~hinted;
        }
        return node & 0xFF;
    }

    /// <summary>
    /// Reads how far back a copy is, less 1. Short copies tend to be near, so that the length chooses the probabilities.
    /// </summary>
    private uint ReadDistance(ref RangeReader reader, uint length)
    {
        int lengthClass = (int)Math.Min(length - MinCopy, LengthClasses - 1);
        int slot = (int)reader.ReadTree(_slots.AsSpan(lengthClass << SlotBits, 1 << SlotBits), SlotBits);
        if (slot < FirstModelSlot)
            return (uint)slot;
        int bits = (slot >> 1) - 1;
        uint high = (2 | ((uint)slot & 1)) << bits;
        if (slot < EndModelSlot)
            return high + reader.ReadReverseTree(_special.AsSpan((slot - FirstModelSlot) << MaxSpecialSlotBits), bits);
        high += reader.ReadDirect(bits - AlignBits) << AlignBits;
        return high + reader.ReadReverseTree(_align, AlignBits);
    }
}
