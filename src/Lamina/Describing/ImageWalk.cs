using System.Buffers.Binary;
using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;
using Lamina.Trust;

namespace Lamina.Describing;

/// <summary>Visits every inode of an image once, and notes what each byte of the image file is used for.</summary>
internal sealed class ImageWalk(ErofsImage image)
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

    private readonly List<(long Start, long End)>[] _claims =
        [.. Enumerable.Range(0, (int)Use.Count).Select(_ => new List<(long, long)>())];
    private readonly HashSet<ulong> _visited = [];
    private readonly HashSet<uint> _sharedXattrs = [];
    private readonly Stack<Inode> _open = new();
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
        while (_open.TryPop(out Inode directory))
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
        long length = image.Primary.Length, used = 0;
        List<(long Start, long End)> taken = [];
        List<ImageUse> uses = [];
        for (Use use = 0; use < Use.Count; use++)
        {
            taken = Join([.. taken, .. Join(_claims[(int)use])]);
            long sum = taken.Sum(range => Math.Min(range.End, length) - Math.Min(range.Start, length));
            if (sum > used)
                uses.Add(new ImageUse(Describe(use), sum - used));
            used = sum;
        }
        uses.Add(new ImageUse("not referenced", length - used));
        return [.. uses];
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

    /// <summary>Sorts ranges and joins those that touch or overlap.</summary>
    private static List<(long Start, long End)> Join(List<(long Start, long End)> ranges)
    {
        ranges.Sort();
        List<(long Start, long End)> joined = [];
        foreach ((long start, long end) in ranges)
        {
            if (joined.Count > 0 && start <= joined[^1].End)
                joined[^1] = (joined[^1].Start, Math.Max(joined[^1].End, end));
            else
                joined.Add((start, end));
        }
        return joined;
    }

    private void Claim(Use use, long start, long length)
    {
        if (length <= 0)
            return;
        List<(long Start, long End)> claims = _claims[(int)use];
        // Neighbours are met one after another, so most claims go on where the last one ended.
        if (claims.Count > 0 && claims[^1].End == start)
            claims[^1] = (claims[^1].Start, start + length);
        else
            claims.Add((start, start + length));
    }

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
        Inode inode = image.ReadInode(nid);
        ClaimInode(inode);
        ClaimContent(inode, use);
    }

    private void Visit(ulong nid)
    {
        if (!_visited.Add(nid))
            return;
        Inode inode = image.ReadInode(nid);
        ClaimInode(inode);
        switch (inode.Type)
        {
            case NodeType.Directory:
                _directories++;
                ClaimContent(inode, Use.Directories);
                _open.Push(inode);
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
        ReadOnlySpan<byte> raw = image.MetadataOf(inode.Nid).Read(
            inode.Position + inode.Record.RecordSize, inode.Record.XattrSize, inode.Nid);
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
