using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>
/// Makes one packed file of those of several sources: they lie behind one another, each from a block boundary on. As an index
/// where it can be (every kernel), as encoded extents where it must (Linux 6.15).
/// </summary>
/// <remarks>
/// In an index the last cluster of each source but the last one is decoded and stored plain: otherwise it would seem to reach
/// up to the next source's start, and kernels would decode past its end. An index has two codecs at most; a source with a
/// third one is decoded as a whole.
/// </remarks>
/// <param name="context">What the output is like.</param>
/// <param name="prefixes">The table of long xattr name prefixes; empty without. Kernels before 6.19 look for it in the packed
/// file wherever there is one, so it comes first in there.</param>
internal sealed class FragmentPlanner(WriteContext context, byte[] prefixes)
{
    /// <summary>
    /// The largest packed file that is decoded, in bytes: each of its blocks takes an entry of an index, and a few bytes in an
    /// image can claim any size.
    /// </summary>
    private const long MaxDecoded = 16L << 30;

    /// <summary>The largest merged packed file, in bytes: far above any, far below where sums of sizes overflow.</summary>
    private const long MaxMerged = 1L << 52;

    private readonly Dictionary<PackedFile, long> _bases = new(ReferenceEqualityComparer.Instance);
    private readonly List<PackedFile> _files = [];
    private long _end;

    /// <summary>Whether any file of the output has a fragment.</summary>
    public bool IsUsed => _files.Count > 0;

    /// <summary>Where a map's fragment lies in the merged packed file; 0 without one.</summary>
    public ulong OffsetOf(ClusterMap map)
    {
        if (map.Packed is not { } packed)
            return 0;
        if (_files.Count == 0 && prefixes.Length > 0)
            Add(new PrefixTable(prefixes, context));
        if (!_bases.TryGetValue(packed, out long start))
            start = Add(packed);
        return (ulong)(start + map.FragmentOffset);
    }

    private long Add(PackedFile packed)
    {
        long start = _end;
        if (packed.Content.Size > MaxMerged - start)
        {
            throw new UnsupportedImageException(packed.Name,
                $"a packed file of {packed.Content.Size} bytes: at most {MaxMerged} in all");
        }
        _bases.Add(packed, start);
        _files.Add(packed);
        _end = (start + packed.Content.Size + context.BlockSize - 1) & ~(context.BlockSize - 1L);
        return start;
    }

    /// <summary>The content of the merged packed file, when all fragments are known.</summary>
    public Content Merge()
    {
        if (_files.Count == 1 && Single(_files[0]) is { } single)
            return single;
        ClusterMap[] maps = [.. _files.Select(MapOf)];
        if (context.Kernel.HasExtents && !maps.All(IsIndexable) || CodecsOf(maps).Count > 2 && context.Kernel.HasExtents)
            return new MergedPackedContent(Join(maps, asExtents: true));
        return new MergedPackedContent(Join(maps, asExtents: false));
    }

    /// <summary>One source's packed file as it is, if the output can say it.</summary>
    private Content? Single(PackedFile file)
    {
        if (file.Content is not EncodedContent encoded)
            return file.Content;
        ClusterMap map = encoded.ReadMap();
        bool isPossible = MapPreparer.Prepare(context, map) is { } prepared &&
            (context.Kernel.HasExtents || new ClusterIndexEncoder(prepared, context.BlockBits,
                CodecPair.Of(prepared)).CanExpress());
        return isPossible ? encoded : null;
    }

    /// <summary>A packed file's map; of one that is not compressed, its blocks.</summary>
    private ClusterMap MapOf(PackedFile file)
    {
        if (file.Content is EncodedContent encoded)
            return encoded.ReadMap();
        PlacedContent placed = (PlacedContent)file.Content;
        List<ClusterExtent> extents = [];
        long at = 0;
        foreach (PlacedExtent extent in placed.Extents)
        {
            if (extent.Logical > at)
                extents.Add(new ClusterExtent(at, extent.Logical - at, null, 0, 0, ClusterEncoding.Hole, false));
            Original original = extent.Original;
            long offset = extent.Offset;
            if (!context.CanRefer(extent, placed.Size))
            {
                offset = context.Copies.Add(original.Bytes, offset, extent.Length);
                original = context.Copies.Original;
            }
            extents.AddRange(MapPreparer.PlainBlocks(context, extent.Logical, extent.Length, original, offset));
            at = extent.Logical + extent.Length;
        }
        return new ClusterMap
        {
            Size = placed.Size,
            BlockSize = context.BlockSize,
            Extents = [.. extents],
            Blocks = (placed.Size + context.BlockSize - 1) >> context.BlockBits,
            FragmentStart = placed.Size,
        };
    }

    private bool IsIndexable(ClusterMap map)
    {
        CodecPair codecs = CodecPair.Of(map);
        return new ClusterIndexEncoder(map, context.BlockBits, codecs).CanExpress();
    }

    private static List<ClusterEncoding> CodecsOf(IEnumerable<ClusterMap> maps) =>
        [.. maps.SelectMany(map => map.Extents).Select(extent => extent.Encoding).Where(encoding =>
            encoding <= ClusterEncoding.Zstd).Distinct()];

