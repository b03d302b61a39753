using System.Buffers.Binary;
using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Describing;

/// <summary>Claims what inodes take up: records, attributes, maps, directories, data. Follows the tree from the root.</summary>
/// <param name="image">The image.</param>
/// <param name="fileOf">The map of the image file or of a device; null for bytes that are in neither.</param>
/// <param name="primary">The map of the image file.</param>
/// <param name="metabox">The map of the metabox, if there is one.</param>
/// <param name="packed">The map of the packed file, if there is one.</param>
/// <param name="onFault">Is told what cannot be explained.</param>
internal sealed class InodeDumper(
    ErofsImage image, Func<Original, RegionMap?> fileOf, RegionMap primary, RegionMap? metabox, RegionMap? packed,
    Action<string> onFault) : IExplainer, IDisposable
{
    private const string Inodes = "inodes", Xattrs = "xattrs", Maps = "maps of data";
    private const string Directories = "directories", Links = "symbolic links";
    private const string Data = "file data", Inline = "inline file data", PackedData = "packed file", MetaboxData = "metabox";

    /// <summary>What a claim is; the flags of a cluster are its encoding and these.</summary>
    private const byte Record = 1, XattrBlock = 2, SharedXattr = 3, Map = 4, ChunkTable = 5, Run = 6, InlineRun = 7, Cluster = 8;

    private const byte Fragment = 9, Partial = 0x80, InlineCluster = 0x40;

    private readonly CheckedFiles _files = new(image);
    private readonly MetadataCursor _cursor = image.OpenCursor();
    private readonly HashSet<uint> _sharedXattrs = [];

    public void ClaimTree()
    {
        SuperBlock superBlock = image.SuperBlock;
        Stack<int> open = new();
        if (Meet(superBlock.RootNid, -1, 0, () => "") is { } root)
            open.Push(root);
        List<int> found = [];
        while (open.TryPop(out int directory))
        {
            found.Clear();
            Attempt(() => PathOf(directory), () => ClaimNames(directory, found));
            for (int i = found.Count - 1; i >= 0; i--)
                open.Push(found[i]);
        }
        if (superBlock.Has(IncompatibleFeatures.Fragments) && superBlock.PackedNid != 0 && _files.Find(superBlock.PackedNid) < 0)
            Meet(superBlock.PackedNid, -1, 0, () => "packed file");
        if (superBlock.Has(IncompatibleFeatures.Metabox) && _files.Find(superBlock.MetaboxNid) < 0)
            Meet(superBlock.MetaboxNid, -1, 0, () => "metabox");
    }

    private void ClaimNames(int directory, List<int> found)
    {
        Inode inode = image.ReadInode(_files.NidOf(directory), _cursor);
        foreach (DirectoryItem item in DirectoryReader.Enumerate(image, inode))
        {
            if (_files.Find(item.Nid) >= 0)
                continue;
            string Path() => $"{(directory == 0 ? "" : PathOf(directory))}/{ShownBytes.Of(item.Name.Span)}";
            if (Meet(item.Nid, directory, item.Place, Path) is { } number)
                found.Add(number);
        }
    }

    /// <summary>Claims all that an inode takes up. The number of a directory that is to be looked into.</summary>
    private int? Meet(ulong nid, int parent, long place, Func<string> path)
    {
        int number = -1;
        Inode inode = default;
        Attempt(path, () =>
        {
            inode = image.ReadInode(nid, _cursor);
            number = _files.Add(inode, parent, place, hasData: false);
            ClaimRecord(inode, number);
            if (parent < 0 && nid != image.SuperBlock.RootNid)
            {
                string use = nid == image.SuperBlock.PackedNid ? PackedData : MetaboxData;
                ClaimData(inode, number, use, use);
                return;
            }
            if (inode.Type == NodeType.RegularFile)
                ClaimData(inode, number, Data, Inline);
            else if (inode.Type is NodeType.SymbolicLink or NodeType.Directory)
                ClaimData(inode, number, UseOf(inode.Type), UseOf(inode.Type));
            if (inode.Type == NodeType.SymbolicLink)
                _ = ImageTree.ReadTarget(image, inode);
        });
        return number >= 0 && inode.Type == NodeType.Directory ? number : null;
    }

    private static string UseOf(NodeType type) => type == NodeType.Directory ? Directories : Links;

    private void ClaimRecord(Inode inode, int owner)
    {
        RegionMap map = MapOf(inode);
        long end = inode.Position + inode.Record.RecordSize;
        map.Add(new RegionClaim { Start = inode.Position, End = end, Owner = owner, Kind = Record }, Inodes);
        if (inode.Record.XattrSize == 0)
            return;
        ReadOnlySpan<byte> raw = Read(inode, end, inode.Record.XattrSize);
        map.Add(new RegionClaim { Start = end, End = inode.End, Owner = owner, Kind = XattrBlock }, Xattrs);
        int shared = XattrHeader.Parse(raw).SharedCount;
        for (int i = 0; i < shared && XattrHeader.Size + (i + 1) * sizeof(uint) <= raw.Length; i++)
            ClaimSharedXattr(BinaryPrimitives.ReadUInt32LittleEndian(raw[(XattrHeader.Size + i * sizeof(uint))..]), owner);
    }

    private void ClaimSharedXattr(uint id, int owner)
    {
        if (!_sharedXattrs.Add(id))
            return;
        (MetadataReader metadata, long position) = image.Xattrs.PlaceOfShared(id);
        XattrEntryRecord record = XattrEntryRecord.Parse(metadata.Read(position, XattrEntryRecord.Size));
        metadata.Check(position, XattrEntryRecord.Size + record.NameLength + record.ValueSize, null);
        RegionMap map = metadata == image.MetadataOf(0) ? primary : metabox!;
        map.Add(new RegionClaim
        {
            Start = position,
            End = position + record.TotalSize,
            Owner = owner,
            Kind = SharedXattr,
            Logical = id,
        }, Xattrs);
    }

    /// <summary>Claims all data of an inode and the map that leads to it.</summary>
    private void ClaimData(Inode inode, int owner, string use, string inlineUse)
    {
        Content content = image.OpenContent(inode);
        if (content is PlacedContent placed)
        {
            if (inode.Record.Layout == DataLayout.ChunkBased)
            {
                (long table, long count, int size) = ChunkTableOf(inode);
                MapOf(inode).Add(
                    new RegionClaim { Start = table, End = table + count * size, Owner = owner, Kind = ChunkTable }, Maps);
            }
            for (int i = 0; i < placed.Extents.Length; i++)
            {
                bool isInline = placed.HasInlineTail && i == placed.Extents.Length - 1;
                ClaimPlaced(inode, placed.Extents[i], isInline, owner, isInline ? inlineUse : use);
            }
            return;
        }
        ClusterMapReader reader = ((ImageEncodedContent)content).OpenMap();
        ClusterMap map = reader.Read();
        MapOf(inode).Add(new RegionClaim { Start = reader.Position, End = reader.End, Owner = owner, Kind = Map }, Maps);
        for (int i = 0; i < map.Extents.Length; i++)
        {
            ClusterExtent extent = map.Extents[i];
            if (extent.Encoding == ClusterEncoding.Hole)
                continue;
            RegionClaim claim = new()
            {
                Start = extent.Offset,
                End = extent.Offset + extent.EncodedLength,
                Owner = owner,
                Kind = Cluster,
                Flags = (byte)((byte)extent.Encoding | (extent.IsPartial ? Partial : 0)),
                Logical = extent.Logical,
                Length = (int)extent.Length,
            };
            if (map.HasInlineTail && i == map.Extents.Length - 1 && reader.InlinePosition is { } position)
            {
                MapOf(inode).Add(claim with
                {
                    Start = position,
                    End = position + extent.EncodedLength,
                    Flags = (byte)(claim.Flags | InlineCluster),
                }, inlineUse);
            }
            else
            {
                fileOf(extent.Original!)?.Add(claim, use);
            }
        }
        if (map.Packed is not null)
        {
            packed?.Add(new RegionClaim
            {
                Start = map.FragmentOffset,
                End = map.FragmentOffset + map.Size - map.FragmentStart,
                Owner = owner,
                Kind = Fragment,
                Logical = map.FragmentStart,
            }, use);
        }
    }

    private void ClaimPlaced(Inode inode, PlacedExtent extent, bool isInline, int owner, string use)
    {
        RegionMap? map = isInline ? MapOf(inode) : fileOf(extent.Original);
        long position = isInline ? inode.End : extent.Offset;
        // A directory is explained block by block, as each block begins with records of its own.
        long step = use == Directories ? image.BlockSize : extent.Length;
        for (long done = 0; done < extent.Length; done += step)
        {
            map?.Add(new RegionClaim
            {
                Start = position + done,
                End = position + done + Math.Min(step, extent.Length - done),
                Owner = owner,
                Kind = isInline ? InlineRun : Run,
                Logical = extent.Logical + done,
            }, use);
        }
    }

    private (long Table, long Count, int EntrySize) ChunkTableOf(Inode inode)
    {
        ChunkFormat format = new((ushort)inode.Record.Union);
        int chunkBits = image.SuperBlock.BlockBits + format.Shift;
        long count = inode.Size == 0 ? 0 : ((inode.Size - 1) >> chunkBits) + 1;
        return ((inode.End + format.EntrySize - 1) & ~(format.EntrySize - 1L), count, format.EntrySize);
    }

    /// <inheritdoc/>
    public string TextOf(RegionClaim claim)
    {
        Inode inode = image.ReadInode(_files.NidOf(claim.Owner), _cursor);
        string what = WhatOf(claim.Owner, inode);
        long end = claim.Logical + claim.End - claim.Start;
        return claim.Kind switch
        {
            Record => $"inode {ShownBytes.OfNid(inode.Nid)}, {PathOf(claim.Owner)}",
            XattrBlock => $"xattrs of {PathOf(claim.Owner)}",
            SharedXattr => $"shared xattr {claim.Logical}",
            Map => $"map of {what}",
            ChunkTable => TextOfChunks(inode, what),
            Run => $"{what}, bytes {claim.Logical} to {end}",
            InlineRun => $"{what}, bytes {claim.Logical} to {end}, inline",
            Fragment => $"{what}, bytes {claim.Logical} to {end}",
            _ => $"{TextOfCluster(claim)} of {what}, bytes {claim.Logical} to {claim.Logical + claim.Length}",
        };
    }

    /// <inheritdoc/>
    public IEnumerable<string> DetailsOf(RegionClaim claim)
    {
        Inode inode = image.ReadInode(_files.NidOf(claim.Owner), _cursor);
        switch (claim.Kind)
        {
            case Record:
                return DumpText.Of(inode);
            case XattrBlock:
                int size = inode.Record.XattrSize;
                byte[] raw = Read(inode, inode.End - size, size).ToArray();
                return DumpText.OfXattrs(raw, image.Xattrs.LongPrefixes);
            case SharedXattr:
                return [TextOfShared((uint)claim.Logical)];
            case Map:
                ClusterMapReader reader = ((ImageEncodedContent)image.OpenContent(inode)).OpenMap();
                ClusterMap map = reader.Read();
                bool isExtents = inode.Record.Layout == DataLayout.CompressedFull &&
                    (reader.Header.Advice & MapAdvice.Extents) != 0;
                return [.. DumpText.Of(reader, map, isExtents), .. DataOf(inode, 0, inode.Size)];
            case ChunkTable:
                (long table, long count, _) = ChunkTableOf(inode);
                return Chunks(inode, new ChunkFormat((ushort)inode.Record.Union), table, count);
            case Run or InlineRun:
                return DataOf(inode, claim.Logical, claim.End - claim.Start);
            default:
                return [];
        }
    }

    /// <summary>What is in a run of the data of directories and links.</summary>
    private IEnumerable<string> DataOf(Inode inode, long start, long length) => inode.Type switch
    {
        NodeType.Directory => Names(inode, start, length),
        NodeType.SymbolicLink => [ShownBytes.Of(ImageTree.ReadTarget(image, inode))],
        _ => [],
    };

    private string TextOfShared(uint id)
    {
        (MetadataReader metadata, long position) = image.Xattrs.PlaceOfShared(id);
        XattrEntryRecord record = XattrEntryRecord.Parse(metadata.Read(position, XattrEntryRecord.Size));
        ReadOnlySpan<byte> body = metadata.Read(position + XattrEntryRecord.Size, record.NameLength + record.ValueSize);
        return DumpText.OfXattr(record, body, image.Xattrs.LongPrefixes);
    }

    private string TextOfChunks(Inode inode, string what)
    {
        (_, long count, _) = ChunkTableOf(inode);
        int chunkBits = image.SuperBlock.BlockBits + new ChunkFormat((ushort)inode.Record.Union).Shift;
        return $"chunk table of {what}: {count} chunks of {1L << chunkBits} bytes";
    }

    private static string TextOfCluster(RegionClaim claim)
    {
        ClusterEncoding encoding = (ClusterEncoding)(claim.Flags & ~(Partial | InlineCluster));
        string kind = DumpText.Kind(encoding, (claim.Flags & Partial) != 0);
        return (claim.Flags & InlineCluster) != 0 ? $"inline {kind}" : kind;
    }

    /// <summary>What the data of an inode is called.</summary>
    private string WhatOf(int owner, Inode inode) => _files.IsNamed(owner) ? inode.Type switch
    {
        NodeType.SymbolicLink => $"the target of {PathOf(owner)}",
        NodeType.Directory => $"the directory {PathOf(owner)}",
        _ => PathOf(owner),
    } : PathOf(owner);

    /// <summary>The path, or the end of one that is so long that no program can name it.</summary>
    private string PathOf(int owner)
    {
        if (_files.PathOf(owner) is { } path)
            return ShownBytes.Of(path.Span);
        if (!_files.IsNamed(owner))
            return _files.NidOf(owner) == image.SuperBlock.PackedNid ? "the packed file" : "the metabox";
        return $".../{ShownBytes.Of(_files.NameOf(owner))}";
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
                byte[] bytes = Read(inode, table + i * size, size).ToArray();
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

    /// <summary>Reads next to an inode; what comes out holds until the next reading.</summary>
    private ReadOnlySpan<byte> Read(in Inode inode, long position, int count) => inode.IsInMetabox
        ? image.MetadataOf(inode.Nid).Read(position, count, inode.Nid) : _cursor.Read(position, count, inode.Nid);

    /// <inheritdoc/>
    public void Dispose() => _cursor.Dispose();

    private RegionMap MapOf(in Inode inode) => inode.IsInMetabox ? metabox! : primary;

    private void Attempt(Func<string> path, Action action)
    {
        try
        {
            action();
        }
        catch (CorruptImageException corrupt)
        {
            onFault($"{path()}: {corrupt.Message}");
        }
        catch (UnsupportedImageException unsupported)
        {
            onFault($"{path()}: {unsupported.Message}");
        }
    }
}
