using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Lamina.Compression;

/// <summary>
/// Finds the longest match for LZ4 by going through the chain of all positions that begin with the same four bytes.
/// </summary>
internal sealed class Lz4MatchFinder
{
    private const int HashBits = 15;

    /// <summary>Steps in a row of one byte, where every position is in the chain and few are any better than the first.</summary>
    private const int MaxRunSteps = 128;

    /// <summary>Beyond this number the table is cleared: positions must not wrap. A source has less than 2^31 bytes.</summary>
    private const uint MaxOrigin = 1u << 31;

    /// <summary>The newest position of each hash.</summary>
    private readonly uint[] _heads = new uint[1 << HashBits];

    /// <summary>For each position of the window: how far back the one before with the same hash is.</summary>
    private readonly ushort[] _chain = new ushort[Lz4Writer.MaxDistance + 1];
    private uint _origin;
    private int _next;

    /// <summary>Forgets all positions. To be called before each source.</summary>
    public void Begin()
    {
        _origin += (uint)_next + Lz4Writer.MaxDistance + 1;
        _next = 0;
        if (_origin < MaxOrigin)
            return;
        Array.Clear(_heads);
        _origin = Lz4Writer.MaxDistance + 1;
    }

    /// <summary>Finds the longest match at a position behind those asked for earlier.</summary>
    /// <param name="source">The first byte of the source.</param>
    /// <param name="at">The position: at least four bytes follow.</param>
    /// <param name="end">Where matches end at the latest.</param>
    /// <param name="longerThan">What a match must be longer than: 3 or more.</param>
    /// <param name="steps">How many positions to look at.</param>
    /// <param name="enough">A match of this length is taken at once.</param>
    /// <param name="distance">How far back the match is.</param>
    /// <returns>The length; 0 if there is none.</returns>
    public int Find(ref byte source, int at, int end, int longerThan, int steps, int enough, out int distance)
    {
        ref uint heads = ref MemoryMarshal.GetArrayDataReference(_heads);
        ref ushort chain = ref MemoryMarshal.GetArrayDataReference(_chain);
        uint origin = _origin;
        for (int i = _next; i < at; i++)
            Insert(ref heads, ref chain, Lz4Bytes.Read4(ref source, i), origin + (uint)i);
        uint bytes = Lz4Bytes.Read4(ref source, at);
        uint place = origin + (uint)at, known = Insert(ref heads, ref chain, bytes, place);
        _next = at + 1;
        distance = 0;
        int length = longerThan;
        if (length >= end - at)
            return 0;
        if (bytes == (bytes << 8 | bytes >> 24))
            steps = Math.Min(steps, MaxRunSteps);
        uint least = place - (uint)Math.Min(at, Lz4Writer.MaxDistance);
        uint rarest = 0;
        uint tail = Lz4Bytes.Read4(ref source, at + length - 3);
        while (known >= least && steps-- > 0)
        {
            int from = (int)(known - origin);
            if (Lz4Bytes.Read4(ref source, from + length - 3) == tail && Lz4Bytes.Read4(ref source, from) == bytes)
            {
                int found = Lz4Bytes.MatchEnd(ref source, from + sizeof(uint), at + sizeof(uint), end) - at;
                if (found > length)
                {
                    length = found;
                    distance = at - from;
                    if (length >= enough || length == end - at)
                        break;
                    tail = Lz4Bytes.Read4(ref source, at + length - 3);
                    // A longer one has all bytes of this one: the chain of the rarest four of them is the shortest way to it.
                    int most = Math.Min(length - sizeof(uint), distance), widest = 0;
                    for (int i = 0; i <= most; i++)
                    {
                        int back = Unsafe.Add(ref chain, (ushort)(known + (uint)i));
                        if (back > widest)
                            (widest, rarest) = (back, (uint)i);
                    }
                }
            }
            known -= Unsafe.Add(ref chain, (ushort)(known + rarest));
        }
        return distance == 0 ? 0 : length;
    }

    /// <summary>Adds a position to the chain of its hash.</summary>
    /// <returns>The one before.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Insert(ref uint heads, ref ushort chain, uint bytes, uint place)
    {
        ref uint head = ref Unsafe.Add(ref heads, (nint)((bytes * 0x9E3779B1) >> (32 - HashBits)));
        uint before = head;
        head = place;
        Unsafe.Add(ref chain, (ushort)place) = (ushort)Math.Min(place - before, Lz4Writer.MaxDistance);
        return before;
    }
}
