using System.Buffers;
using Lamina.Compression;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>
/// Takes the zeros in front of clusters off, for encoded extents: Linux 7.2 refuses an extent whose cluster is longer than
/// what it decodes to ("too much compressed data"), which indexes never minded.
/// </summary>
internal static class ClusterTrimmer
{
    /// <summary>The map with such clusters trimmed; the same object where there are none.</summary>
    /// <param name="map">The map.</param>
    /// <param name="isTight">Whether no compressed cluster is longer than its data any more.</param>
    public static ClusterMap Trim(ClusterMap map, out bool isTight)
    {
        isTight = true;
        ClusterExtent[]? trimmed = null;
        for (int i = 0; i < map.Extents.Length; i++)
        {
            ClusterExtent extent = map.Extents[i];
            if (extent.Encoding > ClusterEncoding.Zstd || extent.EncodedLength <= extent.Length)
                continue;
            // Zeros fill a cluster up to whole blocks, so no more than a block of them are in front.
            byte[] cluster = ArrayPool<byte>.Shared.Rent(map.BlockSize);
            Span<byte> bytes = cluster.AsSpan(0, Math.Min(extent.EncodedLength, map.BlockSize));
            extent.Original!.Bytes.ReadExactly(extent.Offset, bytes);
            int padding = bytes.Length - ClusterDecoders.SkipPadding(bytes).Length;
            ArrayPool<byte>.Shared.Return(cluster);
            trimmed ??= [.. map.Extents];
            trimmed[i] = extent with { Offset = extent.Offset + padding, EncodedLength = extent.EncodedLength - padding };
            isTight &= trimmed[i].EncodedLength <= extent.Length;
        }
        return trimmed is null ? map : map.With(trimmed);
    }
}
