using System.Buffers;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Checking;

/// <summary>Reads and decodes all data of a file, going on behind what cannot be decoded.</summary>
internal sealed class ContentChecker(ErofsImage image, FaultList faults, CheckOptions options, Action<long> onBytes)
{
    /// <summary>Uncompressed data is read in pieces of this many bytes.</summary>
    private const int PieceSize = 1 << 20;

    public void Check(CheckedFile file)
    {
        Content? content = null;
        DecodableMap map = default;
        bool isOpen = faults.Try(file, () =>
        {
            content = image.OpenContent(file.Inode);
            map = content is EncodedContent encoded ? DecodableMap.Of(encoded) : default;
        });
        if (!isOpen)
            return;
        if (content is PlacedContent placed)
            CheckPlaced(file, placed);
        else
            CheckEncoded(file, map);
        if (file.Inode.Type == NodeType.SymbolicLink)
            faults.Try(file, () => ImageTree.ReadTarget(image, file.Inode));
    }

    private void CheckPlaced(CheckedFile file, PlacedContent content)
    {
        byte[] piece = ArrayPool<byte>.Shared.Rent(PieceSize);
        for (int i = 0; i < content.Extents.Length; i++)
        {
            PlacedExtent extent = content.Extents[i];
            for (long done = 0; done < extent.Length; done += PieceSize)
            {
                options.Cancellation.ThrowIfCancellationRequested();
                int count = (int)Math.Min(PieceSize, extent.Length - done);
                long at = extent.Offset + done;
                faults.Try(file, () => extent.Original.Bytes.ReadExactly(at, piece.AsSpan(0, count)));
                onBytes(count);
            }
        }
        ArrayPool<byte>.Shared.Return(piece);
    }

    /// <summary>What is in the packed file is checked with that, once; that it lies within was found with the map.</summary>
    private void CheckEncoded(CheckedFile file, DecodableMap map)
    {
        byte[] decoded = [];
        foreach (ClusterExtent extent in map.Map.Extents)
        {
            options.Cancellation.ThrowIfCancellationRequested();
            if (extent.Encoding == ClusterEncoding.Hole)
                continue;
            int length = (int)extent.Length;
            if (decoded.Length < length)
            {
                ArrayPool<byte>.Shared.Return(decoded);
                decoded = ArrayPool<byte>.Shared.Rent(length);
            }
            faults.Try(file, () => map.Decode(extent, decoded.AsSpan(0, length)));
            onBytes(length);
        }
        ArrayPool<byte>.Shared.Return(decoded);
    }
}
