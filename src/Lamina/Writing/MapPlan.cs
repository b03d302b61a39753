using Lamina.Format;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>
/// How a compressed file's map will stand in the output: its form and size, fixed before addresses are known, and the bytes,
/// written when they are.
/// </summary>
internal sealed class MapPlan
{
    private readonly ClusterMap _map;
    private readonly CodecPair _codecs;
    private readonly int _blockBits;
    private readonly ulong _fragmentOffset;

    private MapPlan(ClusterMap map, CodecPair codecs, int blockBits, ulong fragmentOffset, MapForm form, int size)
    {
        _map = map;
        _codecs = codecs;
        _blockBits = blockBits;
        _fragmentOffset = fragmentOffset;
        Form = form;
        Size = size;
    }

    public MapForm Form { get; }

    /// <summary>Bytes from the end of xattrs on, alignment included, without an inline tail.</summary>
    public int Size { get; }

    /// <summary>The inline tail behind the map, if there is one.</summary>
    public ClusterExtent? InlineTail => _map.HasInlineTail ? _map.Extents[^1] : null;

    public long Blocks => _map.Blocks;

    public bool IsFull => Form is MapForm.Full or MapForm.Extents;

    public bool HasFragment => _map.FragmentStart < _map.Size;

    public bool HasSecondCodec => Form < MapForm.Extents && _codecs.Second < ClusterEncoding.Shifted;

    /// <summary>A bit for each codec in use.</summary>
    public ushort Algorithms => (ushort)_map.Extents.Aggregate(0,
        (bits, extent) => extent.Encoding <= ClusterEncoding.Zstd ? bits | 1 << (int)extent.Encoding : bits);

    /// <summary>Adds the originals that have compressed clusters of this file.</summary>
    public void AddEncoded(HashSet<Original> originals)
    {
        Original? last = null;
        foreach (ClusterExtent extent in _map.Extents)
        {
            if (extent.Encoding <= ClusterEncoding.Zstd && extent.Original != last)
                originals.Add(last = extent.Original!);
        }
    }

    public bool HasPartialClusters => _map.Extents.Any(extent => extent.IsPartial);

    public bool IsBig { get; private init; }

    /// <summary>
    /// Logical clusters an extent, from which on an index is not even tried: its 2 bytes each are a hundred times an extent's
    /// record. No compressor makes such a file of real data.
    /// </summary>
    private const int MaxIndexPerExtent = 1024;

    /// <summary>Chooses the smallest form that can say the map; null where none can.</summary>
    /// <param name="map">The map, its data all placed or in the copy area.</param>
    /// <param name="blockBits">log2 of the output's block size.</param>
    /// <param name="end">Where the inode's xattrs end, from any multiple of 32 bytes: decides where packs lie.</param>
    /// <param name="fragmentOffset">The fragment's place in the merged packed file.</param>
    /// <param name="allowsExtents">Whether encoded extents may be used (Linux 6.15).</param>
    public static MapPlan? Choose(ClusterMap map, int blockBits, int end, ulong fragmentOffset, bool allowsExtents)
    {
        int header = Align(end, MapHeader.Alignment) - end + MapHeader.Size;
        CodecPair codecs = CodecPair.Of(map);
        if (map.Extents.Length == 0 && map.FragmentStart == 0)
            return new MapPlan(map, codecs, blockBits, fragmentOffset, MapForm.WholeFragment, header);
        // A few extents of a map can claim an index of any size: there the extents themselves are the smaller form.
        long lclusters = ((map.Size - 1) >> blockBits) + 1;
        bool isSparse = allowsExtents && !map.HasInlineTail && lclusters / MaxIndexPerExtent > map.Extents.Length;
        MapPlan? index = isSparse ? null : ChooseIndex(map, codecs, blockBits, end, header, fragmentOffset);
        if (!allowsExtents || index is { Form: MapForm.Compact2B or MapForm.Compact4B })
            return index;
        map = ClusterTrimmer.Trim(map, 1 << blockBits, out bool isTight);
        MapPlan? extents = isTight || index is null ? ChooseExtents(map, codecs, blockBits, end, header, fragmentOffset) : null;
        return index is null || extents is { } && extents.Size < index.Size ? extents : index;
    }

