using System.Numerics;
using System.Runtime.CompilerServices;

namespace Lamina.Compression;

/// <summary>
/// Finds earlier places with the same bytes. Places are numbers that go on growing from one source to the next, by more than
/// the window: what older sources left in the tables is too far away, so the tables need not be cleared.
/// </summary>
internal abstract unsafe class LzmaMatches
{
    /// <summary>The shortest copy found through the main table; two tables of the latest place have shorter ones.</summary>
    protected const int MainLength = 4;

    private const int Bits2 = 10, Bits3 = 16;
    private const uint Factor = 2654435769; // 2^32 / golden ratio
    private const uint EndOfPlaces = 0xF0000000;

    private readonly uint[] _memory;
    private readonly uint* _latest2, _latest3, _latest4;
    private readonly int _shift4;
    private readonly int _nice;
    private uint _base;
    private byte* _source;
    private int _length;

    /// <summary>The end of what of the memory must be cleared when places start anew.</summary>
    private readonly int _heads;

    protected LzmaMatches(int window, int nice, int depth, int linksPerPlace)
    {
        _nice = nice;
        Depth = depth;
        Window = (uint)BitOperations.RoundUpToPowerOf2((uint)window);
        MaxDistance = (uint)Math.Min(window, (int)Window - 1);
        int bits4 = Math.Clamp(BitOperations.Log2(Window) - 1, 16, 22);
        _shift4 = 32 - bits4;
        _heads = (1 << Bits2) + (1 << Bits3) + (1 << bits4);
        _memory = GC.AllocateArray<uint>(_heads + ((int)Window * linksPerPlace), pinned: true);
        _latest2 = (uint*)Unsafe.AsPointer(ref _memory[0]);
        _latest3 = _latest2 + (1 << Bits2);
        _latest4 = _latest3 + (1 << Bits3);
        Links = _latest2 + _heads;
        _base = Window;
    }

    /// <summary>Room for places: a power of two, more than the furthest distance.</summary>
    protected uint Window { get; }

    /// <summary>The furthest distance.</summary>
    protected uint MaxDistance { get; }

    /// <summary>How many places are looked at.</summary>
    protected int Depth { get; }

    /// <summary>For each place of the window, what leads to others.</summary>
    protected uint* Links { get; }

    /// <summary>The position that is looked at next.</summary>
    public int At { get; private set; }

    /// <summary>Begins with a source, which stays where it is.</summary>
    public void Start(byte* source, int length)
    {
        _base += (uint)_length + Window;
        if (_base > EndOfPlaces - (uint)length - Window)
        {
            _memory.AsSpan(0, _heads).Clear();
            _base = Window;
        }
        _source = source;
        (_length, At) = (length, 0);
    }

    /// <summary>
    /// Finds copies at the next position: pairs of length and distance less 1, both growing. Returns how many pairs.
    /// </summary>
    /// <param name="pairs">Takes up to <see cref="LzmaChances.MaxCopy"/> pairs.</param>
    public int Find(uint* pairs)
    {
        int at = At++;
        int limit = Math.Min(_nice, _length - at);
        if (limit < MainLength)
            return 0;
        byte* here = _source + at;
        uint place = _base + (uint)at;
        uint bytes = Unsafe.ReadUnaligned<uint>(here);
        uint* latest2 = _latest2 + (((bytes << 16) * Factor) >> (32 - Bits2));
        uint* latest3 = _latest3 + (((bytes << 8) * Factor) >> (32 - Bits3));
        uint* latest4 = _latest4 + ((bytes * Factor) >> _shift4);
        uint distance2 = place - *latest2, distance3 = place - *latest3, candidate = *latest4;
        *latest2 = *latest3 = *latest4 = place;

        int count = 0, longest = 1;
        if (distance2 <= MaxDistance && (ushort)bytes == Unsafe.ReadUnaligned<ushort>(here - distance2))
        {
            longest = 2;
            if (distance2 != distance3 || here[2] != *(here - distance2 + 2))
            {
                pairs[0] = 2;
                pairs[1] = distance2 - 1;
                count = 1;
            }
        }
        if (distance3 <= MaxDistance && (ushort)bytes == Unsafe.ReadUnaligned<ushort>(here - distance3)
            && here[2] == *(here - distance3 + 2))
        {
            longest = Common(here, here - distance3, 3, limit);
            pairs[2 * count] = (uint)longest;
            pairs[(2 * count) + 1] = distance3 - 1;
            count++;
            if (longest == limit)
            {
                Insert(here, place, candidate, limit);
                return count;
            }
        }
        return count + Search(here, place, candidate, limit, Math.Max(longest, 3), pairs + (2 * count));
    }

    /// <summary>Remembers the next positions without looking for copies there.</summary>
    public void Skip(int count)
    {
        for (; count > 0; count--)
        {
            int at = At++;
            int limit = Math.Min(_nice, _length - at);
            if (limit < MainLength)
                continue;
            byte* here = _source + at;
            uint place = _base + (uint)at;
            uint bytes = Unsafe.ReadUnaligned<uint>(here);
            _latest2[((bytes << 16) * Factor) >> (32 - Bits2)] = place;
            _latest3[((bytes << 8) * Factor) >> (32 - Bits3)] = place;
            uint* latest4 = _latest4 + ((bytes * Factor) >> _shift4);
            uint candidate = *latest4;
            *latest4 = place;
            Insert(here, place, candidate, limit);
        }
    }

    /// <summary>Remembers a place and finds copies longer than the longest so far.</summary>
    protected abstract int Search(byte* here, uint place, uint candidate, int limit, int longest, uint* pairs);

    /// <summary>Remembers a place.</summary>
    protected abstract void Insert(byte* here, uint place, uint candidate, int limit);

    /// <summary>How many bytes are the same in two places; so many are already known to be.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Common(byte* one, byte* other, int known, int limit)
    {
        while (known + sizeof(ulong) <= limit)
        {
            ulong differing = Unsafe.ReadUnaligned<ulong>(one + known) ^ Unsafe.ReadUnaligned<ulong>(other + known);
            if (differing != 0)
                return known + (BitOperations.TrailingZeroCount(differing) >> 3);
            known += sizeof(ulong);
        }
        while (known < limit && one[known] == other[known])
            known++;
        return known;
    }
}
