using System.Buffers.Binary;
using Lamina.Format;
using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>From an inode to where its data is: the five data layouts become two kinds of content.</summary>
internal static class ContentOpener
{
    /// <summary>The largest chunk, as log2 of bytes: what 31 shifts make of blocks of 4096 bytes.</summary>
    private const int MaxChunkBits = 43;

    public static Content Open(ErofsImage image, in Inode inode) => inode.Record.Layout switch
    {
        DataLayout.FlatPlain => OpenFlat(image, inode, 0),
        DataLayout.FlatInline => OpenFlat(image, inode, image.InlineTailOf(inode.Size)),
        DataLayout.ChunkBased => OpenChunks(image, inode),
        _ => new ImageEncodedContent(image, inode),
    };

    /// <summary>Blocks in one run, and with an inline layout the rest of the last one behind the inode.</summary>
    private static PlacedContent OpenFlat(ErofsImage image, in Inode inode, int tail)
    {
        int blockSize = image.BlockSize;
        if (inode.Size == 0)
            return new PlacedContent(0, [], blockSize);
        long body = inode.Size - tail;
        ulong block = inode.Record.WideUnion;
        // As wide as the inode's form has it, whatever the superblock announces (erofs_read_inode).
        bool isWide = inode.Record.IsExtended
            || (inode.Record.IsSingleLinkOrDotOmitted && inode.Type != NodeType.Directory);
        ulong mask = isWide ? ChunkIndex.WideHole : ChunkIndex.NarrowHole;
        bool isHole = inode.Record.Layout == DataLayout.FlatPlain && (block & mask) == mask;
        if (isHole)
            return new PlacedContent(inode.Size, [], blockSize);
        if (tail == 0)
        {
            (Original original, long offset, long length) =
                image.Space.Resolve(inode, 0, block << image.SuperBlock.BlockBits, body);
            if (length == body)
                return new PlacedContent(inode.Size, new PlacedExtent(0, original, offset, body), blockSize);
        }
        if (body == 0)
            return new PlacedContent(inode.Size, InlineTail(image, inode, 0, tail), blockSize) { HasInlineTail = true };
        List<PlacedExtent> extents = [];
        AddRun(image, inode, 0, block << image.SuperBlock.BlockBits, 0, body, extents);
        if (tail > 0)
            extents.Add(InlineTail(image, inode, body, tail));
        return extents.Count == 1
            ? new PlacedContent(inode.Size, extents[0], blockSize) { HasInlineTail = tail > 0 }
            : new PlacedContent(inode.Size, [.. extents], blockSize) { HasInlineTail = tail > 0 };
    }

    private static PlacedExtent InlineTail(ErofsImage image, in Inode inode, long logical, int length)
    {
        if (inode.IsInMetabox)
        {
            // The metabox is compressed: what is inline there is in no file, so it is taken out.
            byte[] bytes = image.MetadataOf(inode.Nid).Read(inode.End, length, inode.Nid).ToArray();
            return new PlacedExtent(logical, new Original(ByteSource.FromMemory(image.Name, bytes), OriginalKind.Erofs), 0,
                length);
        }
        if (inode.End % image.BlockSize + length > image.BlockSize || inode.End > image.Primary.Length - length)
            throw image.Corrupt(inode, $"{length} bytes of inline data do not fit into the block they begin in", inode.End);
        return new PlacedExtent(logical, image.Primary, inode.End, length);
    }

