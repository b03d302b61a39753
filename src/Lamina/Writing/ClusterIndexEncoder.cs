using System.Buffers;
using Lamina.Format;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>The form a compressed file's map takes in the output.</summary>
internal enum MapForm : byte
{
    /// <summary>The header alone: the whole file is in the packed file.</summary>
    WholeFragment,

    /// <summary>Compact index with packs of 16 and of 2.</summary>
    Compact2B,

    /// <summary>Compact index with packs of 2 alone.</summary>
    Compact4B,

    /// <summary>Full index, 8 bytes an lcluster.</summary>
    Full,

    /// <summary>Encoded extents (Linux 6.15).</summary>
    Extents,
}

/// <summary>
/// Writes a map as an index: extents become lclusters again. The order of lclusters follows mkfs.erofs: an extent that ends
/// within an lcluster before the file does is followed by the next head there; one that ends there with the file by a head
/// that only says so.
/// </summary>
internal sealed class ClusterIndexEncoder(ClusterMap map, int clusterBits, CodecPair codecs)
{
    private readonly long _mask = (1L << clusterBits) - 1;

    /// <summary>Count of lclusters.</summary>
    public long Total { get; } = map.Size == 0 ? 0 : ((map.Size - 1) >> clusterBits) + 1;

    /// <summary>Whether any cluster has more than one block, so that counts are given.</summary>
    public bool IsBig { get; } = HasBigCluster(map, 1 << clusterBits);

    private bool HasFragment => map.FragmentStart < map.Size;

    private static bool HasBigCluster(ClusterMap map, int blockSize)
    {
        int placed = map.Extents.Length - (map.HasInlineTail ? 1 : 0);
        for (int i = 0; i < placed; i++)
        {
            if (map.Extents[i].EncodedLength > blockSize)
                return true;
        }
        return false;
    }

    /// <summary>
    /// Whether the extents can be said as lclusters: whole blocks at block boundaries, one head in each lcluster, sizes that
    /// have a place to stand, at most two codecs.
    /// </summary>
    public bool CanExpress()
    {
        if (map.BlockSize != 1 << clusterBits)
            return false;
        long lastHead = -1;
        for (int i = 0; i < map.Extents.Length; i++)
        {
            ClusterExtent extent = map.Extents[i];
            bool isTail = map.HasInlineTail && i == map.Extents.Length - 1;
            long head = extent.Logical >> clusterBits;
            if (extent.Encoding == ClusterEncoding.Hole || head == lastHead || !codecs.Has(extent.Encoding))
                return false;
            lastHead = head;
            if (isTail)
                continue;
            if (((extent.Offset | (uint)extent.EncodedLength) & _mask) != 0)
                return false;
            int blocks = extent.EncodedLength >> clusterBits;
            if (blocks > 1 && (blocks >= ClusterRecord.CountBit || ((extent.Logical + extent.Length) >> clusterBits) - head < 2))
                return false;
        }
        return !HasFragment || map.FragmentStart >> clusterBits != lastHead;
    }

    /// <summary>
    /// Fills an array with the lclusters; blocks come from the function, so that a plan can ask before addresses are known.
    /// </summary>
    public ClusterRecord[] Rent(Func<ClusterExtent, uint> blockOf)
    {
        ClusterRecord[] records = ArrayPool<ClusterRecord>.Shared.Rent((int)Total + 16);
        Array.Clear(records, 0, (int)Total + 16);
        for (int i = 0; i < map.Extents.Length; i++)
        {
            ClusterExtent extent = map.Extents[i];
            bool isTail = map.HasInlineTail && i == map.Extents.Length - 1;
            uint block = isTail ? CompactIndex.AnyBlock : blockOf(extent);
            Fill(records, extent.Logical, extent.Logical + extent.Length, codecs.TypeOf(extent.Encoding), block,
                isTail ? 1 : extent.EncodedLength >> clusterBits, extent.IsPartial);
        }
        if (HasFragment)
            Fill(records, map.FragmentStart, map.Size, ClusterType.Head1, CompactIndex.AnyBlock, 1, false);
        return records;
    }