    private static MapPlan? ChooseIndex(ClusterMap map, CodecPair codecs, int blockBits, int end, int header,
        ulong fragmentOffset)
    {
        ClusterIndexEncoder encoder = new(map, blockBits, codecs);
        if (!encoder.CanExpress() || encoder.Total > int.MaxValue / ClusterRecord.Size - ClusterRecord.Size * 4)
            return null;
        bool oneOriginal = true;
        int placed = map.Extents.Length - (map.HasInlineTail ? 1 : 0);
        for (int i = 1; i < placed; i++)
            oneOriginal &= map.Extents[i].Original == map.Extents[0].Original;
        if (oneOriginal && fragmentOffset <= uint.MaxValue && blockBits <= CompactIndex.MaxClusterBits)
        {
            ClusterRecord[] records = encoder.Rent(extent => (uint)(extent.Offset >> blockBits));
            try
            {
                foreach (bool has2B in (ReadOnlySpan<bool>)[true, false])
                {
                    CompactIndex compact = new(end + header, encoder.Total, blockBits, encoder.IsBig, has2B);
                    if ((!has2B || blockBits <= CompactIndex.Max2BClusterBits) &&
                        ClusterIndexEncoder.TryWriteCompact(compact, records, default))
                    {
                        return new MapPlan(map, codecs, blockBits, fragmentOffset,
                            has2B ? MapForm.Compact2B : MapForm.Compact4B, header + compact.Size)
                        { IsBig = encoder.IsBig };
                    }
                }
            }
            finally
            {
                ClusterIndexEncoder.Return(records);
            }
        }
        int size = header + ClusterRecord.FullIndexPadding + (int)encoder.Total * ClusterRecord.Size;
        return new MapPlan(map, codecs, blockBits, fragmentOffset, MapForm.Full, size) { IsBig = encoder.IsBig };
    }

    /// <summary>
    /// Encoded extents: any bytes, any codec. Rotated clusters and inline tails must have been copied aside before.
    /// </summary>
    private static MapPlan? ChooseExtents(ClusterMap map, CodecPair codecs, int blockBits, int end, int header,
        ulong fragmentOffset)
    {
        if (map.HasInlineTail || map.Extents.Any(extent => extent.Encoding == ClusterEncoding.Interlaced))
            return null;
        int recordSize = RecordSize(map);
        long count = Count(map);
        if (count > int.MaxValue / recordSize / 2)
            return null;
        int start = end + header;
        int size = Align(start, recordSize) - end + (int)count * recordSize;
        return new MapPlan(map, codecs, blockBits, fragmentOffset, MapForm.Extents, size);
    }

    private static int RecordSize(ClusterMap map) =>
        map.Size > uint.MaxValue ? ExtentRecord.WideSize : ExtentRecord.NarrowSize;

    private static long Count(ClusterMap map) => map.Extents.Length + (map.FragmentStart < map.Size ? 1 : 0);

    /// <summary>Where the inline tail begins, from the end of the xattrs on: behind the pack of the last lcluster.</summary>
    public int InlineOffset(int end)
    {
        if (Form == MapForm.Full)
            return Size;
        int header = Align(end, MapHeader.Alignment) - end + MapHeader.Size;
        return header + Compact(end + header).EndOfPack(Total - 1);
    }

    private long Total => ((_map.Size - 1) >> _blockBits) + 1;

    private CompactIndex Compact(long start) => new(start, Total, _blockBits, IsBig, Form == MapForm.Compact2B);