    private static PlacedContent OpenChunks(ErofsImage image, in Inode inode)
    {
        ChunkFormat format = new((ushort)inode.Record.Union);
        if (format.HasUnknownBits)
            throw image.Corrupt(inode, $"chunk format 0x{format.Value:x} has bits that are not known");
        int chunkBits = image.SuperBlock.BlockBits + format.Shift;
        if (chunkBits > MaxChunkBits)
            throw image.Corrupt(inode, $"chunks of 2^{chunkBits} bytes are larger than any file system");
        long chunks = inode.Size == 0 ? 0 : ((inode.Size - 1) >> chunkBits) + 1;
        using MetadataCursor metadata = new(image.MetadataOf(inode.Nid));
        long table = (inode.End + format.EntrySize - 1) & ~(format.EntrySize - 1L);
        if (chunks > (metadata.Reader.Length - table) / format.EntrySize)
            throw image.Corrupt(inode, $"{chunks} chunk entries reach past the end of the image", table);
        image.ClaimTable(inode, table + chunks * format.EntrySize);
        int deviceMask = (1 << System.Numerics.BitOperations.Log2((uint)image.Space.Slots.Length * 2 + 1)) - 1;
        ulong mask = format is { HasIndexes: true, IsWide: true } ? ChunkIndex.WideHole : ChunkIndex.NarrowHole;
        List<PlacedExtent> extents = [];
        for (long chunk = 0; chunk < chunks; chunk++)
        {
            ReadOnlySpan<byte> bytes = metadata.Read(table + chunk * format.EntrySize, format.EntrySize, inode.Nid);
            ChunkIndex index = format.HasIndexes ? ChunkIndex.Parse(bytes)
                : new ChunkIndex(0, BinaryPrimitives.ReadUInt32LittleEndian(bytes));
            ulong block = index.Block & mask;
            if (block == mask)
                continue;
            long logical = chunk << chunkBits;
            long length = Math.Min(1L << chunkBits, inode.Size - logical);
            AddRun(image, inode, index.Device & deviceMask, block << image.SuperBlock.BlockBits, logical, length, extents);
        }
        return extents.Count == 1
            ? new PlacedContent(inode.Size, extents[0], image.BlockSize)
            : new PlacedContent(inode.Size, [.. extents], image.BlockSize);
    }

    /// <summary>Adds a run, joined to the one before where it goes on there.</summary>
    private static void AddRun(
        ErofsImage image, in Inode inode, int device, ulong address, long logical, long length, List<PlacedExtent> extents)
    {
        while (length > 0)
        {
            (Original original, long offset, long part) = image.Space.Resolve(inode, device, address, length);
            if (extents.Count > 0 && extents[^1] is var last && last.Original == original &&
                last.Logical + last.Length == logical && last.Offset + last.Length == offset)
            {
                extents[^1] = last with { Length = last.Length + part };
            }
            else
            {
                extents.Add(new PlacedExtent(logical, original, offset, part));
            }
            address += (ulong)part;
            logical += part;
            length -= part;
        }
    }
}

/// <summary>A compressed file of an image; its map is read when asked for.</summary>
internal sealed class ImageEncodedContent(ErofsImage image, Inode inode) : EncodedContent
{
    public override long Size => inode.Size;

    public override int BlockSize => image.BlockSize;

    /// <summary>The image that the file is in.</summary>
    public Original Image => image.Primary;

    /// <summary>Whether LZ4 clusters begin at their first byte, as before Linux 5.3.</summary>
    public bool IsUnpadded => !image.SuperBlock.Has(IncompatibleFeatures.Lz4ZeroPadding);

    /// <summary>The map, for those who put its clusters into another image.</summary>
    /// <exception cref="UnsupportedImageException">The clusters cannot stand in an image as it is written today.</exception>
    public override ClusterMap ReadMap()
    {
        ClusterMap map = ReadOwnMap();
        if (IsUnpadded && map.Extents.Any(extent => extent.Encoding == ClusterEncoding.Lz4))
        {
            throw new UnsupportedImageException(image.Name, "LZ4 clusters without 0padding, the form before Linux 5.3",
                "Make the image anew with a current mkfs.erofs.");
        }
        return map;
    }

    /// <summary>The map, for reading the image itself.</summary>
    public ClusterMap ReadOwnMap() => OpenMap().Read();

    /// <inheritdoc/>
    public override ContentSource Open(string name = "file") =>
        new EncodedSource(name, Size, () => DecodableMap.Of(this), image.Clusters);

    /// <summary>What reads the map, and knows where it stands.</summary>
    public ClusterMapReader OpenMap() => new(image, inode);
}
