using System.Runtime.CompilerServices;

namespace Lamina.Compression;

/// <summary>
/// What symbols would cost, in parts of a bit. Prices of lengths and distances are tables that are brought up to date only
/// now and then: the choices they lead to hardly change from one symbol to the next.
/// </summary>
internal sealed unsafe class LzmaPrices
{
    /// <summary>More than anything costs, with room to add to.</summary>
    public const uint Infinite = 1u << 30;

    private const int UnitBits = 4;       // prices are in 1/16 bit
    private const int GroupBits = 4;      // 16 probabilities have one price
    private const int Lengths = LzmaChances.MaxCopy + 1;
    private const int SlotRow = 1 << LzmaChances.SlotBits;
    private const int CopiesPerRefresh = 128;

    private readonly uint[] _memory;
    private readonly LzmaChances _chances;
    private readonly int _nice;
    private readonly uint _slots;
    private readonly uint* _ofChance, _copies, _repeats, _ofSlots, _near, _align;
    private readonly int[] _copiesLeft = new int[LzmaChances.Positions], _repeatsLeft = new int[LzmaChances.Positions];
    private int _distancesLeft;

    /// <param name="chances">What the prices are of.</param>
    /// <param name="nice">The longest copy that is weighed.</param>
    /// <param name="window">The furthest distance.</param>
    public LzmaPrices(LzmaChances chances, int nice, int window)
    {
        const int Groups = 2048 >> GroupBits;
        _chances = chances;
        _nice = nice;
        _slots = LzmaChances.SlotOf((uint)window - 1) + 1;
        int classes = LzmaChances.LengthClasses;
        _memory = GC.AllocateArray<uint>(
            Groups + (2 * LzmaChances.Positions * Lengths) + (classes * (SlotRow + LzmaChances.EndModelDistance)) + 16,
            pinned: true);
        _ofChance = (uint*)Unsafe.AsPointer(ref _memory[0]);
        _copies = _ofChance + Groups;
        _repeats = _copies + (LzmaChances.Positions * Lengths);
        _ofSlots = _repeats + (LzmaChances.Positions * Lengths);
        _near = _ofSlots + (classes * SlotRow);
        _align = _near + (classes * LzmaChances.EndModelDistance);
        for (int i = 0; i < Groups; i++)
            _ofChance[i] = (uint)Math.Round(-Math.Log2((i + 0.5) / Groups) * (1 << UnitBits));
    }

    public void Reset()
    {
        _copiesLeft.AsSpan().Clear();
        _repeatsLeft.AsSpan().Clear();
        _distancesLeft = 0;
    }

    /// <summary>Counts a copy that was written.</summary>
    public void CountCopy(uint position)
    {
        _copiesLeft[position]--;
        _distancesLeft--;
    }

    /// <summary>Counts a copy from one of the last distances.</summary>
    public void CountRepeat(uint position) => _repeatsLeft[position]--;

