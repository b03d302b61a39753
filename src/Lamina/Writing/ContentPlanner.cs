using System.Numerics;
using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>What all planning of one output shares.</summary>
/// <param name="BlockBits">log2 of the output's block size.</param>
/// <param name="Kernel">What the output may use.</param>
/// <param name="Placement">Where originals lie.</param>
/// <param name="Copies">Where data goes that cannot stay where it is.</param>
/// <param name="MayCopyData">Whether whole files may be copied; in an index only odds and ends are.</param>
internal sealed record WriteContext(int BlockBits, KernelProfile Kernel, Placement Placement, CopyArea Copies, bool MayCopyData)
{
    public int BlockSize => 1 << BlockBits;

    /// <summary>
    /// Whether the kernel can be given an extent where it lies: whole blocks, and the file's last one there as well.
    /// </summary>
    /// <param name="extent">The extent.</param>
    /// <param name="size">The file's size: only its last block may be used in part.</param>
    public bool CanRefer(in PlacedExtent extent, long size)
    {
        long mask = BlockSize - 1;
        bool isLast = extent.Logical + extent.Length == size;
        if (!Placement.Holds(extent.Original) || ((extent.Logical | extent.Offset) & mask) != 0
            || (!isLast && (extent.Length & mask) != 0))
            return false;
        return ((extent.Offset + extent.Length + mask) & ~mask) <= Placement.EndOf(extent.Original);
    }
}

/// <summary>
/// Decides how the data of a file is described in the output: where it is, if that can be said to the kernel; in a copy
/// otherwise.
/// </summary>
internal sealed class ContentPlanner(WriteContext context, FragmentPlanner fragments)
{
    /// <summary>Bytes of chunk entries for one file, at most: beyond, a sparse file is too sparse for this form.</summary>
    private const long MaxChunkTable = 256 << 20;

    /// <summary>
    /// The largest chunk over the block, as a shift: the format has five bits for it. A hole of any size takes few entries.
    /// </summary>
    private const int MaxChunkShift = 31;

    /// <summary>A plain extent's length at most (<c>Z_EROFS_PCLUSTER_MAX_SIZE</c>), in bytes.</summary>
    private const int MaxPlainExtent = 1 << 20;

    private readonly int _blockMask = context.BlockSize - 1;

    /// <summary>Plans the data of an inode whose record and xattrs are known.</summary>
    public void Plan(PlannedInode inode, Content content)
    {
        inode.Size = (ulong)content.Size;
        switch (content)
        {
            case { Size: 0 }:
                SetFlat(inode, new PlacedContent(0, [], context.BlockSize));
                break;
            case EncodedContent encoded:
                PlanEncoded(inode, encoded);
                break;
            case PlacedContent placed:
                PlanPlaced(inode, placed);
                break;
            case BytesContent bytes:
                PlanCopy(inode, bytes.Open("data"), 0, content.Size);
                break;
            default:
                PlanPlaced(inode, ToCopy(content));
                break;
        }
    }

    /// <summary>Content of a kind that cannot be said to the kernel: data of an original that stays out of the output.</summary>
    private static PlacedContent ToCopy(Content content)
    {
        ContentSource source = content.Open("data");
        Original original = new(source, OriginalKind.Device);
        return new PlacedContent(content.Size, [.. source.EnumerateDataRanges()
            .Select(range => new PlacedExtent(range.Offset, original, range.Offset, range.Length))], 1);
    }

    private void PlanEncoded(PlannedInode inode, EncodedContent content)
    {
        ClusterMap map = inode.Data as ClusterMap ?? content.ReadMap();
        if (MapPreparer.Prepare(context, map) is { } prepared)
        {
            ulong fragment = fragments.OffsetOf(map);
            MapPlan? plan = MapPlan.Choose(prepared, context.BlockBits, inode.End, fragment, context.Kernel.HasExtents);
            if (plan is null && context.Kernel.HasExtents)
                plan = MapPlan.Choose(MapPreparer.ForExtents(context, prepared), context.BlockBits, inode.End, fragment, true);
            if (plan is not null)
            {
                foreach (ClusterExtent extent in prepared.Extents)
                    Use(extent);
                SetMap(inode, plan);
                return;
            }
        }
        RefuseCopy(map.Extents.FirstOrDefault(extent => extent.Original is not null).Original?.Name ?? map.Packed?.Name
            ?? "layer",
            $"compressed data that Linux {context.Kernel.Version} cannot reference in blocks of {context.BlockSize} bytes");
        PlanCopy(inode, new EncodedSource("data", map), 0, content.Size);
    }

    private void Use(in ClusterExtent extent)
    {
        if (extent.Original is { } original && context.Placement.Holds(original))
            context.Placement.Use(original, extent.Offset, extent.EncodedLength);
    }

