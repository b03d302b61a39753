using Lamina.Format;
using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>
/// Reads the map of a compressed inode, whichever form it has: whole fragment, full index, compact index, encoded extents. All
/// become one list of extents.
/// </summary>
internal sealed class ClusterMapReader
{
    /// <summary>
    /// The largest cluster and the most it may decode to (<c>Z_EROFS_PCLUSTER_MAX_SIZE</c>, <c>_MAX_DSIZE</c>), in bytes.
    /// </summary>
    public const int MaxClusterSize = 1 << 20, MaxDecodedSize = 12 << 20;

    private const IncompatibleFeatures WithHeader = IncompatibleFeatures.CompressionConfigs | IncompatibleFeatures.TailPacking |
        IncompatibleFeatures.Fragments | IncompatibleFeatures.Wide48Bit | IncompatibleFeatures.Metabox;

    private readonly ErofsImage _image;
    private readonly Inode _inode;
    private readonly MetadataCursor _metadata;
    private readonly long _mapPosition;
    private readonly MapHeader _header;
    private readonly int _blockBits;
    private readonly List<ClusterExtent> _extents = [];

    public ClusterMapReader(ErofsImage image, in Inode inode)
    {
        _image = image;
        _inode = inode;
        _metadata = new MetadataCursor(image.MetadataOf(inode.Nid));
        _mapPosition = (inode.End + MapHeader.Alignment - 1) & ~(MapHeader.Alignment - 1L);
        // Before clusters had sizes and codecs, nobody read the header of a full index (z_erofs_fill_inode, fs/erofs/zmap.c).
        bool hasHeader = inode.Record.Layout != DataLayout.CompressedFull || (image.SuperBlock.Incompatible & WithHeader) != 0;
        ReadOnlySpan<byte> header = _metadata.Read(_mapPosition, MapHeader.Size, inode.Nid);
        MapHeader found = MapHeader.Parse(header);
        if (!hasHeader && found.Value != 0)
            throw image.Corrupt(inode, "its map has a header, which no feature of the superblock announces", _mapPosition);
        _header = hasHeader ? found : default;
        _blockBits = image.SuperBlock.BlockBits;
    }

    private bool HasExtents =>
        _inode.Record.Layout == DataLayout.CompressedFull && (_header.Advice & MapAdvice.Extents) != 0;

    private long IndexPosition => _mapPosition + MapHeader.Size;

    /// <summary>The header that the map begins with.</summary>
    public MapHeader Header => _header;

    /// <summary>The header's first byte, in the metadata that the inode is in.</summary>
    public long Position => _mapPosition;

    /// <summary>The first byte behind header and index; known when the map was read.</summary>
    public long End { get; private set; }

    /// <summary>The first byte of an inline cluster, if there is one; known when the map was read.</summary>
    public long? InlinePosition { get; private set; }

    public ClusterMap Read()
    {
        using MetadataCursor cursor = _metadata;
        End = IndexPosition;
        if (_header.IsWholeFragment)
            return Map(Fragment(0, _header.WholeFragmentOffset), 0, false);
        if (HasExtents)
            return ReadExtents();
        return ReadIndex();
    }

    private ClusterMap Map((PackedFile File, long Offset, long Start)? fragment, long end, bool hasInlineTail) => new()
    {
        Size = _inode.Size,
        BlockSize = _image.BlockSize,
        Extents = CheckedExtents(fragment?.Start ?? end),
        Blocks = (long)_inode.Record.WideUnion,
        HasInlineTail = hasInlineTail,
        Packed = fragment?.File,
        FragmentOffset = fragment?.Offset ?? 0,
        FragmentStart = fragment?.Start ?? _inode.Size,
    };

