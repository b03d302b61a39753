using System.Numerics;
using System.Runtime.InteropServices;
using Lamina.Format;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>
/// All decisions about an image, before a byte is written: its inodes with their sizes and places, what its data refers to,
/// what the superblock must say. Addresses follow when it is known where the metadata lies.
/// </summary>
internal sealed class ImagePlan
{
    /// <summary>Metadata that are built in memory, in bytes: what an array can hold, some twenty million files.</summary>
    private const long MaxMetadata = int.MaxValue - (1 << 20);

    private readonly WriteContext _context;
    private readonly TreePlanner _tree;
    private readonly FragmentPlanner _fragments;
    private readonly ContentPlanner _contents;
    private readonly InodeLayout _layout;
    private long _directoryBytes;

    /// <summary>Plans all of it.</summary>
    /// <param name="tree">The tree, read.</param>
    /// <param name="context">What the output is like.</param>
    /// <param name="prefixes">The table of long xattr name prefixes; empty without.</param>
    /// <param name="buildTime">The time of compact inodes; null to choose what suits most.</param>
    public ImagePlan(TreePlanner tree, WriteContext context, byte[] prefixes, Timestamp? buildTime = null)
    {
        _tree = tree;
        _context = context;
        Prefixes = prefixes;
        _fragments = new FragmentPlanner(context, prefixes);
        _contents = new ContentPlanner(context, _fragments);
        _layout = new InodeLayout(context.BlockSize);
        Times = buildTime is { } time ? new InodeTimes(time.Seconds, time.Nanoseconds, false)
            : InodeTimes.Choose(_tree.Inodes, context.Kernel.HasCompactTimes);
        foreach (PlannedInode inode in _tree.Inodes)
            PlanInode(inode);
        if (_fragments.IsUsed)
            Packed = PlanPacked();
        foreach (PlannedInode inode in _tree.Inodes)
            _layout.Place(inode);
        XattrStart = Align(_layout.End);
        DirectoryStart = Align(XattrStart + _tree.Xattrs.SharedArea.Length);
        long end = DirectoryStart + _directoryBytes;
        if (end > MaxMetadata)
            throw new UnsupportedImageException("output", $"{end} bytes of metadata, {MaxMetadata} are possible");
        MetadataLength = (int)end;
    }

    public WriteContext Context => _context;

    public IReadOnlyList<PlannedInode> Inodes => _tree.Inodes;

    public PlannedInode Root => _tree.Inodes[0];

    public PlannedInode? Packed { get; }

    /// <summary>The table of long xattr name prefixes: at the start of the packed file, without one in the header.</summary>
    public byte[] Prefixes { get; }

    public InodeTimes Times { get; }

    public ImageFeatures Features { get; } = new();

    public bool HasXattrs => _tree.Xattrs.IsUsed;

    public ReadOnlyMemory<byte> SharedXattrs => _tree.Xattrs.SharedArea;

    /// <summary>Where the shared xattrs begin, from the start of the metadata area on; a block boundary.</summary>
    public long XattrStart { get; }

    /// <summary>Where the blocks of directories begin.</summary>
    public long DirectoryStart { get; }

    /// <summary>Bytes of inodes, xattrs and directories.</summary>
    public int MetadataLength { get; }

    private long Align(long value) => (value + _context.BlockSize - 1) & ~(_context.BlockSize - 1L);

    private void PlanInode(PlannedInode inode)
    {
        Node node = inode.Node;
        PlannedDirectory? directory = inode.Data as PlannedDirectory;
        long size = node.Type switch
        {
            NodeType.RegularFile => inode.FileContent!.Size,
            NodeType.SymbolicLink => node.Target.Length,
            NodeType.Directory => DirectoryPacking.SizeOf(directory!.Entries, _context.BlockSize),
            _ => 0,
        };
        inode.Size = (ulong)size;
        inode.IsExtended |= size > uint.MaxValue || node.UserId > ushort.MaxValue || node.GroupId > ushort.MaxValue ||
            inode.Links > ushort.MaxValue || !Times.Holds(node.Modified);
        if (directory is not null)
        {
            PlanDirectory(inode, directory, size);
        }
        else if (node.Type == NodeType.SymbolicLink)
        {
            inode.IsWithinOneBlock = !_context.Kernel.ReadsLinksAcrossBlocks;
            _contents.Plan(inode, new BytesContent(node.Target));
        }
        else if (node.Type == NodeType.RegularFile)
        {
            _contents.Plan(inode, inode.FileContent!);
            Features.Note(inode);
        }
    }

    private void PlanDirectory(PlannedInode inode, PlannedDirectory directory, long size)
    {
        long tail = size & (_context.BlockSize - 1);
        bool isInline = tail > 0 && inode.End % 32 + tail <= _context.BlockSize;
        directory.BodyAt = _directoryBytes;
        directory.BodySize = isInline ? size - tail : Align(size);
        _directoryBytes += directory.BodySize;
        inode.Layout = isInline ? DataLayout.FlatInline : DataLayout.FlatPlain;
        inode.InlineAt = inode.End;
        inode.InlineSize = isInline ? (int)tail : 0;
    }

