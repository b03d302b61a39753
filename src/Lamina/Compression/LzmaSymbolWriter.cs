namespace Lamina.Compression;

/// <summary>Writes literals and copies, and keeps what the next of them depends on.</summary>
internal sealed unsafe class LzmaSymbolWriter(LzmaChances chances, LzmaRangeWriter range, LzmaPrices prices)
{
    private int _state;
    private uint _distance0, _distance1, _distance2, _distance3; // the last distances used, less 1

    public int State => _state;

    public void Reset()
    {
        _state = 0;
        (_distance0, _distance1, _distance2, _distance3) = (0, 0, 0, 0);
    }

    /// <summary>Says the last distances used, less 1.</summary>
    public void Distances(uint* to) => (to[0], to[1], to[2], to[3]) = (_distance0, _distance1, _distance2, _distance3);

    /// <summary>Writes what is at a position: a literal or a copy.</summary>
    public void Write(byte* source, int at, int length, uint back)
    {
        uint position = (uint)at & (LzmaChances.Positions - 1);
        bool isCopy = back != LzmaStep.Literal;
        range.WriteBit(chances.IsCopy + (_state * LzmaChances.Positions) + position, isCopy ? 1u : 0);
        if (!isCopy)
            WriteLiteral(source, at);
        else if (back < LzmaStep.FirstDistance)
            WriteRepeat(length, back, position);
        else
            WriteCopy(length, back - LzmaStep.FirstDistance, position);
    }

    private void WriteLiteral(byte* source, int at)
    {
        ushort* literals = chances.LiteralsAfter(at > 0 ? source[at - 1] : 0u);
        if (_state < LzmaChances.FirstStateAfterCopy)
        {
            range.WriteTree(literals, 8, source[at]);
        }
        else
        {
            uint hint = source[at - (int)_distance0 - 1];
            uint offset = 0x100, node = 1, value = source[at];
            for (int i = 7; i >= 0; i--)
            {
                hint <<= 1;
                uint hinted = hint & offset, bit = (value >> i) & 1;
                range.WriteBit(literals + offset + hinted + node, bit);
                node = (node << 1) | bit;
                offset &= bit != 0 ? hinted : ~hinted;
            }
        }
        _state = LzmaChances.AfterLiteral(_state);
    }

    private void WriteRepeat(int length, uint index, uint position)
    {
        bool isAfterCopy = _state >= LzmaChances.FirstStateAfterCopy;
        range.WriteBit(chances.IsRepeat + _state, 1);
        range.WriteBit(chances.IsNotFirst + _state, index == 0 ? 0u : 1);
        if (index == 0)
        {
            range.WriteBit(chances.IsLongRepeat + (_state * LzmaChances.Positions) + position, length == 1 ? 0u : 1);
        }
        else
        {
            range.WriteBit(chances.IsNotSecond + _state, index == 1 ? 0u : 1);
            if (index == 1)
            {
                (_distance0, _distance1) = (_distance1, _distance0);
            }
            else
            {
                range.WriteBit(chances.IsNotThird + _state, index - 2);
                if (index == 2)
                    (_distance0, _distance1, _distance2) = (_distance2, _distance0, _distance1);
                else
                    (_distance0, _distance1, _distance2, _distance3) = (_distance3, _distance0, _distance1, _distance2);
            }
        }
        if (length > 1)
        {
            WriteLength(chances.RepeatLengths, length, position);
            prices.CountRepeat(position);
            _state = isAfterCopy ? 11 : 8;
        }
        else
        {
            _state = isAfterCopy ? 11 : 9;
        }
    }

    private void WriteCopy(int length, uint distance, uint position)
    {
        range.WriteBit(chances.IsRepeat + _state, 0);
        _state = _state >= LzmaChances.FirstStateAfterCopy ? 10 : 7;
        WriteLength(chances.CopyLengths, length, position);
        int lengthClass = Math.Min(length - LzmaChances.MinCopy, LzmaChances.LengthClasses - 1);
        uint slot = LzmaChances.SlotOf(distance);
        range.WriteTree(chances.Slots + (lengthClass << LzmaChances.SlotBits), LzmaChances.SlotBits, slot);
        if (slot >= LzmaChances.FirstModelSlot)
        {
            int bits = (int)(slot >> 1) - 1;
            uint low = distance - ((2 | (slot & 1)) << bits);
            if (slot < LzmaChances.EndModelSlot)
            {
                range.WriteReverseTree(chances.Special + ((slot - LzmaChances.FirstModelSlot) << 5), bits, low);
            }
            else
            {
                range.WriteDirect(low >> LzmaChances.AlignBits, bits - LzmaChances.AlignBits);
                range.WriteReverseTree(chances.Align, LzmaChances.AlignBits, low & ((1 << LzmaChances.AlignBits) - 1));
            }
        }
        (_distance0, _distance1, _distance2, _distance3) = (distance, _distance0, _distance1, _distance2);
        prices.CountCopy(position);
    }

    private void WriteLength(ushort* lengths, int length, uint position)
    {
        uint value = (uint)length - LzmaChances.MinCopy;
        range.WriteBit(lengths, value < 8 ? 0u : 1);
        if (value < 8)
        {
            range.WriteTree(lengths + LzmaChances.LengthLow + (position << 3), 3, value);
            return;
        }
        range.WriteBit(lengths + 1, value < 16 ? 0u : 1);
        if (value < 16)
            range.WriteTree(lengths + LzmaChances.LengthMiddle + (position << 3), 3, value - 8);
        else
            range.WriteTree(lengths + LzmaChances.LengthHigh, 8, value - 16);
    }
}