    /// <summary>
    /// Gives each extent its length, now that the next one's start is known, and checks what then can be checked.
    /// </summary>
    private ClusterExtent[] CheckedExtents(long end)
    {
        ClusterExtent[] extents = [.. _extents];
        for (int i = 0; i < extents.Length; i++)
        {
            long next = i + 1 < extents.Length ? extents[i + 1].Logical : end;
            long length = next - extents[i].Logical;
            if (length <= 0)
                throw _image.Corrupt(_inode, $"an extent begins at {next}, the one before at {extents[i].Logical}", _mapPosition);
            extents[i] = extents[i] with { Length = length };
            if (extents[i].Encoding == ClusterEncoding.Hole)
                continue;
            if (length > MaxDecodedSize)
                throw _image.Corrupt(_inode, $"a cluster of {length} decoded bytes is above {MaxDecodedSize}", _mapPosition);
            bool isPlain = extents[i].Encoding is ClusterEncoding.Shifted or ClusterEncoding.Interlaced;
            if (isPlain && length > extents[i].EncodedLength)
                throw _image.Corrupt(_inode, $"{length} uncompressed bytes in a cluster of {extents[i].EncodedLength}",
                    _mapPosition);
            // Linux 7.2 reads no such extent but the last ("too much compressed data", z_erofs_map_sanity_check). In an index it
            // depends on what is read, and older mkfs.erofs wrote such clusters.
            if (HasExtents && !isPlain && length < extents[i].EncodedLength && next < _inode.Size)
                throw _image.Corrupt(_inode, $"a cluster of {extents[i].EncodedLength} bytes decodes to {length}", _mapPosition);
        }
        if (extents.Length > 0 && extents[0].Logical != 0)
            throw _image.Corrupt(_inode, $"the first extent begins at {extents[0].Logical}, not at 0", _mapPosition);
        if (extents.Length == 0 && end > 0)
            throw _image.Corrupt(_inode, "no extents, though the file is not empty", _mapPosition);
        return extents;
    }

    private (PackedFile File, long Offset, long Start) Fragment(long start, ulong offset)
    {
        // Where the packed file or the metabox leads back to itself there is no first byte to begin with.
        if (_image.IsNeededForPacked(_inode))
            throw _image.Corrupt(_inode, "the packed file would be needed to read the packed file", _mapPosition);
        PackedFile packed = _image.Packed ?? throw _image.Corrupt(_inode, "a fragment, but the image has no packed file",
            _mapPosition);
        long length = _inode.Size - start;
        if (offset > (ulong)packed.Content.Size || length > packed.Content.Size - (long)offset)
        {
            throw _image.Corrupt(_inode,
                $"its fragment at {offset} ({length} bytes) reaches past the packed file's {packed.Content.Size} bytes",
                    _mapPosition);
        }
        return (packed, (long)offset, start);
    }

    private void CheckKnown(int algorithm)
    {
        if (algorithm > (int)ClusterEncoding.Zstd)
            throw new UnsupportedImageException(_image.Name,
                $"inode {_inode.Nid}: compression algorithm {algorithm} is not known");
    }

    private ClusterEncoding Codec(int algorithm)
    {
        CheckKnown(algorithm);
        // Before there were configurations there was LZ4 alone, and nothing that said so.
        int announced = _image.SuperBlock.Has(IncompatibleFeatures.CompressionConfigs) ? _image.Configs.Algorithms : 1;
        if ((announced & (1 << algorithm)) == 0)
            throw _image.Corrupt(_inode, $"algorithm {(ClusterEncoding)algorithm} is not among those the superblock names",
                _mapPosition);
        return (ClusterEncoding)algorithm;
    }

    private ClusterMap ReadIndex()
    {
        int clusterBits = _blockBits + _header.ClusterShift;
        if (clusterBits > CompactIndex.MaxClusterBits + 2)
            throw _image.Corrupt(_inode, $"logical clusters of 2^{clusterBits} bytes are not possible", _mapPosition);
        bool isCompact = _inode.Record.Layout == DataLayout.CompressedCompact;
        if (isCompact && (clusterBits > CompactIndex.MaxClusterBits || _header.ClusterShift != 0))
            throw new UnsupportedImageException(_image.Name,
                $"inode {_inode.Nid}: compact index with logical clusters of 2^{clusterBits} bytes");
        bool big1 = (_header.Advice & MapAdvice.BigCluster1) != 0, big2 = (_header.Advice & MapAdvice.BigCluster2) != 0;
        if ((big1 || big2) && !_image.SuperBlock.Has(IncompatibleFeatures.CompressionConfigs))
            throw _image.Corrupt(_inode, "big clusters, which no feature of the superblock announces", _mapPosition);
        // Kernels look at both, used or not (z_erofs_fill_inode).
        CheckKnown(_header.Algorithm1);
        CheckKnown(_header.Algorithm2);
        if (isCompact && big1 != big2)
            throw _image.Corrupt(_inode, "big clusters for one of two heads only", _mapPosition);
        long total = _inode.Size == 0 ? 0 : ((_inode.Size - 1) >> clusterBits) + 1;
        CompactIndex compact = new(IndexPosition, total, clusterBits, big1, (_header.Advice & MapAdvice.Compacted2B) != 0);
        if (isCompact && compact.Has2B && clusterBits > CompactIndex.Max2BClusterBits)
            throw _image.Corrupt(_inode, $"2-byte index for logical clusters of 2^{clusterBits} bytes", _mapPosition);
        long least = isCompact ? total * 2 : total * ClusterRecord.Size;
        if (least > _metadata.Reader.Length - IndexPosition)
            throw _image.Corrupt(_inode, $"an index of {total} logical clusters reaches past the end of the image", _mapPosition);
        _image.ClaimTable(_inode, IndexPosition + (isCompact ? compact.Size : ClusterRecord.FullIndexPadding + least));
        Heads heads = new(this, clusterBits, big1 || big2);
        if (isCompact)
            ReadCompact(compact, heads);
        else
            ReadFull(total, heads);
        return Finish(heads.List, isCompact, compact, total);
    }

