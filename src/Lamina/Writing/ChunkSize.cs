using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>
/// Chooses how large the chunks of a sparse file are. A chunk that is all data may lie anywhere; one that a hole cuts must be
/// copied whole, zeros included. Small chunks copy nothing, but the table of a file of many GB grows with what the file seems to
/// hold, and not with what it does.
/// </summary>
internal static class ChunkSize
{
    /// <summary>Up to so many bytes a table is left as it is: nothing is copied for less.</summary>
    private const long SmallTable = 64 << 10;

    /// <summary>The size of a chunk's entry in the table.</summary>
    private const int EntrySize = sizeof(uint);

    /// <summary>log2 of the chunk with which table and copies are smallest.</summary>
    /// <param name="content">The file.</param>
    /// <param name="least">log2 of a chunk at whose multiples all pieces begin and end.</param>
    /// <param name="most">log2 of the largest chunk.</param>
    /// <param name="copiesAll">Whether all data is copied in any case, and only zeros count.</param>
    public static int Choose(PlacedContent content, int least, int most, bool copiesAll)
    {
        if (TableSize(content, least) <= SmallTable)
            return least;
        int best = least;
        long bestCost = long.MaxValue;
        for (int bits = least; bits <= most && TableSize(content, bits) >= EntrySize * 2; bits++)
        {
            long cost = TableSize(content, bits) + ((bits == least && !copiesAll) ? 0 : CopySize(content, bits, copiesAll));
            if (cost < bestCost)
                (best, bestCost) = (bits, cost);
        }
        return best;
    }

    /// <summary>
    /// The file with chunks of a size: what they cut is copied by <paramref name="copy"/>, which is given the first byte and the
    /// length, and answers where in <paramref name="copies"/> they lie.
    /// </summary>
    public static PlacedContent Cut(PlacedContent content, int bits, Original copies, Func<long, long, long> copy, int alignment)
    {
        long size = 1L << bits, mask = size - 1;
        List<PlacedExtent> pieces = [];
        long copied = -1;                                               // the end of what was copied last
        void Copy(long chunk)
        {
            if (chunk < copied)
                return;
            long length = Math.Min(size, content.Size - chunk);
            pieces.Add(new PlacedExtent(chunk, copies, copy(chunk, length), length));
            copied = chunk + size;
        }
        foreach (PlacedExtent extent in content.Extents)
        {
            long start = extent.Logical, end = start + extent.Length;
            if ((start & mask) != 0)
                Copy(start & ~mask);
            long first = (start + mask) & ~mask, last = end == content.Size ? end : end & ~mask;
            if (last > first)
                pieces.Add(new PlacedExtent(first, extent.Original, extent.Offset + (first - start), last - first));
            if (end > last && last >= first)
                Copy(last);
        }
        return new PlacedContent(content.Size, [.. pieces], alignment);
    }

    private static long TableSize(PlacedContent content, int bits) => (((content.Size - 1) >> bits) + 1) * EntrySize;

    /// <summary>The bytes of the chunks that are copied.</summary>
    private static long CopySize(PlacedContent content, int bits, bool copiesAll)
    {
        long mask = (1L << bits) - 1, count = 0, next = 0;              // next: the first chunk that was not counted
        foreach (PlacedExtent extent in content.Extents)
        {
            long end = extent.Logical + extent.Length, first = extent.Logical >> bits, last = (end - 1) >> bits;
            if (copiesAll)
            {
                count += last - Math.Max(first, next) + 1;
                next = last + 1;
                continue;
            }
            if ((extent.Logical & mask) != 0 && first >= next)
            {
                count++;
                next = first + 1;
            }
            if ((end & mask) != 0 && end != content.Size && last >= next)
            {
                count++;
                next = last + 1;
            }
        }
        return count > long.MaxValue >> (bits + 1) ? long.MaxValue / 2 : count << bits;
    }
}