    /// <summary>Brings tables up to date that are too old.</summary>
    public void Refresh()
    {
        for (int position = 0; position < LzmaChances.Positions; position++)
        {
            if (_copiesLeft[position] <= 0)
            {
                _copiesLeft[position] = _nice - 1;
                FillLengths(_chances.CopyLengths, _copies + (position * Lengths), position);
            }
            if (_repeatsLeft[position] <= 0)
            {
                _repeatsLeft[position] = _nice - 1;
                FillLengths(_chances.RepeatLengths, _repeats + (position * Lengths), position);
            }
        }
        if (_distancesLeft <= 0)
        {
            _distancesLeft = CopiesPerRefresh;
            FillDistances();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Of0(ushort chance) => _ofChance[chance >> GroupBits];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Of1(ushort chance) => _ofChance[(chance ^ 2047) >> GroupBits];

    /// <summary>The prices of copies' lengths at a position, by length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint* Copies(uint position) => _copies + (position * Lengths);

    /// <summary>The same for copies from the last distances.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint* Repeats(uint position) => _repeats + (position * Lengths);

    /// <summary>The price of a distance (less 1) of a copy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint OfDistance(uint distance, int length)
    {
        int lengthClass = Math.Min(length - LzmaChances.MinCopy, LzmaChances.LengthClasses - 1);
        return distance < LzmaChances.EndModelDistance
            ? _near[(lengthClass * LzmaChances.EndModelDistance) + (int)distance]
            : _ofSlots[(lengthClass * SlotRow) + (int)LzmaChances.SlotOf(distance)] + _align[distance & 15];
    }

    /// <summary>The price of a literal.</summary>
    public uint OfLiteral(ushort* literals, uint value)
    {
        uint* ofChance = _ofChance;
        uint price = 0;
        for (uint node = value | 0x100; node > 1; node >>= 1)
            price += ofChance[(literals[node >> 1] ^ (2047 & (0u - (node & 1)))) >> GroupBits];
        return price;
    }

    /// <summary>The price of a literal right after a copy.</summary>
    public uint OfLiteral(ushort* literals, uint value, uint hint)
    {
        uint* ofChance = _ofChance;
        uint price = 0, offset = 0x100;
        value |= 0x100;
        do
        {
            hint <<= 1;
            uint flip = 2047 & (0u - ((value >> 7) & 1));
            price += ofChance[(literals[offset + (hint & offset) + (value >> 8)] ^ flip) >> GroupBits];
            value <<= 1;
            offset &= ~(hint ^ value);
        }
        while (value < 0x10000);
        return price;
    }

    /// <summary>The price of saying which of the last distances, without the length.</summary>
    public uint OfRepeat(int index, int state, uint position)
    {
        if (index == 0)
        {
            return Of0(_chances.IsNotFirst[state])
                + Of1(_chances.IsLongRepeat[(state * LzmaChances.Positions) + (int)position]);
        }
        uint price = Of1(_chances.IsNotFirst[state]);
        return index == 1
            ? price + Of0(_chances.IsNotSecond[state])
            : price + Of1(_chances.IsNotSecond[state])
                + (index == 2 ? Of0(_chances.IsNotThird[state]) : Of1(_chances.IsNotThird[state]));
    }

    private void FillLengths(ushort* lengths, uint* to, int position)
    {
        uint isShort = Of0(lengths[0]), isMiddle = Of1(lengths[0]) + Of0(lengths[1]);
        uint isLong = Of1(lengths[0]) + Of1(lengths[1]);
        for (uint i = 0; i < 8; i++)
        {
            to[LzmaChances.MinCopy + i] = isShort + OfTree(lengths + LzmaChances.LengthLow + (position << 3), 3, i);
            to[LzmaChances.MinCopy + 8 + i] = isMiddle + OfTree(lengths + LzmaChances.LengthMiddle + (position << 3), 3, i);
        }
        for (uint i = LzmaChances.MinCopy + 16; i <= _nice; i++)
            to[i] = isLong + OfTree(lengths + LzmaChances.LengthHigh, 8, i - LzmaChances.MinCopy - 16);
    }

    private void FillDistances()
    {
        uint* special = stackalloc uint[LzmaChances.EndModelDistance];
        for (uint distance = LzmaChances.FirstModelSlot; distance < LzmaChances.EndModelDistance; distance++)
        {
            uint slot = LzmaChances.SlotOf(distance);
            int bits = (int)(slot >> 1) - 1;
            special[distance] = OfReverseTree(_chances.Special + ((slot - LzmaChances.FirstModelSlot) << 5), bits, distance);
        }
        for (int lengthClass = 0; lengthClass < LzmaChances.LengthClasses; lengthClass++)
        {
            uint* slots = _ofSlots + (lengthClass * SlotRow), near = _near + (lengthClass * LzmaChances.EndModelDistance);
            for (uint slot = 0; slot < _slots; slot++)
            {
                uint price = OfTree(_chances.Slots + (lengthClass << LzmaChances.SlotBits), LzmaChances.SlotBits, slot);
                uint direct = slot < LzmaChances.EndModelSlot ? 0 : (slot >> 1) - 1 - LzmaChances.AlignBits;
                slots[slot] = price + (direct << UnitBits);
            }
            for (uint distance = 0; distance < LzmaChances.EndModelDistance; distance++)
            {
                uint slot = LzmaChances.SlotOf(distance);
                // A short window has fewer slots; nothing asks for what is behind it.
                near[distance] = slots[slot] + (distance < LzmaChances.FirstModelSlot ? 0 : special[distance]);
            }
        }
        for (uint i = 0; i < 16; i++)
            _align[i] = OfReverseTree(_chances.Align, LzmaChances.AlignBits, i);
    }

    private uint OfTree(ushort* tree, int bits, uint value)
    {
        uint price = 0;
        for (uint node = value | (1u << bits); node > 1; node >>= 1)
            price += _ofChance[(tree[node >> 1] ^ (2047 & (0u - (node & 1)))) >> GroupBits];
        return price;
    }

    private uint OfReverseTree(ushort* tree, int bits, uint value)
    {
        uint price = 0, node = 1;
        for (int i = 0; i < bits; i++, value >>= 1)
        {
            uint bit = value & 1;
            price += _ofChance[(tree[node] ^ (2047 & (0u - bit))) >> GroupBits];
            node = (node << 1) | bit;
        }
        return price;
    }
}
