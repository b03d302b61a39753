using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Describing;

/// <summary>A run of a file's bytes, and where it is stored.</summary>
/// <param name="Logical">The first byte's position in the file.</param>
/// <param name="Length">The count of file bytes.</param>
/// <param name="Source">The file that holds it; null for a hole.</param>
/// <param name="Offset">The first byte in that file, or in the packed file if <see cref="IsFragment"/>.</param>
/// <param name="StoredLength">The bytes it takes there.</param>
/// <param name="Encoding">How a cluster is encoded; null for plain data.</param>
/// <param name="IsFragment">Whether it is in the image's packed file.</param>
internal sealed record InodeExtent(
    long Logical, long Length, string? Source, long Offset, long StoredLength, ClusterEncoding? Encoding,
    bool IsFragment = false);

/// <summary>How an EROFS image keeps a file: what a tree does not say of it.</summary>
internal sealed record InodeInfo
{
    /// <summary>The node number (nid).</summary>
    public required ulong Nid { get; init; }

    /// <summary>The byte of the image at which the inode begins; null for one in the metabox, which is compressed.</summary>
    public required long? Position { get; init; }

    /// <summary>Whether the inode has the form of 64 bytes, not that of 32.</summary>
    public required bool IsExtended { get; init; }

    /// <summary>How its data is laid out, as the kernel's header calls it.</summary>
    public required string Layout { get; init; }

    /// <summary>The size in bytes; of a directory that of its blocks.</summary>
    public required long Size { get; init; }

    /// <summary>The count of names.</summary>
    public required uint LinkCount { get; init; }

    /// <summary>Bytes of extended attributes with the inode; those shared with others not counted.</summary>
    public required int XattrLength { get; init; }

    /// <summary>Where its data is, for what has data.</summary>
    public required IReadOnlyList<InodeExtent> Extents { get; init; }

    /// <summary>Looks up files of an image; null for each that there is not.</summary>
    /// <param name="image">The image.</param>
    /// <param name="devices">Its devices, in order; may be left out, as no data is read.</param>
    /// <param name="paths">Names with slashes between them, from the root.</param>
    /// <exception cref="CorruptImageException">The image contradicts itself.</exception>
    public static InodeInfo?[] Read(string image, IReadOnlyList<string> devices, IReadOnlyList<byte[]> paths)
    {
        using ErofsImage opened = ImageInfoReader.Open(image, devices);
        return [.. paths.Select(path => opened.FindInode(path) is { } inode ? Of(opened, inode) : null)];
    }

    internal static InodeInfo Of(ErofsImage image, in Inode inode) => new()
    {
        Nid = inode.Nid,
        Position = inode.IsInMetabox ? null : inode.Position,
        IsExtended = inode.Record.IsExtended,
        Layout = inode.Record.Layout switch
        {
            DataLayout.FlatPlain => "flat_plain",
            DataLayout.FlatInline => "flat_inline",
            DataLayout.CompressedFull => "compressed_full",
            DataLayout.CompressedCompact => "compressed_compact",
            _ => "chunk_based",
        },
        Size = inode.Size,
        LinkCount = inode.Record.LinkCount,
        XattrLength = inode.Record.XattrSize,
        Extents = inode.Type is NodeType.RegularFile or NodeType.Directory or NodeType.SymbolicLink
            ? [.. ExtentsOf(image.OpenContent(inode))] : [],
    };

    private static List<InodeExtent> ExtentsOf(Content content)
    {
        List<InodeExtent> extents = [];
        if (content is PlacedContent placed)
        {
            foreach (PlacedExtent extent in placed.Extents)
                extents.Add(new InodeExtent(extent.Logical, extent.Length,
                    extent.Original.Name, extent.Offset, extent.Length, null));
            return extents;
        }
        // The image's own map: whether its clusters could stand in an image of today does not matter here.
        ClusterMap map = DecodableMap.Of((EncodedContent)content).Map;
        foreach (ClusterExtent extent in map.Extents)
        {
            extents.Add(new InodeExtent(
                extent.Logical, extent.Length, extent.Original?.Name, extent.Offset, extent.EncodedLength, extent.Encoding));
        }
        if (map.Packed is { } packed && map.FragmentStart < map.Size)
        {
            long length = map.Size - map.FragmentStart;
            extents.Add(new InodeExtent(map.FragmentStart, length, packed.Name, map.FragmentOffset, length,
                null, IsFragment: true));
        }
        return extents;
    }
}