    private void ReadFull(long total, Heads heads)
    {
        long position = IndexPosition + ClusterRecord.FullIndexPadding;
        for (long cluster = 0; cluster < total; cluster++, position += ClusterRecord.Size)
            heads.Add(cluster, ClusterRecord.Parse(_metadata.Read(position, ClusterRecord.Size, _inode.Nid)));
    }

    private void ReadCompact(in CompactIndex index, Heads heads)
    {
        Span<ClusterRecord> records = stackalloc ClusterRecord[16];
        for (long cluster = 0; cluster < index.Total;)
        {
            (long first, int offset, int count) = index.PackOf(cluster);
            if (!index.TryParsePack(_metadata.Read(IndexPosition + offset, CompactIndex.PackSize(count), _inode.Nid),
                records[..count]))
                throw _image.Corrupt(_inode, $"the index pack of logical cluster {first} contradicts itself", IndexPosition
                    + offset);
            for (; cluster < Math.Min(first + count, index.Total); cluster++)
                heads.Add(cluster, records[(int)(cluster - first)]);
        }
    }

    /// <summary>All heads become extents; the last may be a tail, whose block is not one.</summary>
    private ClusterMap Finish(List<Head> heads, bool isCompact, in CompactIndex compact, long total)
    {
        End = IndexPosition + (isCompact ? compact.Size : ClusterRecord.FullIndexPadding + total * ClusterRecord.Size);
        bool isFragment = (_header.Advice & MapAdvice.Fragment) != 0;
        bool isInline = !isFragment && (_header.Advice & MapAdvice.InlineCluster) != 0 && _header.InlineSize > 0;
        bool hasTail = (isFragment || isInline) && heads.Count > 0;
        foreach (Head head in heads[..(hasTail ? heads.Count - 1 : heads.Count)])
        {
            bool isBig = (_header.Advice & (head.Record.Type == ClusterType.Head1 ? MapAdvice.BigCluster1
                : MapAdvice.BigCluster2)) != 0;
            if (head.Record.IsHole || (isBig && head.Count == Head.NoBlocks))
            {
                _extents.Add(new ClusterExtent(head.Logical, 0, null, 0, 0, ClusterEncoding.Hole, false));
                continue;
            }
            if (isBig && head.Count == Head.Unsaid)
                throw _image.Corrupt(_inode, $"the cluster of byte {head.Logical} does not say how many blocks it has",
                    _mapPosition);
            // A count of 1 is what is read without one; of another some kernels read as many blocks, some one.
            if (!isBig && head.Count is not (0 or 1 or Head.Unsaid))
                throw _image.Corrupt(_inode, $"the cluster of byte {head.Logical} has a count of blocks, and is no big one",
                    _mapPosition);
            int length = (isBig ? Math.Max(head.Count, 1) : 1) << _blockBits;
            AddCluster(head.Logical, (ulong)head.Record.Block << _blockBits, length, EncodingOf(head.Record.Type),
                head.Record.IsPartial);
        }
        if (isFragment)
        {
            if (!hasTail)
                throw _image.Corrupt(_inode, "a fragment without a head in the index", _mapPosition);
            // Linux 6.12 looks at the head's codec though nothing is decoded with it, and takes plain data for too short
            // (z_erofs_do_map_blocks).
            if (EncodingOf(heads[^1].Record.Type) >= ClusterEncoding.Shifted)
                throw _image.Corrupt(_inode, "the head of its fragment is one of plain data", _mapPosition);
            ulong offset = _header.FragmentOffset | (isCompact ? 0 : (ulong)heads[^1].Record.Block << 32);
            return Map(Fragment(heads[^1].Logical, offset), heads[^1].Logical, false);
        }
        if (hasTail)
        {
            long position = isCompact ? IndexPosition + compact.EndOfPack(total - 1)
                : IndexPosition + ClusterRecord.FullIndexPadding + total * ClusterRecord.Size;
            _extents.Add(InlineTail(heads[^1], position));
            InlinePosition = position;
        }
        return Map(null, _inode.Size, hasTail);
    }

