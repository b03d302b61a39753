using Lamina.Archives;
using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;
using Lamina.Trust;

namespace Lamina.Fuzz;

/// <summary>What stands at a place of an image. Each kind is hit equally often, however many places it has.</summary>
internal enum PlaceKind
{
    SuperBlock,
    Inode,
    Xattrs,
    Directory,
    Map,
    Chunks,
    Cluster,
    TarHeader,
    Record,
    Tree,
}

/// <summary>A run of an image's bytes that holds a structure.</summary>
internal readonly record struct Place(PlaceKind Kind, int At, int Length);

/// <summary>Finds the structures of sound images, so that changes hit what is read.</summary>
internal static class Places
{
    /// <summary>Bytes of a map that are hit: its header and the first entries, which stand for all.</summary>
    private const int MapLength = 96;

    /// <summary>Bytes of a cluster that are hit: what is wrong in the first ones is carried on the farthest.</summary>
    private const int ClusterLength = 64;

    /// <summary>The structures of an EROFS image, the superblock first.</summary>
    public static Place[] OfImage(byte[] bytes, byte[][] devices)
    {
        using ErofsImage image = ErofsImage.Open(ByteSource.FromMemory("sound", bytes),
            [.. devices.Select(device => ByteSource.FromMemory("device", device))]);
        return [.. Find(image).Where(place => place.At >= 0 && place.Length > 0)
            .Select(place => place with { Length = Math.Min(place.Length, bytes.Length - place.At) })
            .Where(place => place.Length > 0)];
    }

    /// <summary>The headers of a tar.</summary>
    public static Place[] OfTar(byte[] bytes) => [.. Enumerable.Range(0, bytes.Length / TarBlock.Size)
        .Select(block => block * TarBlock.Size).Where(at => TarBlock.IsHeader(bytes, at))
        .Select(at => new Place(PlaceKind.TarHeader, at, TarBlock.Size))];

    private static IEnumerable<Place> Find(ErofsImage image)
    {
        SuperBlock superBlock = image.SuperBlock;
        yield return new Place(PlaceKind.SuperBlock, SuperBlock.Offset, superBlock.Size + image.Configs.Size);
        if (superBlock.DeviceTableSlot > 0)
            yield return new Place(PlaceKind.SuperBlock, superBlock.DeviceTableSlot * DeviceSlot.Size, DeviceSlot.Size);
        if (superBlock.XattrPrefixCount > 0)
            yield return new Place(PlaceKind.Xattrs, (int)superBlock.XattrPrefixStart * sizeof(uint), 16);
        ByteSource file = image.Primary.Bytes;
        if (LayerRecordReader.Find(file, file.Length) is { } record)
        {
            yield return new Place(PlaceKind.Record, 0, HeadRecord.Size);
            yield return new Place(PlaceKind.Record, (int)record.Where.Position, record.Where.Length);
        }
        if (AppendedTree.FindExtent(file) is { } tree)
            yield return new Place(PlaceKind.Tree, (int)tree.Start, (int)tree.Length);
        foreach (Inode inode in Inodes(image))
        {
            foreach (Place place in Of(image, inode))
                yield return place;
        }
    }

    /// <summary>Whether a cluster index of the image says a hole, which kernels know since Linux 7.2.</summary>
    public static bool HasIndexedHoles(string path, string[] devices)
    {
        using ErofsImage image = ErofsImage.Open(path, devices);
        return Inodes(image).Any(inode => HasData(inode) && image.OpenContent(inode) is ImageEncodedContent content
            && (inode.Record.Layout == DataLayout.CompressedCompact || (content.OpenMap().Header.Advice & MapAdvice.Extents) == 0)
            && Array.Exists(content.ReadOwnMap().Extents, extent => extent.Encoding == ClusterEncoding.Hole));
    }

    private static bool HasData(in Inode inode) =>
        inode.Type is NodeType.RegularFile or NodeType.Directory or NodeType.SymbolicLink;

    private static IEnumerable<Inode> Inodes(ErofsImage image)
    {
        SuperBlock superBlock = image.SuperBlock;
        Stack<ulong> open = new([superBlock.RootNid]);
        if (superBlock.PackedNid != 0 && superBlock.Has(IncompatibleFeatures.Fragments))
            open.Push(superBlock.PackedNid);
        if (superBlock.Has(IncompatibleFeatures.Metabox))
            open.Push(superBlock.MetaboxNid);
        HashSet<ulong> seen = [];
        while (open.TryPop(out ulong nid))
        {
            if (!seen.Add(nid))
                continue;
            Inode inode = image.ReadInode(nid);
            yield return inode;
            if (inode.Type != NodeType.Directory)
                continue;
            foreach (DirectoryItem item in DirectoryReader.Read(image, inode))
                open.Push(item.Nid);
        }
    }

    private static IEnumerable<Place> Of(ErofsImage image, Inode inode)
    {
        int position = PositionOf(image, inode, inode.Position), record = inode.Record.RecordSize;
        yield return new Place(PlaceKind.Inode, position, record);
        if (inode.Record.XattrSize > 0)
            yield return new Place(PlaceKind.Xattrs, position + record, inode.Record.XattrSize);
        if (!HasData(inode))
            yield break;
        int end = PositionOf(image, inode, inode.End);
        if (inode.Record.Layout == DataLayout.ChunkBased)
            yield return new Place(PlaceKind.Chunks, end, MapLength);
        if (image.OpenContent(inode) is PlacedContent placed)
        {
            foreach (PlacedExtent extent in placed.Extents.ToArray())
            {
                if (inode.Type != NodeType.RegularFile && extent.Original == image.Primary)
                    yield return new Place(PlaceKind.Directory, (int)extent.Offset, (int)extent.Length);
            }
            yield break;
        }
        yield return new Place(PlaceKind.Map, (end + MapHeader.Alignment - 1) & ~(MapHeader.Alignment - 1), MapLength);
        foreach (ClusterExtent extent in new ClusterMapReader(image, inode).Read().Extents)
        {
            if (extent.Original == image.Primary)
                yield return new Place(PlaceKind.Cluster, (int)extent.Offset, Math.Min(extent.EncodedLength, ClusterLength));
        }
    }

    /// <summary>
    /// The image's byte for one of the metadata that an inode is in: the metabox may lie somewhere as it is. Before the image if
    /// it is compressed.
    /// </summary>
    private static int PositionOf(ErofsImage image, in Inode inode, long position)
    {
        if (!inode.IsInMetabox)
            return (int)position;
        if (image.OpenContent(image.ReadInode(image.SuperBlock.MetaboxNid)) is not PlacedContent metabox)
            return int.MinValue / 2;
        foreach (PlacedExtent extent in metabox.Extents)
        {
            if (position >= extent.Logical && position < extent.Logical + extent.Length)
                return (int)(extent.Offset + position - extent.Logical);
        }
        return int.MinValue / 2;
    }
}
