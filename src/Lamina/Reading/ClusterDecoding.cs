using System.Buffers;
using Lamina.Compression;
using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>From an extent of a map to the bytes it stands for.</summary>
internal static class ClusterDecoding
{
    /// <summary>Decodes the first bytes of an extent: as many as the destination takes, at most the extent's length.</summary>
    /// <exception cref="CorruptImageException">The cluster does not decode to that many bytes.</exception>
    /// <param name="map">The map the extent is of.</param>
    /// <param name="extent">The extent.</param>
    /// <param name="destination">Where the bytes go.</param>
    /// <param name="isUnpadded">Whether LZ4 clusters begin at their first byte, as before Linux 5.3.</param>
    public static void Decode(ClusterMap map, in ClusterExtent extent, Span<byte> destination, bool isUnpadded = false)
    {
        switch (extent.Encoding)
        {
            case ClusterEncoding.Hole:
                destination.Clear();
                return;
            case ClusterEncoding.Shifted:
                extent.Original!.Bytes.ReadExactly(extent.Offset, destination);
                return;
            case ClusterEncoding.Interlaced:
                ReadInterlaced(map.BlockSize, extent, destination);
                return;
        }
        byte[] cluster = ArrayPool<byte>.Shared.Rent(extent.EncodedLength);
        try
        {
            Span<byte> bytes = cluster.AsSpan(0, extent.EncodedLength);
            extent.Original!.Bytes.ReadExactly(extent.Offset, bytes);
            if (!isUnpadded && !BeginsInFirstBlock(map.BlockSize, extent, bytes))
            {
                throw new CorruptImageException(extent.Original.Name,
                    $"the {extent.Encoding} cluster of {extent.EncodedLength} bytes has only zeros in its first block, where " +
                    "kernels look for its beginning", null, extent.Offset);
            }
            bool isPartial = extent.IsPartial || destination.Length < extent.Length;
            IClusterDecoder decoder = isUnpadded && extent.Encoding == ClusterEncoding.Lz4
                ? ClusterDecoders.Lz4Unpadded : ClusterDecoders.For((Codec)extent.Encoding);
            if (!decoder.TryDecode(bytes, destination, isPartial))
            {
                throw new CorruptImageException(extent.Original.Name,
                    $"the {extent.Encoding} cluster of {extent.EncodedLength} bytes does not decode to {extent.Length} bytes",
                        null, extent.Offset);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(cluster);
        }
    }

    /// <summary>
    /// Whether the data begins where a kernel finds it: in the block that the cluster begins in
    /// (<c>z_erofs_fixup_insize</c>, fs/erofs/decompressor.c).
    /// </summary>
    private static bool BeginsInFirstBlock(int blockSize, in ClusterExtent extent, ReadOnlySpan<byte> cluster)
    {
        int within = blockSize - (int)(extent.Offset & (blockSize - 1));
        return cluster[..Math.Min(cluster.Length, within)].ContainsAnyExcept((byte)0);
    }

    /// <summary>
    /// What is up to the block's end stands at the end of the cluster, the rest at its start (<c>z_erofs_transform_plain</c>,
    /// fs/erofs/decompressor.c).
    /// </summary>
    private static void ReadInterlaced(int blockSize, in ClusterExtent extent, Span<byte> destination)
    {
        int first = blockSize - (int)(extent.Logical & (blockSize - 1));
        int count = Math.Min(first, destination.Length);
        extent.Original!.Bytes.ReadExactly(extent.Offset + extent.EncodedLength - first, destination[..count]);
        if (destination.Length > count)
            extent.Original.Bytes.ReadExactly(extent.Offset, destination[count..]);
    }
}
