using System.Buffers.Binary;
using Lamina.Format;
using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>Claims what inodes take up: records, attributes, maps, directories, data. Follows the tree from the root.</summary>
/// <param name="image">The image.</param>
/// <param name="fileOf">The map of the image file or of a device; null for bytes that are in neither.</param>
/// <param name="primary">The map of the image file.</param>
/// <param name="metabox">The map of the metabox, if there is one.</param>
/// <param name="packed">The map of the packed file, if there is one.</param>
/// <param name="onFault">Is told what cannot be explained.</param>
internal sealed class InodeDumper(
    ErofsImage image, Func<Original, RegionMap?> fileOf, RegionMap primary, RegionMap? metabox, RegionMap? packed,
    Action<string> onFault)
{
    private const string Inodes = "inodes", Xattrs = "xattrs", Maps = "maps of data";
    private const string Directories = "directories", Links = "symbolic links";
    private const string Data = "file data", Inline = "inline file data", PackedData = "packed file", MetaboxData = "metabox";

    private readonly HashSet<ulong> _seen = [];
    private readonly HashSet<uint> _sharedXattrs = [];

    public void ClaimTree()
    {
        SuperBlock superBlock = image.SuperBlock;
        Stack<(ulong Nid, string Path)> open = new([(superBlock.RootNid, "")]);
        while (open.TryPop(out (ulong Nid, string Path) next))
        {
            if (!_seen.Add(next.Nid))
                continue;
            DirectoryItem[] items = [];
            Attempt(next.Path, () => items = ClaimInode(next.Nid, next.Path));
            for (int i = items.Length - 1; i >= 0; i--)
                open.Push((items[i].Nid, $"{next.Path}/{ShownBytes.Of(items[i].Name.Span)}"));
        }
        if (superBlock.Has(IncompatibleFeatures.Fragments) && superBlock.PackedNid != 0 && _seen.Add(superBlock.PackedNid))
            Attempt("packed file", () => ClaimHidden(superBlock.PackedNid, "the packed file", PackedData));
        if (superBlock.Has(IncompatibleFeatures.Metabox) && _seen.Add(superBlock.MetaboxNid))
            Attempt("metabox", () => ClaimHidden(superBlock.MetaboxNid, "the metabox", MetaboxData));
    }

    private void ClaimHidden(ulong nid, string what, string use)
    {
        Inode inode = image.ReadInode(nid);
        ClaimRecord(inode, what);
        ClaimData(inode, what, use, use);
    }

    private DirectoryItem[] ClaimInode(ulong nid, string path)
    {
        Inode inode = image.ReadInode(nid);
        string shown = path.Length == 0 ? "/" : path;
        ClaimRecord(inode, shown);
        switch (inode.Type)
        {
            case NodeType.RegularFile:
                ClaimData(inode, shown, Data, Inline);
                break;
            case NodeType.SymbolicLink:
                byte[] target = new ErofsEntry(image, inode, default).ReadTarget();
                ClaimData(inode, $"the target of {shown}", Links, Links, (_, _) => [ShownBytes.Of(target)]);
                break;
            case NodeType.Directory:
                ClaimData(inode, $"the directory {shown}", Directories, Directories,
                    (start, length) => Names(inode, start, length));
                return DirectoryReader.Read(image, inode);
        }
        return [];
    }

    private void ClaimRecord(Inode inode, string path)
    {
        RegionMap map = MapOf(inode);
        long end = inode.Position + inode.Record.RecordSize;
        map.Add(inode.Position, end, Inodes, $"inode {ShownBytes.OfNid(inode.Nid)}, {path}", () => DumpText.Of(inode));
        if (inode.Record.XattrSize == 0)
            return;
        byte[] raw = image.MetadataOf(inode.Nid).Read(end, inode.Record.XattrSize, inode.Nid).ToArray();
        IReadOnlyList<byte[]> prefixes = image.Xattrs.LongPrefixes;
        map.Add(end, inode.End, Xattrs, $"xattrs of {path}", () => DumpText.OfXattrs(raw, prefixes));
        int shared = XattrHeader.Parse(raw).SharedCount;
        for (int i = 0; i < shared && XattrHeader.Size + (i + 1) * sizeof(uint) <= raw.Length; i++)
            ClaimSharedXattr(BinaryPrimitives.ReadUInt32LittleEndian(raw.AsSpan(XattrHeader.Size + i * sizeof(uint))));
    }

    private void ClaimSharedXattr(uint id)
    {
        if (!_sharedXattrs.Add(id))
            return;
        (MetadataReader metadata, long position) = image.Xattrs.PlaceOfShared(id);
        XattrEntryRecord record = XattrEntryRecord.Parse(metadata.Read(position, XattrEntryRecord.Size));
        byte[] body = metadata.Read(position + XattrEntryRecord.Size, record.NameLength + record.ValueSize).ToArray();
        RegionMap map = metadata == image.MetadataOf(0) ? primary : metabox!;
        map.Add(position, position + record.TotalSize, Xattrs, $"shared xattr {id}",
            () => [DumpText.OfXattr(record, body, image.Xattrs.LongPrefixes)]);
    }

    /// <summary>Claims all data of an inode and the map that leads to it.</summary>
    /// <param name="inode">The inode.</param>
    /// <param name="what">Whose data it is.</param>
    /// <param name="use">What it counts for.</param>
    /// <param name="inlineUse">What inline data counts for.</param>
    /// <param name="details">What is in a run of the inode's bytes.</param>
    private void ClaimData(
        Inode inode, string what, string use, string inlineUse, Func<long, long, IEnumerable<string>>? details = null)
    {
        Content content = image.OpenContent(inode);
        if (content is PlacedContent placed)
        {
            if (inode.Record.Layout == DataLayout.ChunkBased)
                ClaimChunkTable(inode, what);
            for (int i = 0; i < placed.Extents.Length; i++)
            {
                bool isInline = placed.HasInlineTail && i == placed.Extents.Length - 1;
                ClaimPlaced(inode, placed.Extents[i], isInline, what, isInline ? inlineUse : use, details);
            }
            return;
        }
        ClusterMapReader reader = ((ImageEncodedContent)content).OpenMap();
        ClusterMap map = reader.Read();
        bool isExtents = inode.Record.Layout == DataLayout.CompressedFull && (reader.Header.Advice & MapAdvice.Extents) != 0;
        MapOf(inode).Add(reader.Position, reader.End, Maps, $"map of {what}",
            () => [.. DumpText.Of(reader, map, isExtents), .. details?.Invoke(0, inode.Size) ?? []]);
        for (int i = 0; i < map.Extents.Length; i++)
        {
            ClusterExtent extent = map.Extents[i];
            if (extent.Encoding == ClusterEncoding.Hole)
                continue;
            string text = $"{DumpText.Kind(extent)} of {what}, bytes {extent.Logical} to {extent.Logical + extent.Length}";
            if (map.HasInlineTail && i == map.Extents.Length - 1 && reader.InlinePosition is { } position)
                MapOf(inode).Add(position, position + extent.EncodedLength, inlineUse, $"inline {text}");
            else
                fileOf(extent.Original!)?.Add(extent.Offset, extent.Offset + extent.EncodedLength, use, text);
        }
        if (map.Packed is not null)
        {
            long length = map.Size - map.FragmentStart;
            packed?.Add(map.FragmentOffset, map.FragmentOffset + length, use, $"{what}, bytes {map.FragmentStart} to {map.Size}");
        }
    }

    private void ClaimPlaced(
        Inode inode, PlacedExtent extent, bool isInline, string what, string use, Func<long, long, IEnumerable<string>>? details)
    {
        RegionMap? map = isInline ? MapOf(inode) : fileOf(extent.Original);
        long position = isInline ? inode.End : extent.Offset;
        // A directory is explained block by block, as each block begins with records of its own.
        long step = use == Directories ? image.BlockSize : extent.Length;
        for (long done = 0; done < extent.Length; done += step)
        {
            long start = extent.Logical + done, length = Math.Min(step, extent.Length - done);
            map?.Add(position + done, position + done + length, use,
                $"{what}, bytes {start} to {start + length}{(isInline ? ", inline" : "")}",
                details is null ? null : () => details(start, length));
        }
    }

    private void ClaimChunkTable(Inode inode, string what)
    {
        ChunkFormat format = new((ushort)inode.Record.Union);
        int chunkBits = image.SuperBlock.BlockBits + format.Shift;
        long count = inode.Size == 0 ? 0 : ((inode.Size - 1) >> chunkBits) + 1;
        long table = (inode.End + format.EntrySize - 1) & ~(format.EntrySize - 1L);
        MapOf(inode).Add(table, table + count * format.EntrySize, Maps,
            $"chunk table of {what}: {count} chunks of {1L << chunkBits} bytes",
            () => Chunks(inode, format, table, count));
    }

    /// <summary>The chunks' blocks; those that follow one another in a line.</summary>
    private IEnumerable<string> Chunks(Inode inode, ChunkFormat format, long table, long count)
    {
        ulong mask = format is { HasIndexes: true, IsWide: true } ? ChunkIndex.WideHole : ChunkIndex.NarrowHole;
        ulong step = 1UL << format.Shift;
        ChunkIndex first = default, last = default;
        long from = 0;
        for (long i = 0; i <= count; i++)
        {
            ChunkIndex index = default;
            if (i < count)
            {
                int size = format.EntrySize;
                byte[] bytes = image.MetadataOf(inode.Nid).Read(table + i * size, size, inode.Nid).ToArray();
                index = format.HasIndexes ? ChunkIndex.Parse(bytes)
                    : new ChunkIndex(0, BinaryPrimitives.ReadUInt32LittleEndian(bytes));
            }
            bool isHole = (last.Block & mask) == mask;
            bool goesOn = i > 0 && i < count && index.Device == last.Device &&
                index.Block == (isHole ? last.Block : last.Block + step);
            if (i > 0 && !goesOn)
            {
                string device = first.Device == 0 ? "" : $" of device {first.Device}";
                yield return $"chunks {from} to {i}: {(isHole ? "hole" : $"from block 0x{first.Block:x}{device}")}";
            }
            if (!goesOn)
                (first, from) = (index, i);
            last = index;
        }
    }

    private IEnumerable<string> Names(Inode inode, long start, long length)
    {
        ContentSource source = image.OpenSource(image.OpenContent(inode));
        byte[] block = new byte[image.BlockSize];
        for (long done = 0; done < length; done += block.Length)
        {
            int count = (int)Math.Min(block.Length, length - done);
            source.ReadExactly(start + done, block.AsSpan(0, count));
            foreach (string line in DumpText.OfDirectory(block[..count]))
                yield return line;
        }
    }

    private RegionMap MapOf(in Inode inode) => inode.IsInMetabox ? metabox! : primary;

    private void Attempt(string path, Action action)
    {
        try
        {
            action();
        }
        catch (CorruptImageException corrupt)
        {
            onFault($"{path}: {corrupt.Message}");
        }
        catch (UnsupportedImageException unsupported)
        {
            onFault($"{path}: {unsupported.Message}");
        }
    }
}
