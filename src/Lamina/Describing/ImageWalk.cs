using System.Buffers.Binary;
using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;
using Lamina.Trust;

namespace Lamina.Describing;

/// <summary>Visits every inode of an image once, and notes what each byte of the image file is used for.</summary>
internal sealed class ImageWalk(ErofsImage image) : IDisposable
{
    /// <summary>The uses, in the order in which they claim bytes: what several claim is the first one's.</summary>
    private enum Use
    {
        Header,
        Inodes,
        Xattrs,
        Maps,
        Directories,
        Inline,
        Metabox,
        Record,
        Tree,
        Data,
        Count,
    }

    private readonly ClaimRuns _claims = new();

    /// <summary>The last claim of each use, which goes on while its neighbours are met one after another.</summary>
    private readonly (long Start, long End)[] _open = new (long, long)[(int)Use.Count];
    private readonly VisitedNodes _visited = new();
    private readonly MetadataCursor _cursor = image.OpenCursor();
    private readonly HashSet<uint> _sharedXattrs = [];
    private readonly Stack<Inode> _directoriesLeft = new();
    private long _directories, _regularFiles, _symbolicLinks, _others, _names, _bytes;

    public ImageCounts Counts => new(_directories, _regularFiles, _symbolicLinks, _others, _names, _bytes);

    private SuperBlock SuperBlock => image.SuperBlock;

    /// <summary>Walks the tree, and what is beside it.</summary>
    public void Run()
    {
        ClaimHeader();
        if (SuperBlock.Has(IncompatibleFeatures.Metabox))
            ClaimSpecial(SuperBlock.MetaboxNid, Use.Metabox);
        if (image.Packed is not null)
            ClaimSpecial(SuperBlock.PackedNid, Use.Data);
        Visit(SuperBlock.RootNid);
        while (_directoriesLeft.TryPop(out Inode directory))
        {
            foreach (DirectoryItem item in DirectoryReader.Read(image, directory))
            {
                _names++;
                Visit(item.Nid);
            }
        }
    }

    /// <summary>The sum of each use; together they are the whole file.</summary>
    public ImageUse[] Uses()
    {
        for (int use = 0; use < _open.Length; use++)
            Keep((Use)use);
        long length = image.Primary.Length, at = 0;
        // Up to where each use goes on, of those that began so far.
        Span<long> ends = stackalloc long[(int)Use.Count];
        Span<long> sums = stackalloc long[(int)Use.Count];
        foreach (RegionClaim claim in _claims.InOrder())
        {
            at = Pass(at, Math.Min(claim.Start, length), ends, sums);
            ends[claim.Use] = Math.Max(ends[claim.Use], claim.End);
        }
        Pass(at, length, ends, sums);
        List<ImageUse> uses = [];
        long unused = length;
        for (int use = 0; use < sums.Length; use++)
        {
            unused -= sums[use];
            if (sums[use] > 0)
                uses.Add(new ImageUse(Describe((Use)use), sums[use]));
        }
        uses.Add(new ImageUse("not referenced", unused));
        return [.. uses];
    }

    /// <summary>Goes on to a position; each byte on the way counts for the first use that has it.</summary>
    private static long Pass(long at, long to, Span<long> ends, Span<long> sums)
    {
        while (at < to)
        {
            int use = 0;
            while (use < ends.Length && ends[use] <= at)
                use++;
            if (use == ends.Length)
                return to;
            long stop = Math.Min(to, ends[use]);
            sums[use] += stop - at;
            at = stop;
        }
        return at;
    }

    private static string Describe(Use use) => use switch
    {
        Use.Header => "header and device table",
        Use.Inodes => "inodes",
        Use.Xattrs => "extended attributes",
        Use.Maps => "maps: chunk and cluster indexes",
        Use.Directories => "directories",
        Use.Inline => "inline data",
        Use.Metabox => "metabox",
        Use.Record => "layer record",
        Use.Tree => "dm-verity tree",
        _ => "file data",
    };

    private void Claim(Use use, long start, long length)
    {
        if (length <= 0)
            return;
        ref (long Start, long End) open = ref _open[(int)use];
        if (open.End != start)
        {
            Keep(use);
            open.Start = start;
        }
        open.End = start + length;
    }

    private void Keep(Use use)
    {
        (long start, long end) = _open[(int)use];
        if (start < end)
            _claims.Add(new RegionClaim { Start = start, End = end, Use = (byte)use });
    }

    /// <inheritdoc/>
    public void Dispose() => _cursor.Dispose();

    private void ClaimHeader()
    {
        long end = SuperBlock.Offset + SuperBlock.Size + image.Configs.Size;
        Claim(Use.Header, 0, end);
        Claim(Use.Header, (long)SuperBlock.DeviceTableSlot * DeviceSlot.Size, (long)image.Space.Slots.Length * DeviceSlot.Size);
        long blocks = (long)SuperBlock.Blocks << SuperBlock.BlockBits;
        if (LayerRecordReader.Find(image.Primary.Bytes, blocks) is { } record)
            Claim(Use.Record, record.Where.Position, record.Where.Length);
        if (AppendedTree.FindExtent(image.Primary.Bytes) is { } tree)
            Claim(Use.Tree, tree.Start, tree.Length);
    }

