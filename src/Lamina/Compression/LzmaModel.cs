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
    private LzmaProperties _properties;
    private uint _state, _distance0, _distance1, _distance2, _distance3; // the last distances used, less 1

    public LzmaModel() =>
        _others = [_isCopy, _isRepeat, _isNotFirst, _isNotSecond, _isNotThird, _isLongRepeat, _slots, _special, _align];

    /// <summary>How far a run went.</summary>
    public enum Outcome
    {
        /// <summary>Up to the limit of the output or the input.</summary>
        Stopped,

        /// <summary>Up to an end marker.</summary>
        Marked,

        /// <summary>The bytes are bad.</summary>
        Failed,
    }

    /// <summary>Decodes a whole stream into a buffer that holds all of it.</summary>
    public bool Decode(LzmaProperties properties, RangeReader reader, Span<byte> output, bool isPartial)
    {
        Reset(properties);
        int to = 0;
        return Run(ref reader, output, ref to, output.Length, int.MaxValue, int.MaxValue, isPartial) == Outcome.Stopped
            && (isPartial || reader.IsFinished());
    }

    /// <summary>Begins anew: nothing is known of what comes.</summary>
    public void Reset(LzmaProperties properties)
    {
        _properties = properties;
        _state = _distance0 = _distance1 = _distance2 = _distance3 = 0;
        int literals = LiteralSize << (properties.LiteralContext + properties.LiteralPosition);
        _literals.AsSpan(0, literals).Fill(RangeReader.Even);
        foreach (ushort[] probabilities in _others)
            probabilities.AsSpan().Fill(RangeReader.Even);
        _copyLengths.Reset();
        _repeatLengths.Reset();
    }

    /// <summary>Goes on in a stream.</summary>
    /// <param name="reader">What is read.</param>
    /// <param name="output">What was decoded before, and room. It may have been moved by a multiple of 16.</param>
    /// <param name="to">Where output goes on.</param>
    /// <param name="limit">Where in the output to stop, at the end of a symbol.</param>
    /// <param name="lastInput">Behind which byte of the input to stop.</param>
    /// <param name="reach">How far back copies may go.</param>
    /// <param name="isPartial">Whether a copy may reach past the output's end, and is cut off there.</param>
    public Outcome Run(
        ref RangeReader reader, Span<byte> output, ref int to, int limit, int lastInput, int reach, bool isPartial)
    {
        uint positionMask = (1u << _properties.Position) - 1;
        while (to < limit && reader.Position <= lastInput)
        {
            uint position = (uint)to & positionMask;
            if (reader.ReadBit(ref _isCopy[(_state * MaxPositions) + position]) == 0)
            {
                Span<ushort> literal = LiteralAt(_properties, output, to);
                uint value = _state < FirstStateAfterCopy
                    ? reader.ReadTree(literal, 8)
                    : ReadMatchedLiteral(ref reader, literal, output[to - (int)_distance0 - 1]);
                if (reader.IsOverrun)
                    return Outcome.Failed;
                output[to++] = (byte)value;
                _state = _state < 4 ? 0 : _state < 10 ? _state - 3 : _state - 6;
                continue;
            }

            uint length = ReadCopy(ref reader, position);
            if (reader.IsOverrun || _distance0 >= (uint)Math.Min(to, reach))
                return _distance0 == uint.MaxValue && !reader.IsOverrun ? Outcome.Marked : Outcome.Failed;
            if (length > (uint)(output.Length - to))
            {
                if (!isPartial)
                    return Outcome.Failed;
                length = (uint)(output.Length - to);
            }
            BackReference.Copy(output, to, (int)_distance0 + 1, (int)length);
            to += (int)length;
        }
        return Outcome.Stopped;
    }

    /// <summary>Reads how long a copy is; how far back it goes is the first distance then.</summary>
    private uint ReadCopy(ref RangeReader reader, uint position)
    {
        uint length;
        if (reader.ReadBit(ref _isRepeat[_state]) == 0)
        {
            (_distance3, _distance2, _distance1) = (_distance2, _distance1, _distance0);
            length = _copyLengths.Read(ref reader, position);
            _distance0 = ReadDistance(ref reader, length);
            _state = _state < FirstStateAfterCopy ? 7u : 10;
            return length;
        }
        bool isSingle = false;
        if (reader.ReadBit(ref _isNotFirst[_state]) == 0)
            isSingle = reader.ReadBit(ref _isLongRepeat[(_state * MaxPositions) + position]) == 0;
        else if (reader.ReadBit(ref _isNotSecond[_state]) == 0)
            (_distance0, _distance1) = (_distance1, _distance0);
        else if (reader.ReadBit(ref _isNotThird[_state]) == 0)
            (_distance0, _distance1, _distance2) = (_distance2, _distance0, _distance1);
        else
            (_distance0, _distance1, _distance2, _distance3) = (_distance3, _distance0, _distance1, _distance2);
        length = isSingle ? 1 : _repeatLengths.Read(ref reader, position);
        _state = _state < FirstStateAfterCopy ? (isSingle ? 9u : 8) : 11;
        return length;
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
