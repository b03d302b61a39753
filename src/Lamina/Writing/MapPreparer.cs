using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>
/// Makes a source's map fit for the output: clusters that lie nowhere the kernel could read them are copied as they are,
/// rotated and straight ones are not mixed.
/// </summary>
internal static class MapPreparer
{
    /// <summary>
    /// The map ready to be planned; null if the kernel profile lacks a codec, so that the file must be decoded.
    /// </summary>
    public static ClusterMap? Prepare(WriteContext context, ClusterMap map)
    {
        foreach (ClusterExtent extent in map.Extents)
        {
            if (!context.Kernel.HasCodec(extent.Encoding))
                return null;
        }
        if (context.BlockSize < 4096 && map.Extents.Length > 0 && !context.Kernel.HasSmallBlocks)
            return null;
        return Straighten(context, CopyHomeless(context, map));
    }

    /// <summary>A map for encoded extents: no rotated clusters, nothing inline.</summary>
    public static ClusterMap ForExtents(WriteContext context, ClusterMap map)
    {
        ClusterExtent[] extents = [.. map.Extents];
        for (int i = 0; i < extents.Length; i++)
        {
            if (extents[i].Encoding == ClusterEncoding.Interlaced)
                extents[i] = CopyDecoded(context, map, extents[i], rotate: false);
            else if (map.HasInlineTail && i == extents.Length - 1)
                extents[i] = CopyCluster(context, extents[i]);
        }
        return map.With(extents, keepsInlineTail: false);
    }

    /// <summary>The extent's data decoded and stored, straight or rotated.</summary>
    public static ClusterExtent CopyDecoded(WriteContext context, ClusterMap map, in ClusterExtent extent, bool rotate)
    {
        byte[] data = new byte[extent.Length];
        ClusterDecoding.Decode(map, extent, data);
        if (!rotate)
        {
            int length = (int)((extent.Length + context.BlockSize - 1) / context.BlockSize) * context.BlockSize;
            return extent with
            {
                Original = context.Copies.Original,
                Offset = context.Copies.Add(data),
                EncodedLength = length,
                Encoding = ClusterEncoding.Shifted,
                IsPartial = false,
            };
        }
        int into = (int)(extent.Logical & (context.BlockSize - 1));
        byte[] block = new byte[context.BlockSize];
        int first = Math.Min(data.Length, context.BlockSize - into);
        data.AsSpan(0, first).CopyTo(block.AsSpan(into));
        data.AsSpan(first).CopyTo(block);
        return extent with
        {
            Original = context.Copies.Original,
            Offset = context.Copies.Add(block),
            EncodedLength = block.Length,
            Encoding = ClusterEncoding.Interlaced,
            IsPartial = false,
        };
    }

    /// <summary>A run of file data that lies uncompressed, block by block: as many plain extents, one an lcluster.</summary>
    public static IEnumerable<ClusterExtent> PlainBlocks(WriteContext context, long logical, long length, Original original,
        long offset)
    {
        for (long done = 0; done < length; done += context.BlockSize)
        {
            yield return new ClusterExtent(logical + done, Math.Min(context.BlockSize, length - done), original, offset + done,
                context.BlockSize, ClusterEncoding.Shifted, false);
        }
    }

    private static ClusterMap CopyHomeless(WriteContext context, ClusterMap map)
    {
        ClusterExtent[]? extents = null;
        int placed = map.Extents.Length - (map.HasInlineTail ? 1 : 0);
        for (int i = 0; i < placed; i++)
        {
            ClusterExtent extent = map.Extents[i];
            bool hasHome = extent.Original is null || extent.Original == context.Copies.Original ||
                (context.Placement.Holds(extent.Original) && EndsWithin(context, extent));
            if (hasHome)
                continue;
            extents ??= [.. map.Extents];
            extents[i] = CopyCluster(context, extent);
        }
        return extents is null ? map : map.With(extents);
    }

    /// <summary>The kernel reads whole blocks, so the last one must be there as a whole.</summary>
    private static bool EndsWithin(WriteContext context, in ClusterExtent extent)
    {
        long mask = context.BlockSize - 1;
        return ((extent.Offset + extent.EncodedLength + mask) & ~mask) <= context.Placement.EndOf(extent.Original!);
    }

    private static ClusterExtent CopyCluster(WriteContext context, in ClusterExtent extent) => extent with
    {
        Original = context.Copies.Original,
        Offset = context.Copies.Add(extent.Original!.Bytes, extent.Offset, extent.EncodedLength),
    };

    /// <summary>
    /// Whether clusters are rotated is said for the whole inode, and an inline tail that is plain must not be in one that is:
    /// kernels from 6.12 to 6.18 would rotate it too. The rarer kind is copied in the form of the other.
    /// </summary>
    private static ClusterMap Straighten(WriteContext context, ClusterMap map)
    {
        int mask = map.BlockSize - 1, rotated = 0, straight = 0;
        bool hasPlainTail = map.HasInlineTail && map.Extents[^1].Encoding == ClusterEncoding.Shifted;
        foreach (ClusterExtent extent in map.Extents)
        {
            if ((extent.Logical & mask) == 0)
                continue;
            rotated += extent.Encoding == ClusterEncoding.Interlaced ? 1 : 0;
            straight += extent.Encoding == ClusterEncoding.Shifted ? 1 : 0;
        }
        bool anyRotated = map.Extents.Any(extent => extent.Encoding == ClusterEncoding.Interlaced);
        if (!anyRotated)
            return map;
        bool toRotated = rotated > 0 && rotated >= straight;
        ClusterExtent[] extents = [.. map.Extents];
        for (int i = 0; i < extents.Length; i++)
        {
            ClusterExtent extent = extents[i];
            bool isAligned = (extent.Logical & mask) == 0;
            bool isInline = map.HasInlineTail && i == extents.Length - 1;
            if (extent.Encoding is not (ClusterEncoding.Interlaced or ClusterEncoding.Shifted))
                continue;
            if (isAligned && !isInline)
                extents[i] = extent with { Encoding = toRotated ? ClusterEncoding.Interlaced : ClusterEncoding.Shifted };
            else if (toRotated && extent.Encoding == ClusterEncoding.Shifted)
                extents[i] = CopyDecoded(context, map, extent, rotate: true);
            else if (!toRotated && extent.Encoding == ClusterEncoding.Interlaced)
                extents[i] = CopyDecoded(context, map, extent, rotate: false);
        }
        return map.With(extents, keepsInlineTail: !(hasPlainTail && toRotated));
    }
}