    private static void SetMap(PlannedInode inode, MapPlan plan)
    {
        inode.Layout = plan.IsFull ? DataLayout.CompressedFull : DataLayout.CompressedCompact;
        inode.Data = plan;
        inode.BodySize = plan.Size;
        if (plan.InlineTail is { } tail)
        {
            inode.InlineAt = inode.End + plan.InlineOffset(inode.End);
            inode.InlineSize = tail.EncodedLength;
        }
    }

    private void PlanPlaced(PlannedInode inode, PlacedContent content)
    {
        ReadOnlySpan<PlacedExtent> extents = content.Extents;
        bool bodyFits = true;
        int body = extents.Length - (content.HasInlineTail ? 1 : 0);
        for (int i = 0; i < body; i++)
            bodyFits &= context.CanRefer(extents[i], content.Size);
        if (!bodyFits)
        {
            if (context.Kernel.HasExtents && TryPlanExtents(inode, content))
                return;
            RefuseCopy(extents[0].Original.Name, $"data that does not lie at multiples of {context.BlockSize} bytes");
            PlanSparseCopy(inode, content);
            return;
        }
        if (content.HasInlineTail && !(body <= 1 && FitsInline(inode, extents[^1].Length)
            && extents[^1].Logical % context.BlockSize == 0 &&
            extents[^1].Length < context.BlockSize && (body == 0 ? extents[^1].Logical == 0
                : extents[0].Length == extents[^1].Logical)))
        {
            content = WithTailCopied(content);
            extents = content.Extents;
        }
        bool isFlat = content.HasInlineTail || (extents.Length == 1 && extents[0].Logical == 0
            && extents[0].Length == content.Size);
        if (!isFlat && LargerChunks(content) is { } cut)
        {
            content = cut;
            extents = content.Extents;
            body = extents.Length;
        }
        foreach (PlacedExtent extent in extents[..body])
        {
            if (extent.Original != context.Copies.Original)
                context.Placement.Use(extent.Original, extent.Offset, extent.Length);
        }
        if (isFlat)
            SetFlat(inode, content);
        else
            PlanChunks(inode, content);
    }

    private PlacedContent WithTailCopied(PlacedContent content)
    {
        PlacedExtent[] extents = [.. content.Extents];
        PlacedExtent tail = extents[^1];
        long at = context.Copies.Add(tail.Original.Bytes, tail.Offset, tail.Length);
        extents[^1] = tail with { Original = context.Copies.Original, Offset = at };
        return new PlacedContent(content.Size, extents, context.BlockSize);
    }

    /// <summary>Whether an inline tail can be put within a block, wherever at a multiple of 32 the inode begins.</summary>
    private bool FitsInline(PlannedInode inode, long length) =>
        (inode.IsWithinOneBlock ? inode.End : inode.End % 32) + length <= context.BlockSize;

    private static void SetFlat(PlannedInode inode, PlacedContent content)
    {
        inode.Layout = content.HasInlineTail ? DataLayout.FlatInline : DataLayout.FlatPlain;
        inode.Data = content;
        if (content.HasInlineTail)
        {
            inode.InlineAt = inode.End;
            inode.InlineSize = (int)content.Extents[^1].Length;
        }
    }

    /// <summary>The file with larger chunks than its pieces would allow, where its table would be large; else null.</summary>
    private PlacedContent? LargerChunks(PlacedContent content)
    {
        int least = ChunkBits(content);
        int bits = ChunkSize.Choose(content, least, context.BlockBits + MaxChunkShift, false);
        if (bits == least)
            return null;
        ContentSource source = content.Open("data");
        return ChunkSize.Cut(content, bits, context.Copies.Original,
            (at, length) => context.Copies.Add(source, at, length), context.BlockSize);
    }

    /// <summary>log2 of the largest chunk at whose multiples all pieces begin and end.</summary>
    private int ChunkBits(PlacedContent content)
    {
        long boundaries = 1L << (context.BlockBits + MaxChunkShift);
        foreach (PlacedExtent extent in content.Extents)
        {
            boundaries |= extent.Logical;
            if (extent.Logical + extent.Length < content.Size)
                boundaries |= extent.Logical + extent.Length;
        }
        return BitOperations.TrailingZeroCount(boundaries);
    }

    private void PlanChunks(PlannedInode inode, PlacedContent content)
    {
        int chunkBits = ChunkBits(content);
        // A file shorter than the chunk needs one entry; no smaller chunk would do with less.
        ChunkPlan plan = new(content, chunkBits);
        if (plan.Count > MaxChunkTable / sizeof(uint))
        {
            throw new UnsupportedImageException(content.Extents.IsEmpty ? "output" : content.Extents[0].Original.Name,
                $"a sparse file of {content.Size} bytes in pieces of {1L << chunkBits}: {plan.Count} chunks");
        }
        inode.Layout = DataLayout.ChunkBased;
        inode.Data = plan;
        inode.BodySize = (inode.End + 3 & ~3) - inode.End + (int)plan.Count * sizeof(uint);
    }