    private ClusterEncoding EncodingOf(ClusterType type) => type switch
    {
        ClusterType.Head1 => Codec(_header.Algorithm1),
        ClusterType.Head2 => Codec(_header.Algorithm2),
        _ => (_header.Advice & MapAdvice.Interlaced) != 0 ? ClusterEncoding.Interlaced : ClusterEncoding.Shifted,
    };

    /// <summary>
    /// An uncompressed inline tail is never rotated, whatever the inode says: kernels that rotate it read wrong data.
    /// </summary>
    private ClusterExtent InlineTail(Head head, long position)
    {
        int size = _header.InlineSize;
        if (position % _image.BlockSize + size > _image.BlockSize || position > _metadata.Reader.Length - size)
            throw _image.Corrupt(_inode, $"an inline cluster of {size} bytes does not fit into the block it begins in", position);
        Original original = _inode.IsInMetabox
            ? new Original(ByteSource.FromMemory(_image.Name, _metadata.Read(position, size, _inode.Nid).ToArray()),
                OriginalKind.Erofs)
            : _image.Primary;
        ClusterEncoding encoding = EncodingOf(head.Record.Type);
        return new ClusterExtent(head.Logical, 0, original, _inode.IsInMetabox ? 0 : position, size,
            encoding == ClusterEncoding.Interlaced ? ClusterEncoding.Shifted : encoding, head.Record.IsPartial);
    }

    private ClusterMap ReadExtents()
    {
        ulong count = _header.ExtentCount;
        int size = _header.ExtentRecordSize;
        if (size < ExtentRecord.NarrowSize)
            return ReadFixedExtents(size);
        long position = (IndexPosition + size - 1) & ~(size - 1L);
        if (count > (ulong)((_metadata.Reader.Length - position) / size))
            throw _image.Corrupt(_inode, $"{count} extents reach past the end of the image", _mapPosition);
        End = position + (long)count * size;
        _image.ClaimTable(_inode, position + (long)count * size);
        for (ulong i = 0; i < count; i++, position += size)
        {
            ExtentRecord record = ExtentRecord.Parse(_metadata.Read(position, size, _inode.Nid));
            if (record.Logical >= (ulong)_inode.Size)
                throw _image.Corrupt(_inode, $"extent {i} begins at {record.Logical}, behind the end of the file", position);
            if (i + 1 == count && (_header.Advice & MapAdvice.Fragment) != 0)
            {
                long start = (long)record.Logical;
                return Map(Fragment(start, record.EncodedLength | record.Physical << 32), start, false);
            }
            AddExtent((long)record.Logical, record, record.Physical);
        }
        return Map(null, _inode.Size, false);
    }

    /// <summary>
    /// The short records, one for each logical cluster: 8 bytes with the lower half of the address, or 4 behind the first address
    /// with all clusters behind one another.
    /// </summary>
    private ClusterMap ReadFixedExtents(int size)
    {
        int clusterBits = _blockBits + _header.ClusterShift;
        long total = _inode.Size == 0 ? 0 : ((_inode.Size - 1) >> clusterBits) + 1;
        long position = (IndexPosition + size - 1) & ~(size - 1L);
        ulong address = 0;
        bool isChained = size == sizeof(uint);
        if (isChained)
        {
            address = System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(
                _metadata.Read(position, sizeof(ulong), _inode.Nid));
            position += sizeof(ulong);
        }
        if (total > (_metadata.Reader.Length - position) / size)
            throw _image.Corrupt(_inode, $"{total} extents reach past the end of the image", _mapPosition);
        End = position + total * size;
        _image.ClaimTable(_inode, position + total * size);
        for (long i = 0; i < total; i++, position += size)
        {
            ReadOnlySpan<byte> bytes = _metadata.Read(position, size, _inode.Nid);
            uint length = System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            if (!isChained)
                address = System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            if (i + 1 == total && (_header.Advice & MapAdvice.Fragment) != 0)
            {
                long start = i << clusterBits;
                return Map(Fragment(start, isChained ? length : length | address << 32), start, false);
            }
            ExtentRecord record = new(length, address, (ulong)(i << clusterBits));
            AddExtent(i << clusterBits, record, address);
            address += (ulong)record.Length;
        }
        return Map(null, _inode.Size, false);
    }