    private PlannedInode PlanPacked()
    {
        Content content = _fragments.Merge();
        Node node = new()
        {
            Type = NodeType.RegularFile,
            Permissions = 0,
            HasSingleName = true,
            Modified = Times.Common,
            Payload = content,
        };
        PlannedInode inode = _tree.AddNameless(node);
        PlanInode(inode);
        Features.HasFragments = true;
        return inode;
    }
}

/// <summary>What the superblock must announce, gathered while files are planned.</summary>
internal sealed class ImageFeatures
{
    public bool HasCompressedLayouts { get; private set; }

    public bool HasChunks { get; private set; }

    public bool HasInlineClusters { get; private set; }

    public bool HasFragments { get; set; }

    public bool HasPartialClusters { get; private set; }

    public bool HasSecondCodec { get; private set; }

    public bool HasExtents { get; private set; }

    /// <summary>A bit for each codec in use.</summary>
    public ushort Algorithms { get; private set; }

    /// <summary>The first codec that the superblock announces: LZ4 where none is in use.</summary>
    public ClusterEncoding Announced =>
        Algorithms == 0 ? ClusterEncoding.Lz4 : (ClusterEncoding)BitOperations.TrailingZeroCount(Algorithms);

    /// <summary>The originals that clusters in use lie in, the area of copied data among them.</summary>
    public HashSet<Original> Encoded { get; } = new(ReferenceEqualityComparer.Instance);

    public void Note(PlannedInode inode)
    {
        HasChunks |= inode.Layout == DataLayout.ChunkBased;
        if (inode.Data is not MapPlan map)
            return;
        HasCompressedLayouts = true;
        HasInlineClusters |= map.InlineTail is not null;
        HasFragments |= map.HasFragment;
        HasSecondCodec |= map.HasSecondCodec;
        HasExtents |= map.Form == MapForm.Extents;
        Algorithms |= map.Algorithms;
        HasPartialClusters |= map.HasPartialClusters;
        map.AddEncoded(Encoded);
    }
}

/// <summary>The one time that compact inodes can have: before Linux 6.15 exactly it, since then seconds from it on.</summary>
/// <param name="Epoch">epoch: seconds.</param>
/// <param name="Nanoseconds">fixed_nsec</param>
/// <param name="HasOffsets">Whether compact inodes may have seconds of their own.</param>
internal readonly record struct InodeTimes(long Epoch, uint Nanoseconds, bool HasOffsets)
{
    public Timestamp Common => new(Epoch, Nanoseconds);

    /// <summary>Chooses what suits most inodes; of equally frequent times the earliest.</summary>
    public static InodeTimes Choose(IReadOnlyList<PlannedInode> inodes, bool mayHaveOffsets)
    {
        if (!mayHaveOffsets)
        {
            Timestamp best = MostFrequentTime(inodes);
            return new InodeTimes(best.Seconds, best.Nanoseconds, false);
        }
        Dictionary<uint, int> counts = [];
        foreach (PlannedInode inode in inodes)
            CollectionsMarshal.GetValueRefOrAddDefault(counts, inode.Node.Modified.Nanoseconds, out _)++;
        uint nanoseconds = counts.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key).First().Key;
        // Any window of 2^32 seconds does for real trees; the one that begins at the earliest time from 1970 on.
        long earliest = long.MaxValue, fromZero = long.MaxValue, latest = long.MinValue;
        foreach (PlannedInode inode in inodes)
        {
            (long seconds, uint fraction) = inode.Node.Modified;
            if (fraction != nanoseconds)
                continue;
            earliest = Math.Min(earliest, seconds);
            latest = Math.Max(latest, seconds);
            if (seconds >= 0)
                fromZero = Math.Min(fromZero, seconds);
        }
        long epoch = fromZero == long.MaxValue ? earliest : fromZero;
        return new InodeTimes(epoch, nanoseconds, earliest != latest);
    }

    /// <summary>
    /// Sorts instead of counting in a dictionary: with as many times as files that is several times larger and slower.
    /// </summary>
    private static Timestamp MostFrequentTime(IReadOnlyList<PlannedInode> inodes)
    {
        const int fractionBits = 30;    // of 64, so that seconds keep 34: to the year 2242, and the times beyond are not asked
        List<long> times = new(inodes.Count);
        foreach (PlannedInode inode in inodes)
        {
            (long seconds, uint nanoseconds) = inode.Node.Modified;
            long time = seconds << fractionBits | nanoseconds;
            if (time >> fractionBits == seconds)
                times.Add(time);
        }
        if (times.Count == 0)
            return inodes[0].Node.Modified;
        times.Sort();
        long best = times[0];
        for (int start = 0, most = 0, end; start < times.Count; start = end)
        {
            for (end = start + 1; end < times.Count && times[end] == times[start]; end++)
            {
            }
            if (end - start > most)
                (most, best) = (end - start, times[start]);
        }
        return new Timestamp(best >> fractionBits, (uint)(best & (1L << fractionBits) - 1));
    }

    /// <summary>Whether a compact inode can have this time; two times may lie farther apart than a signed number holds.</summary>
    public bool Holds(Timestamp time) => time.Nanoseconds == Nanoseconds &&
        (HasOffsets ? time.Seconds >= Epoch && (ulong)(time.Seconds - Epoch) <= uint.MaxValue : time.Seconds == Epoch);
}