    private ClusterMap Join(ClusterMap[] maps, bool asExtents)
    {
        List<ClusterExtent> extents = [];
        List<ClusterEncoding> codecs = [];
        long blocks = 0;
        for (int i = 0; i < maps.Length; i++)
        {
            long start = _bases[_files[i]];
            if (extents.Count > 0 && asExtents && extents[^1].Logical + extents[^1].Length is var end && end < start)
                extents.Add(new ClusterExtent(end, start - end, null, 0, 0, ClusterEncoding.Hole, false));
            ClusterMap? prepared = MapPreparer.Prepare(context, maps[i]);
            if (prepared is not null && asExtents)
            {
                prepared = ClusterTrimmer.Trim(MapPreparer.ForExtents(context, prepared), context.BlockSize, out _);
            }
            else if (prepared is not null)
            {
                List<ClusterEncoding> joined = [.. codecs.Union(CodecsOf([prepared]))];
                prepared = joined.Count <= 2 && IsIndexable(prepared) ? WithPlainEnd(prepared) : null;
                codecs = prepared is null ? codecs : joined;
            }
            ClusterExtent[] part = prepared?.Extents ?? DecodeAll(_files[i], maps[i]);
            extents.AddRange(part.Select(extent => extent with { Logical = start + extent.Logical }));
            blocks += maps[i].Blocks;
        }
        ClusterMap map = new()
        {
            Size = _bases[_files[^1]] + maps[^1].Size,
            BlockSize = context.BlockSize,
            Extents = [.. FillGaps(extents, asExtents)],
            Blocks = blocks,
            FragmentStart = _bases[_files[^1]] + maps[^1].Size,
        };
        return asExtents ? map : MapPreparer.Prepare(context, map)!;
    }

    /// <summary>The last extent of a source reaches up to the next source's start: plain blocks are whole in any case.</summary>
    private static List<ClusterExtent> FillGaps(List<ClusterExtent> extents, bool asExtents)
    {
        for (int i = 0; i + 1 < extents.Count && !asExtents; i++)
            extents[i] = extents[i] with { Length = extents[i + 1].Logical - extents[i].Logical };
        return extents;
    }

    /// <summary>The map with its last cluster decoded and stored as plain blocks.</summary>
    private ClusterMap WithPlainEnd(ClusterMap map)
    {
        ClusterExtent last = map.Extents[^1];
        byte[] data = new byte[last.Length];
        ClusterDecoding.Decode(map, last, data);
        List<ClusterExtent> extents = [.. map.Extents[..^1]];
        // Up to the next block boundary there is an lcluster that the extent before may end in: one rotated or short block.
        int into = (int)(last.Logical & (context.BlockSize - 1));
        int first = into == 0 ? 0 : Math.Min(context.BlockSize - into, data.Length);
        if (first > 0)
        {
            byte[] block = new byte[context.BlockSize];
            data.AsSpan(0, first).CopyTo(block);
            extents.Add(new ClusterExtent(last.Logical, first, context.Copies.Original, context.Copies.Add(block),
                context.BlockSize,
                ClusterEncoding.Shifted, false));
        }
        if (data.Length > first)
        {
            long at = context.Copies.Add(data[first..]);
            extents.AddRange(MapPreparer.PlainBlocks(context, last.Logical + first, data.Length - first,
                context.Copies.Original, at));
        }
        return map.With([.. extents], keepsInlineTail: false);
    }

    private ClusterExtent[] DecodeAll(PackedFile file, ClusterMap map)
    {
        if (map.Size > MaxDecoded)
        {
            throw new UnsupportedImageException(file.Name, $"a packed file of {map.Size} bytes that would have to be decoded",
                "Merge with --kernel 6.15, which can refer to it as it is.");
        }
        ByteSource decoded = file.Content.Open(file.Name);
        return [.. MapPreparer.PlainBlocks(context, 0, map.Size, context.Copies.Original,
            context.Copies.Add(decoded, 0, map.Size))];
    }
}

/// <summary>The table of long xattr name prefixes as what is packed.</summary>
internal sealed class PrefixTable : PackedFile
{
    private readonly byte[] _bytes;

    public PrefixTable(byte[] bytes, WriteContext context)
    {
        _bytes = bytes;
        PlacedExtent extent = new(0, context.Copies.Original, context.Copies.Add(bytes), bytes.Length);
        Content = new PlacedContent(bytes.Length, extent, context.BlockSize);
    }

    public override string Name => "xattr name prefixes";

    public override Content Content { get; }

    public override void Read(long offset, Span<byte> destination) =>
        _bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);
}

/// <summary>The packed file of the output.</summary>
internal sealed class MergedPackedContent(ClusterMap map) : EncodedContent
{
    public override long Size => map.Size;

    public override int BlockSize => map.BlockSize;

    public override ClusterMap ReadMap() => map;

    public override ContentSource Open(string name = "file") => new EncodedSource(name, map);
}
