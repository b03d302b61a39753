using System.Numerics;
using System.Runtime.CompilerServices;

namespace Lamina.Compression;

/// <summary>Finds earlier places of the same bytes: chains of places whose next four bytes have the same hash.</summary>
/// <remarks>
/// Places are counted on from one source to the next with a window between them, so that all of an earlier source is out of reach
/// and nothing need be cleared.
/// </remarks>
internal sealed unsafe class DeflateMatcher
{
    /// <summary>The longest source. Places of it, and of what came before, are counted in an int.</summary>
    public const int MaxSource = 1 << 30;

    /// <summary>Bytes that are read at a place; there are no matches nearer to the end.</summary>
    public const int Ahead = 4;

    private const int WindowSize = 1 << 15, HashBits = 15, ShortHashBits = 13;

    private readonly int[] _heads = GC.AllocateArray<int>(1 << HashBits, true);
    private readonly int[] _shortHeads = GC.AllocateArray<int>(1 << ShortHashBits, true);
    private readonly int[] _chains = GC.AllocateArray<int>(WindowSize, true);
    private readonly int* _head;
    private readonly int* _shortHead;
    private readonly int* _chain;
    private readonly int _window;
    private readonly bool _hasShort;
    private byte* _source;
    private int _origin;
    private int _end;
    private int _next;

    /// <summary>Makes a matcher.</summary>
    /// <param name="windowBits">log2 of the longest distance.</param>
    /// <param name="hasShort">Whether matches of three bytes are looked for.</param>
    public DeflateMatcher(int windowBits, bool hasShort)
    {
        _window = 1 << windowBits;
        _hasShort = hasShort;
        // Pinned for as long as the arrays live.
        _head = (int*)Unsafe.AsPointer(ref _heads[0]);
        _shortHead = (int*)Unsafe.AsPointer(ref _shortHeads[0]);
        _chain = (int*)Unsafe.AsPointer(ref _chains[0]);
        _origin = WindowSize + 1;
    }

    /// <summary>Begins a source.</summary>
    public void Start(byte* source, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaxSource);
        _origin += _next + WindowSize + 1;
        if (_origin > MaxSource - WindowSize)
        {
            Array.Clear(_heads);
            Array.Clear(_shortHeads);
            _origin = WindowSize + 1;
        }
        _source = source;
        _end = length - Ahead;
        _next = 0;
    }

    /// <summary>Puts in all places before this one.</summary>
    public void SkipTo(int place)
    {
        int stop = Math.Min(place, _end + 1);
        for (; _next < stop; _next++)
        {
            uint bytes = Unsafe.ReadUnaligned<uint>(_source + _next);
            int at = _origin + _next;
            int* head = _head + Hash(bytes);
            _chain[at & (WindowSize - 1)] = *head;
            *head = at;
            if (_hasShort)
                _shortHead[ShortHash(bytes)] = at;
        }
    }

    /// <summary>Puts in a place, the next one, and finds the longest match there.</summary>
    /// <param name="place">The place.</param>
    /// <param name="least">Matches must be longer than this.</param>
    /// <param name="depth">How many places to look at.</param>
    /// <param name="nice">A length that is good enough.</param>
    /// <param name="distance">How far back the match is.</param>
    /// <returns>The length, or <paramref name="least"/> where no match is longer.</returns>
    public int Find(int place, int least, int depth, int nice, out int distance)
    {
        distance = 0;
        if (place > _end)
            return least;
        SkipTo(place);
        byte* here = _source + place;
        uint bytes = Unsafe.ReadUnaligned<uint>(here);
        int at = _origin + place, room = Math.Min(_end + Ahead - place, DeflateSymbols.MaxLength), best = least;
        int* head = _head + Hash(bytes);
        int other = *head;
        _chain[at & (WindowSize - 1)] = other;
        *head = at;
        _next = place + 1;
        if (_hasShort)
        {
            int* shortHead = _shortHead + ShortHash(bytes);
            int near = *shortHead;
            *shortHead = at;
            // A copy of three bytes from far away takes more than literals do.
            if (best < 3 && at - near <= Math.Min(_window, 4096)
                && ((Unsafe.ReadUnaligned<uint>(here - (at - near)) ^ bytes) & 0xFFFFFF) == 0)
            {
                best = 3;
                distance = at - near;
            }
        }
        if (best >= room)
            return best;
        int oldest = at - _window;
        nice = Math.Min(nice, room);
        best = Math.Max(best, 3);
        uint last = Unsafe.ReadUnaligned<uint>(here + best - 3);
        for (; other >= oldest && depth > 0; depth--)
        {
            byte* there = here - (at - other);
            if (Unsafe.ReadUnaligned<uint>(there + best - 3) == last && Unsafe.ReadUnaligned<uint>(there) == bytes)
            {
                int length = Count(here, there, room);
                if (length > best)
                {
                    best = length;
                    distance = at - other;
                    if (length >= nice)
                        break;
                    last = Unsafe.ReadUnaligned<uint>(here + best - 3);
                }
            }
            int older = _chain[other & (WindowSize - 1)];
            // A slot that was used anew leads forward.
            if (older >= other)
                break;
            other = older;
        }
        return distance == 0 ? least : best;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Count(byte* here, byte* there, int room)
    {
        int length = Ahead;
        for (; length + 8 <= room; length += 8)
        {
            ulong difference = Unsafe.ReadUnaligned<ulong>(here + length) ^ Unsafe.ReadUnaligned<ulong>(there + length);
            if (difference != 0)
                return length + (BitOperations.TrailingZeroCount(difference) >> 3);
        }
        while (length < room && here[length] == there[length])
            length++;
        return length;
    }

    private static uint Hash(uint bytes) => (bytes * 0x9E3779B1u) >> (32 - HashBits);

    private static uint ShortHash(uint bytes) => ((bytes << 8) * 0x9E3779B1u) >> (32 - ShortHashBits);
}