    private void AddExtent(long logical, ExtentRecord record, ulong address)
    {
        if (record.Length == 0)
        {
            _extents.Add(new ClusterExtent(logical, 0, null, 0, 0, ClusterEncoding.Hole, false));
            return;
        }
        // Uncompressed extents are rotated only if the inode says so and they begin on a block (z_erofs_map_blocks_ext).
        bool isRotated = (_header.Advice & MapAdvice.Interlaced) != 0
            && ((address | (uint)record.Length) & (uint)(_image.BlockSize - 1)) == 0;
        ClusterEncoding encoding = record.Format > 0 ? Codec(record.Format - 1)
            : isRotated ? ClusterEncoding.Interlaced : ClusterEncoding.Shifted;
        AddCluster(logical, address, record.Length, encoding, record.IsPartial);
    }

    private void AddCluster(long logical, ulong address, int length, ClusterEncoding encoding, bool isPartial)
    {
        if (length > MaxClusterSize)
            throw _image.Corrupt(_inode, $"a cluster of {length} bytes is above {MaxClusterSize}", _mapPosition);
        (Original original, long offset, long found) = _image.Space.Resolve(_inode, 0, address, length);
        if (found < length)
            throw _image.Corrupt(_inode, $"a cluster at 0x{address:X} lies across two devices", _mapPosition);
        _extents.Add(new ClusterExtent(logical, 0, original, offset, length, encoding, isPartial));
    }

    /// <summary>
    /// A head of an index: where in the file, its record, and its cluster's size in blocks (0 where that is not said).
    /// </summary>
    private readonly record struct Head(long Logical, ClusterRecord Record, int Count)
    {
        /// <summary>The count where the index says that there are none: a hole.</summary>
        public const int NoBlocks = -1;

        /// <summary>The count where the record that should say it does not.</summary>
        public const int Unsaid = -2;
    }

    /// <summary>Collects the heads of an index, the lcluster behind each telling its cluster's size.</summary>
    private sealed class Heads(ClusterMapReader reader, int clusterBits, bool isBig)
    {
        private readonly ErofsImage _image = reader._image;

        /// <summary>Where the records since the last head say that the next one is, the farthest of them.</summary>
        private long _reach;

        public List<Head> List { get; } = [];

        public void Add(long cluster, ClusterRecord record)
        {
            if (record.IsHead)
            {
                if (record.Offset >= 1 << clusterBits)
                    throw _image.Corrupt(reader._inode, $"logical cluster {cluster} has its head at {record.Offset}",
                        reader._mapPosition);
                long logical = (cluster << clusterBits) + record.Offset;
                // A head at the very end of the file only tells where the extent before it ends.
                if (logical >= reader._inode.Size)
                    return;
                // Kernels that look ahead would take two extents for one (z_erofs_get_extent_decompressedlen).
                if (_reach > cluster)
                {
                    throw _image.Corrupt(reader._inode,
                        $"logical cluster {cluster} has a head, which a record before it says is in {_reach}",
                        reader._mapPosition);
                }
                _reach = 0;
                List.Add(new Head(logical, record, 0));
                return;
            }
            _reach = Math.Max(_reach, cluster + record.Ahead);
            if (List.Count == 0)
                throw _image.Corrupt(reader._inode, $"logical cluster {cluster} has no head before it", reader._mapPosition);
            // Kernels go back step by step. A step of 0 never ends, and one past the head ends at another extent.
            long distance = cluster - (List[^1].Logical >> clusterBits);
            if (record.Back == 0 || record.Back > distance)
            {
                throw _image.Corrupt(reader._inode,
                    $"logical cluster {cluster} has its head {distance} before it, its record says {record.Back}",
                        reader._mapPosition);
            }
            if ((record.Count > 0 || record.IsHole) && !isBig)
                throw _image.Corrupt(reader._inode, $"logical cluster {cluster} counts blocks, without big clusters",
                    reader._mapPosition);
            if (distance == 1)
            {
                List[^1] = List[^1] with
                {
                    Count = record.IsHole ? Head.NoBlocks : record.Count > 0 ? record.Count : Head.Unsaid,
                };
            }
            else if (record.Count > 0 || record.IsHole)
            {
                throw _image.Corrupt(reader._inode,
                    $"logical cluster {cluster} counts blocks, though its head is {distance} before it", reader._mapPosition);
            }
        }
    }
}