    private void ClaimSpecial(ulong nid, Use use)
    {
        if (!_visited.Add(nid))
            return;
        Inode inode = image.ReadInode(nid, _cursor);
        ClaimInode(inode);
        ClaimContent(inode, use);
    }

    private void Visit(ulong nid)
    {
        if (!_visited.Add(nid))
            return;
        Inode inode = image.ReadInode(nid, _cursor);
        ClaimInode(inode);
        switch (inode.Type)
        {
            case NodeType.Directory:
                _directories++;
                ClaimContent(inode, Use.Directories);
                _directoriesLeft.Push(inode);
                break;
            case NodeType.RegularFile:
                _regularFiles++;
                _bytes += inode.Size;
                ClaimContent(inode, Use.Data);
                break;
            case NodeType.SymbolicLink:
                _symbolicLinks++;
                ClaimContent(inode, Use.Inline);
                break;
            default:
                _others++;
                break;
        }
    }

    private void ClaimInode(in Inode inode)
    {
        if (inode.Record.XattrSize > 0)
            ClaimSharedXattrs(inode);
        if (inode.IsInMetabox)
            return;     // those bytes are compressed, and part of the metabox's own
        Claim(Use.Inodes, inode.Position, inode.Record.RecordSize);
        Claim(Use.Xattrs, inode.Position + inode.Record.RecordSize, inode.Record.XattrSize);
    }

    private void ClaimSharedXattrs(in Inode inode)
    {
        if (SuperBlock.Has(CompatibleFeatures.SharedXattrsInMetabox))
            return;
        (long start, int size) = (inode.Position + inode.Record.RecordSize, inode.Record.XattrSize);
        ReadOnlySpan<byte> raw = inode.IsInMetabox ? image.MetadataOf(inode.Nid).Read(start, size, inode.Nid)
            : _cursor.Read(start, size, inode.Nid);
        int count = Math.Min((int)XattrHeader.Parse(raw).SharedCount, (raw.Length - XattrHeader.Size) / sizeof(uint));
        for (int i = 0; i < count; i++)
        {
            uint id = BinaryPrimitives.ReadUInt32LittleEndian(raw[(XattrHeader.Size + i * sizeof(uint))..]);
            if (!_sharedXattrs.Add(id))
                continue;
            long position = ((long)SuperBlock.XattrBlockAddress << SuperBlock.BlockBits) + (long)id * sizeof(uint);
            XattrEntryRecord record =
                XattrEntryRecord.Parse(image.MetadataOf(0).Read(position, XattrEntryRecord.Size, inode.Nid));
            Claim(Use.Xattrs, position, record.TotalSize);
        }
    }

    private void ClaimContent(in Inode inode, Use use)
    {
        Content content = image.OpenContent(inode);
        if (content is PlacedContent placed)
        {
            ClaimPlaced(inode, placed, use);
            return;
        }
        ClusterMapReader reader = new(image, inode);
        ClusterMap map = reader.Read();
        if (!inode.IsInMetabox)
            Claim(Use.Maps, inode.End, reader.End - inode.End);
        for (int i = 0; i < map.Extents.Length; i++)
        {
            ClusterExtent extent = map.Extents[i];
            if (extent.Original == image.Primary)
                Claim(map.HasInlineTail && i == map.Extents.Length - 1 ? InlineUse(use) : use,
                    extent.Offset, extent.EncodedLength);
        }
    }

    private void ClaimPlaced(in Inode inode, PlacedContent content, Use use)
    {
        if (inode.Record.Layout == DataLayout.ChunkBased && !inode.IsInMetabox)
        {
            ChunkFormat format = new((ushort)inode.Record.Union);
            long chunks = inode.Size == 0 ? 0 : ((inode.Size - 1) >> (SuperBlock.BlockBits + format.Shift)) + 1;
            long start = (inode.End + format.EntrySize - 1) & ~(format.EntrySize - 1L);
            Claim(Use.Maps, inode.End, start + chunks * format.EntrySize - inode.End);
        }
        ReadOnlySpan<PlacedExtent> extents = content.Extents;
        for (int i = 0; i < extents.Length; i++)
        {
            PlacedExtent extent = extents[i];
            if (extent.Original != image.Primary)
                continue;
            bool isInline = content.HasInlineTail && i == extents.Length - 1;
            // A block is a file's to its end.
            long length = isInline ? extent.Length : (extent.Length + image.BlockSize - 1) & ~(image.BlockSize - 1L);
            Claim(isInline ? InlineUse(use) : use, extent.Offset, length);
        }
    }

    private static Use InlineUse(Use use) => use == Use.Data ? Use.Inline : use;
}
