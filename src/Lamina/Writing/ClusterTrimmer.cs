using System.Buffers;
using Lamina.Compression;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>
/// Takes the zeros in front of clusters off, for encoded extents, which may begin at any byte. Kernels look for the first byte of
/// the data in the first block of a cluster alone, and blocks of the output may be smaller than those that the zeros once
/// filled. And Linux 7.2 refuses an extent whose cluster is longer than what it decodes to ("too much compressed data"), which
/// indexes never minded.
/// </summary>
internal static class ClusterTrimmer
{
    /// <summary>The map with such clusters trimmed; the same object where there are none.</summary>
    /// <param name="map">The map.</param>
    /// <param name="blockSize">The block size of the output, in bytes.</param>
    /// <param name="isTight">Whether no compressed cluster is longer than its data any more.</param>
    public static ClusterMap Trim(ClusterMap map, int blockSize, out bool isTight)
    {
        isTight = true;
        ClusterExtent[]? trimmed = null;
        for (int i = 0; i < map.Extents.Length; i++)
        {
            ClusterExtent extent = map.Extents[i];
            if (extent.Encoding > ClusterEncoding.Zstd || (extent.EncodedLength <= extent.Length && map.BlockSize == blockSize))
                continue;
            int padding = PaddingOf(extent, map.BlockSize);
            trimmed ??= [.. map.Extents];
            trimmed[i] = extent with { Offset = extent.Offset + padding, EncodedLength = extent.EncodedLength - padding };
            isTight &= trimmed[i].EncodedLength <= extent.Length;
        }
        return trimmed is null ? map : map.With(trimmed);
    }

    /// <summary>
    /// The count of zeros in front. They fill a cluster up to whole blocks of its source, so no more than a block of them.
    /// </summary>
    private static int PaddingOf(in ClusterExtent extent, int blockSize)
    {
        byte[] cluster = ArrayPool<byte>.Shared.Rent(blockSize);
        Span<byte> bytes = cluster.AsSpan(0, Math.Min(extent.EncodedLength, blockSize));
        extent.Original!.Bytes.ReadExactly(extent.Offset, bytes);
        int rest = ClusterDecoders.SkipPadding(bytes).Length;
        ArrayPool<byte>.Shared.Return(cluster);
        return rest == 0 ? 0 : bytes.Length - rest;         // zeros only: no cluster, and for a check to name
    }
}
