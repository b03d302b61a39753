using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Lamina.Compression;

/// <summary>
/// The fast way to find matches for LZ4: one earlier position for each hash, and longer steps where nothing is found.
/// </summary>
internal sealed class Lz4FastSearch
{
    private const int HashBits = 13;

    /// <summary>Misses, as a power of two, after which a step gets longer by a byte.</summary>
    private const int StepBits = 6;

    /// <summary>Beyond this number the table is cleared: positions must not wrap. A source has less than 2^31 bytes.</summary>
    private const uint MaxOrigin = 1u << 31;

    private readonly uint[] _table = new uint[1 << HashBits];
    private uint _origin = Lz4Writer.MaxDistance + 1;

    /// <summary>Writes sequences until the source or the room ends.</summary>
    /// <param name="source">The first byte of the source.</param>
    /// <param name="size">Bytes of the source: more than <see cref="Lz4Writer.MatchFreeEnd"/>.</param>
    /// <param name="writer">What takes the sequences.</param>
    /// <returns>Whether all fit.</returns>
    public bool Run(ref byte source, int size, ref Lz4Writer writer)
    {
        if (_origin >= MaxOrigin)
        {
            Array.Clear(_table);
            _origin = Lz4Writer.MaxDistance + 1;
        }
        bool fits = Run(ref source, size, _origin, out int reached, ref writer);
        _origin += (uint)reached + Lz4Writer.MaxDistance + 1;
        return fits;
    }

    /// <summary>
    /// Reads go 8 bytes from a position that is at least 12 before the end, or stay below the end of matches.
    /// </summary>
    private bool Run(ref byte source, int size, uint origin, out int reached, ref Lz4Writer writer)
    {
        ref uint table = ref MemoryMarshal.GetArrayDataReference(_table);
        int matchEnd = size - Lz4Writer.LiteralEnd;
        int last = writer.LastStart;
        Slot(ref table, Lz4Bytes.Read8(ref source, 0)) = origin;
        int at = 1;
        while (true)
        {
            // Looks for a match.
            int next = at, step = 1, misses = 1 << StepBits, from;
            ulong bytes = next <= last ? Lz4Bytes.Read8(ref source, next) : 0;
            while (true)
            {
                at = next;
                if (at > last)
                {
                    reached = Math.Min(at, size);
                    return last == size - Lz4Writer.MatchFreeEnd;
                }
                next += step;
                step = misses++ >> StepBits;
                ref uint slot = ref Slot(ref table, bytes);
                uint known = slot, place = origin + (uint)at;
                slot = place;
                uint read = (uint)bytes;
                if (next <= last)
                    bytes = Lz4Bytes.Read8(ref source, next);
                if (place - known <= Lz4Writer.MaxDistance)
                {
                    from = (int)(known - origin);
                    if (Lz4Bytes.Read4(ref source, from) == read)
                        break;
                }
            }
            // What is before the match may be the same, too.
            int anchor = writer.Anchor, distance = at - from;
            while (at > anchor && from > 0 && Unsafe.Add(ref source, at - 1) == Unsafe.Add(ref source, from - 1))
            {
                at--;
                from--;
            }
            while (true)
            {
                int end = Lz4Bytes.MatchEnd(ref source, from + Lz4Writer.MinMatch, at + Lz4Writer.MinMatch, matchEnd);
                if (!writer.TryAdd(at, distance, end - at))
                {
                    reached = end;
                    return false;
                }
                at = end;
                last = writer.LastStart;
                if (at > last)
                {
                    reached = at;
                    return last == size - Lz4Writer.MatchFreeEnd;
                }
                Slot(ref table, Lz4Bytes.Read8(ref source, at - 2)) = origin + (uint)at - 2;
                ulong here = Lz4Bytes.Read8(ref source, at);
                ref uint slot = ref Slot(ref table, here);
                uint known = slot, place = origin + (uint)at;
                slot = place;
                if (place - known > Lz4Writer.MaxDistance)
                    break;
                from = (int)(known - origin);
                if (Lz4Bytes.Read4(ref source, from) != (uint)here)
                    break;
                distance = at - from;
            }
            at++;
        }
    }

    /// <summary>The place for the lower five bytes of eight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref uint Slot(ref uint table, ulong bytes) =>
        ref Unsafe.Add(ref table, (nint)(((bytes << 24) * 0x9E3779B185EBCA87) >> (64 - HashBits)));
}