    private MapAdvice Advice
    {
        get
        {
            MapAdvice advice = Form == MapForm.Compact2B ? MapAdvice.Compacted2B : MapAdvice.None;
            if (IsBig)
                advice |= MapAdvice.BigCluster1 | MapAdvice.BigCluster2;
            if (_map.HasInlineTail)
                advice |= MapAdvice.InlineCluster;
            if (_map.Extents.Any(extent => extent.Encoding == ClusterEncoding.Interlaced))
                advice |= MapAdvice.Interlaced;
            return HasFragment ? advice | MapAdvice.Fragment : advice;
        }
    }

    /// <summary>Writes the map to where the inode's xattrs end.</summary>
    /// <param name="bytes">From the end of the xattrs on; cleared before.</param>
    /// <param name="position">That end's position in the image: packs depend on it.</param>
    /// <param name="addressOf">The address of a byte of an original.</param>
    /// <param name="announced">A codec that the image announces: a fragment's head names one, though nothing is decoded with it,
    /// and Linux 6.12 refuses one that the superblock does not have.</param>
    public void WriteTo(Span<byte> bytes, long position, Func<Original, long, long> addressOf, ClusterEncoding announced)
    {
        int header = (int)(((position + MapHeader.Alignment - 1) & ~(MapHeader.Alignment - 1L)) - position);
        Span<byte> head = bytes[header..];
        if (Form == MapForm.WholeFragment)
        {
            MapHeader.WholeFragment(_fragmentOffset).WriteTo(head);
            return;
        }
        int start = header + MapHeader.Size;
        if (Form == MapForm.Extents)
        {
            MapHeader.Extents(HasFragment ? MapAdvice.Fragment : MapAdvice.None, (ulong)Count(_map),
                RecordSize(_map) == ExtentRecord.WideSize)
                .WriteTo(head);
            int align = RecordSize(_map);
            WriteExtents(bytes[(int)(((position + start + align - 1) & ~(align - 1L)) - position)..], addressOf);
            return;
        }
        ushort inline = _map.HasInlineTail ? (ushort)_map.Extents[^1].EncodedLength : (ushort)0;
        int first = CodecPair.Number(_codecs.First == ClusterEncoding.Shifted && HasFragment ? announced : _codecs.First);
        MapHeader.Index(Advice, first, CodecPair.Number(_codecs.Second), (uint)_fragmentOffset,
            inline).WriteTo(head);
        ClusterIndexEncoder encoder = new(_map, _blockBits, _codecs);
        ClusterRecord[] records = encoder.Rent(extent =>
            checked((uint)(addressOf(extent.Original!, extent.Offset) >> _blockBits)));
        try
        {
            if (Form == MapForm.Full)
                encoder.WriteFull(records, bytes[(start + ClusterRecord.FullIndexPadding)..], _fragmentOffset);
            else if (!ClusterIndexEncoder.TryWriteCompact(Compact(position + start), records, bytes[start..]))
                throw new InvalidOperationException("a compact index that was planned cannot be written");
        }
        finally
        {
            ClusterIndexEncoder.Return(records);
        }
    }

    private void WriteExtents(Span<byte> bytes, Func<Original, long, long> addressOf)
    {
        int size = RecordSize(_map);
        foreach (ClusterExtent extent in _map.Extents)
        {
            ExtentRecord record = extent.Encoding == ClusterEncoding.Hole
                ? ExtentRecord.Of(0, 0, false, 0, (ulong)extent.Logical)
                : ExtentRecord.Of(extent.EncodedLength, extent.Encoding <= ClusterEncoding.Zstd ? (int)extent.Encoding + 1 : 0,
                    extent.IsPartial, (ulong)addressOf(extent.Original!, extent.Offset), (ulong)extent.Logical);
            record.WriteTo(bytes[..size]);
            bytes = bytes[size..];
        }
        // A fragment's record has the lower half of its offset for a length, and the upper half for an address.
        if (HasFragment)
            new ExtentRecord((uint)_fragmentOffset, _fragmentOffset >> 32, (ulong)_map.FragmentStart).WriteTo(bytes[..size]);
    }

    private static int Align(int value, int alignment) => (value + alignment - 1) & ~(alignment - 1);
}