    public static void Return(ClusterRecord[] records) => ArrayPool<ClusterRecord>.Shared.Return(records);

    private void Fill(ClusterRecord[] records, long start, long end, ClusterType type, uint block, int blocks, bool isPartial)
    {
        long head = start >> clusterBits, distance = (end >> clusterBits) - head;
        records[head] = ClusterRecord.Head(type, (int)(start & _mask), block, isPartial);
        for (long i = 1; i < distance; i++)
            records[head + i] = ClusterRecord.NonHead(i, distance - i, i == 1 && IsBig ? blocks : 0);
        if (end == map.Size && distance > 0 && (end & _mask) != 0)
            records[head + distance] = ClusterRecord.Head(ClusterType.Plain, (int)(end & _mask), CompactIndex.AnyBlock, false);
    }

    /// <summary>Writes packs; false where one cannot be said in this form.</summary>
    public static bool TryWriteCompact(in CompactIndex index, ClusterRecord[] records, Span<byte> destination)
    {
        Span<byte> scratch = stackalloc byte[32];
        for (long cluster = 0; cluster < index.Total;)
        {
            (long first, int offset, int count) = index.PackOf(cluster);
            Span<byte> pack = destination.IsEmpty ? scratch : destination[offset..];
            if (!index.TryWritePack(records.AsSpan((int)first, count), pack))
                return false;
            cluster = first + count;
        }
        return true;
    }

    /// <summary>Writes the full index. A fragment's head has the upper half of the fragment's offset for its block.</summary>
    public void WriteFull(ClusterRecord[] records, Span<byte> destination, ulong fragmentOffset)
    {
        long fragmentHead = HasFragment ? map.FragmentStart >> clusterBits : -1;
        for (int i = 0; i < Total; i++)
        {
            ClusterRecord record = records[i];
            if (record.IsHead && record.Block == CompactIndex.AnyBlock)
                record = record with { Block = i == fragmentHead ? (uint)(fragmentOffset >> 32) : 0 };
            record.WriteTo(destination[(i * ClusterRecord.Size)..]);
        }
    }
}

/// <summary>The one or two codecs of an indexed file, as heads of type 1 and 2.</summary>
/// <param name="First">The codec of HEAD1; <see cref="ClusterEncoding.Shifted"/> where nothing is compressed.</param>
/// <param name="Second">The codec of HEAD2; <see cref="ClusterEncoding.Shifted"/> where there is no second.</param>
internal readonly record struct CodecPair(ClusterEncoding First, ClusterEncoding Second)
{
    /// <summary>The codecs of a map, by first use; a third one has no place and is told by <see cref="Has"/>.</summary>
    public static CodecPair Of(ClusterMap map)
    {
        CodecPair pair = new(ClusterEncoding.Shifted, ClusterEncoding.Shifted);
        foreach (ClusterExtent extent in map.Extents)
        {
            if (extent.Encoding >= ClusterEncoding.Shifted || extent.Encoding == pair.First)
                continue;
            if (pair.First == ClusterEncoding.Shifted)
                pair = pair with { First = extent.Encoding };
            else if (pair.Second == ClusterEncoding.Shifted)
                pair = pair with { Second = extent.Encoding };
        }
        return pair;
    }

    public bool Has(ClusterEncoding encoding) => encoding >= ClusterEncoding.Shifted || encoding == First || encoding == Second;

    public ClusterType TypeOf(ClusterEncoding encoding) => encoding >= ClusterEncoding.Shifted ? ClusterType.Plain
        : encoding == First ? ClusterType.Head1 : ClusterType.Head2;

    /// <summary>The number for h_algorithmtype; 0 where the head is not used.</summary>
    public static int Number(ClusterEncoding encoding) => encoding >= ClusterEncoding.Shifted ? 0 : (int)encoding;
}