    /// <summary>Byte positions of any kind, as encoded extents that are plain. Linux 6.15.</summary>
    private bool TryPlanExtents(PlannedInode inode, PlacedContent content)
    {
        List<ClusterExtent> extents = [];
        long at = 0;
        foreach (PlacedExtent placed in content.Extents)
        {
            if (placed.Logical > at)
                extents.Add(new ClusterExtent(at, placed.Logical - at, null, 0, 0, ClusterEncoding.Hole, false));
            Original original = placed.Original;
            long offset = placed.Offset;
            long blockEnd = (offset + placed.Length + _blockMask) & ~(long)_blockMask;
            if (!context.Placement.Holds(original) || blockEnd > context.Placement.EndOf(original))
            {
                offset = context.Copies.Add(original.Bytes, offset, placed.Length);
                original = context.Copies.Original;
            }
            else
            {
                context.Placement.Use(original, offset, placed.Length);
            }
            for (long done = 0; done < placed.Length; done += MaxPlainExtent)
            {
                int part = (int)Math.Min(placed.Length - done, MaxPlainExtent);
                extents.Add(new ClusterExtent(placed.Logical + done, part, original, offset + done, part,
                    ClusterEncoding.Shifted, false));
            }
            at = placed.Logical + placed.Length;
        }
        if (at < content.Size)
            extents.Add(new ClusterExtent(at, content.Size - at, null, 0, 0, ClusterEncoding.Hole, false));
        ClusterMap map = new()
        {
            Size = content.Size,
            BlockSize = 1,
            Extents = [.. extents],
            Blocks = (content.Size + _blockMask) >> context.BlockBits,
            FragmentStart = content.Size,
        };
        MapPlan? plan = MapPlan.Choose(map, context.BlockBits, inode.End, 0, true);
        if (plan is null)
            return false;
        SetMap(inode, plan);
        return true;
    }

    private void RefuseCopy(string source, string why)
    {
        if (!context.MayCopyData)
        {
            throw new UnsupportedImageException(source, $"holds {why}, so it would have to be copied, which an index does not do",
                "Merge with --mode flat, with --kernel 6.15 if that is old enough, or make an EROFS image of this layer first.");
        }
    }

    /// <summary>All of a file copied: whole blocks aside, the rest with the inode.</summary>
    private void PlanCopy(PlannedInode inode, ByteSource source, long offset, long size)
    {
        long tail = size & _blockMask;
        if (tail > 0 && !FitsInline(inode, tail))
            tail = 0;
        List<PlacedExtent> extents = [];
        if (size > tail)
            extents.Add(new PlacedExtent(0, context.Copies.Original, context.Copies.Add(source, offset, size - tail),
                size - tail));
        if (tail > 0)
            extents.Add(new PlacedExtent(size - tail, new Original(source, OriginalKind.Device), offset + size - tail, tail));
        SetFlat(inode, new PlacedContent(size, [.. extents], context.BlockSize) { HasInlineTail = tail > 0 });
    }

    /// <summary>A copy that keeps holes: only blocks that hold data are copied.</summary>
    private void PlanSparseCopy(PlannedInode inode, PlacedContent content)
    {
        ContentSource source = content.Open("data");
        ReadOnlySpan<PlacedExtent> extents = content.Extents;
        if (extents.Length == 1 && extents[0].Logical == 0 && extents[0].Length == content.Size)
        {
            PlanCopy(inode, extents[0].Original.Bytes, extents[0].Offset, content.Size);
            return;
        }
        List<PlacedExtent> runs = [];
        int bits = ChunkSize.Choose(content, context.BlockBits, context.BlockBits + MaxChunkShift, true);
        long mask = (1L << bits) - 1;
        foreach (PlacedExtent extent in extents)
        {
            long start = extent.Logical & ~mask;
            long end = Math.Min((extent.Logical + extent.Length + mask) & ~mask, content.Size);
            if (runs.Count > 0 && start <= runs[^1].Logical + runs[^1].Length)
                runs[^1] = runs[^1] with { Length = Math.Max(end, runs[^1].Logical + runs[^1].Length) - runs[^1].Logical };
            else
                runs.Add(new PlacedExtent(start, context.Copies.Original, 0, end - start));
        }
        for (int i = 0; i < runs.Count; i++)
            runs[i] = runs[i] with { Offset = context.Copies.Add(source, runs[i].Logical, runs[i].Length) };
        PlacedContent copied = new(content.Size, [.. runs], context.BlockSize);
        if (runs.Count == 1 && runs[0].Logical == 0 && runs[0].Length == content.Size)
            SetFlat(inode, copied);
        else
            PlanChunks(inode, copied);
    }
}
