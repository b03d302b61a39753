using System.Text;
using Lamina.Format;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>A flat image that is appended to: it becomes the lowest layer, and stays where it is.</summary>
/// <param name="Layer">The image as a layer.</param>
/// <param name="Length">Its length in bytes, a multiple of a page; what lies behind is left over from an append that was cut
/// off.</param>
/// <param name="Record">Its originals and its history.</param>
/// <param name="Header">Its first page.</param>
/// <param name="Label">Its volume name.</param>
/// <param name="HasTree">Whether its length includes a dm-verity tree behind it.</param>
internal sealed record AppendBase(Layer Layer, long Length, LayerRecord Record, byte[] Header, byte[] Label, bool HasTree)
{
    /// <summary>The image itself.</summary>
    public Original Image => Layer.Originals[0];
}

/// <summary>
/// From a merged tree to the layout of an image. In order of addresses: header, originals (flat) or what is used of them (full),
/// metadata, copied data, layer record; in front of all that, when appending, the former image. An index has its devices'
/// addresses behind its end.
/// </summary>
internal sealed class LayoutPlanner : IDisposable
{
    private readonly WriteOptions _options;
    private readonly Layer[] _layers;
    private readonly Original[] _originals;
    private readonly Digests _digests;
    private readonly DeviceRoots _roots;
    private readonly Placement _placement;
    private readonly ImagePlan _plan;
    private readonly AppendBase? _base;
    private readonly byte[] _label;
    private readonly PageSharing? _sharing;
    private readonly long _metadataStart, _recordStart;
    private readonly ComputedSource _metadata, _record;
    private readonly TreeEncoder? _own;

    /// <summary>Plans an image.</summary>
    /// <param name="root">The tree.</param>
    /// <param name="layers">The layers its content is in, but for the image that is appended to.</param>
    /// <param name="options">How to write it.</param>
    /// <param name="appendBase">The image that is appended to, if any.</param>
    /// <param name="output">What takes data that is encoded while planning, and its name; needed where the options ask for
    /// it.</param>
    public LayoutPlanner(Node root, IReadOnlyList<Layer> layers, WriteOptions options, AppendBase? appendBase = null,
        (ImageOutput Output, string Path)? output = null)
    {
        _options = options;
        _layers = [.. layers];
        _base = appendBase;
        _label = options.Label is { } label ? Encoding.UTF8.GetBytes(label) : appendBase?.Label ?? [];
        _originals = [.. layers.SelectMany(layer => layer.Originals)];
        Validate(options);
        bool isIndex = options.Mode == OutputMode.Index;
        _roots = new DeviceRoots(_originals, options.Verity is not null && isIndex);
        _digests = new Digests(_originals.Where(original => _roots.Of(original) is null),
            options.ComputeDigests && options.Mode != OutputMode.Full, options.ThreadCount,
            isIndex ? options.Counter(() => _originals.Sum(original => original.Length)) : null);
        try
        {
            TreePlanner tree = new(new FaultyFile([.. AllLayers]), options.Changes);
            tree.Read(root);
            OutputShape shape = OutputShape.Choose([.. AllLayers],
                options.Encoding is null ? tree.ClusterBlockSizes : [.. tree.ClusterBlockSizes, TreeEncoder.BlockSize], options);
            CheckLabel(options.Label, shape.Kernel);
            _sharing = options.Changes is { FingerprintName.IsEmpty: false } changes
                ? FingerprintMaker.Make(tree.Inodes, changes.FingerprintName, shape.Kernel, options)
                : SharingPlanner.Choose([.. AllLayers], tree.Inodes, shape.Kernel);
            ReadOnlyMemory<byte> fingerprintName = _sharing is { IsKept: true } ? _sharing.Attribute : default;
            tree.PlanXattrs(fingerprintName);
            byte[] prefixes = fingerprintName.IsEmpty ? [] : LongPrefixRecord.Of(fingerprintName.Span);
            int headerSize = HeaderWriter.SizeFor(isIndex ? _originals.Length : 0, prefixes.Length);
            long end = appendBase?.Length ?? headerSize;
            if (TreeEncoder.IsSupported && options.Encoding is not null && output is { } target)
            {
                _own = new TreeEncoder(tree.Inodes, options, shape, target.Output, target.Path, end);
                end = AlignOriginal(end + _own.Area.Length);
            }
            RangePlacement? ranges =
                options.Mode == OutputMode.Full ? new RangePlacement(_originals, 1 << shape.BlockBits) : null;
            _placement = ranges ?? (Placement)new WholePlacement(isIndex ? 1 : ImageWriter.OriginalAlignment);
            if (appendBase is not null)
                _placement.Put(appendBase.Image, 0);
            if (_own is not null)
                _placement.Put(_own.Area.Original, _own.Start);
            if (ranges is null)
                end = PutOriginals(end, isIndex ? 0 : 1);
            _plan = new ImagePlan(tree, new WriteContext(
                shape.BlockBits, shape.Kernel, _placement, new CopyArea(1 << shape.BlockBits), !isIndex), prefixes,
                options.BuildTime);
            _metadataStart = ranges?.Assign(end) ?? end;
            _placement.Put(_plan.Context.Copies.Original, _metadataStart + _plan.MetadataLength);
            _metadata = new ComputedSource("metadata", _plan.MetadataLength,
                () => new MetadataEmitter(_plan, _metadataStart, _placement.AddressOf).Emit());
            _recordStart = _metadataStart + _plan.MetadataLength + _plan.Context.Copies.Length;
            _record = new ComputedSource("layer record", Record(null).ToBytes().Length, () => Record(_digests).ToBytes());
            Layout = Lay(headerSize);
            if (isIndex)
                end = PutOriginals(Layout.Length, 1);
            CheckAddresses(isIndex ? end : Layout.Length);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The image.</summary>
    public ImageLayout Layout { get; }

    private IEnumerable<Layer> AllLayers => _base is null ? _layers : _layers.Prepend(_base.Layer);

    /// <inheritdoc/>
    public void Dispose()
    {
        _digests.Dispose();
        _own?.Dispose();
    }

    /// <summary>
    /// Gives originals their places from an address on, each at a multiple of a page, and returns where they end.
    /// </summary>
    /// <param name="address">The first one's place.</param>
    /// <param name="factor">0 to place all of them at one address, for as long as it is not known where they will lie.</param>
    private long PutOriginals(long address, int factor)
    {
        foreach (Original original in _originals)
        {
            _placement.Put(original, address);
            address += factor * AlignOriginal(original.Length);
        }
        return address;
    }

    private ImageLayout Lay(int headerSize)
    {
        List<Segment> body = [];
        const int head = HeaderWriter.PageSize;
        if (_base is not null)
            body.Add(new Segment(head, _base.Length - head, _base.Image.Bytes, head));
        if (_own is not null)
            body.Add(new Segment(_own.Start, _own.Area.Length, _own.Area.Original.Bytes));
        if (_placement is RangePlacement ranges)
            body.AddRange(ranges.Runs());
        else if (_options.Mode == OutputMode.Flat)
            body.AddRange(_originals.Select(WholeOf));
        body.Add(new Segment(_metadataStart, _metadata.Length, _metadata));
        body.AddRange(_plan.Context.Copies.At(_metadataStart + _plan.MetadataLength));
        body.Add(new Segment(_recordStart, _record.Length, _record));
        long length = AlignOriginal(_recordStart + _record.Length);
        return new ImageLayout
        {
            Length = length,
            Body = body,
            Header = new Segment(0, headerSize, new ComputedSource("header", headerSize, () => Header(length))),
            There = _own is null ? _base?.Length ?? 0 : AlignOriginal(_own.Start + _own.Area.Length),
        };
    }

    private Segment WholeOf(Original original) =>
        new(_placement.AddressOf(original, 0), original.Length, original.Bytes) { Whole = original };

    private byte[] Header(long end)
    {
        DeviceSlot[] slots = _options.Mode != OutputMode.Index ? [] : [.. _originals.Select(SlotOf)];
        ReadOnlySpan<byte> record = _record.Memory.Span;
        HeadRecord head = new(_recordStart, record.Length, Crc32C.Compute(record));
        return HeaderWriter.Write(_plan, _metadataStart, end, slots, Limits(), head,
            _options.Uuid ?? HeaderWriter.UuidOf(_metadata.Memory.Span, record, _own is null ? [] : _own.Area.Hash()), _label,
            !_options.OmitsChecksum);
    }

    /// <summary>
    /// What a decoder must be ready for: what the layers ask for whose clusters are used. Of copied clusters it is not known any
    /// more whose they were, so all layers count then.
    /// </summary>
    private CodecLimits Limits()
    {
        HashSet<Original> used = _plan.Features.Encoded;
        bool hasCopies = used.Contains(_plan.Context.Copies.Original);
        return AllLayers.Where(layer => hasCopies || layer.Originals.Any(used.Contains))
            .Aggregate(_own?.Codecs ?? default, (union, layer) => union.Union(layer.Codecs));
    }

    private DeviceSlot SlotOf(Original original)
    {
        byte[] digest = _digests.Of(original);
        DeviceTag tag = _roots.Of(original) ?? new DeviceTag(digest.Length > 0 ? DeviceTagKind.Digest : DeviceTagKind.None,
            digest);
        // A device behind dm-verity ends where the data end that its tree covers.
        long length = _roots.DataLengthOf(original) ?? original.Length;
        return new DeviceSlot(tag.ToBytes(), (ulong)((length + _plan.Context.BlockSize - 1) >> _plan.Context.BlockBits),
            (ulong)(_placement.AddressOf(original, 0) >> _plan.Context.BlockBits));
    }

    /// <summary>What was or will be written.</summary>
    /// <param name="path">The file.</param>
    /// <param name="length">Its length: that of the layout, or of the part of it that is in the file.</param>
    public WriteResult Result(string path, long length)
    {
        bool isWholeLabel = _label.AsSpan().TrimEnd((byte)0).Length == SuperBlock.LabelSize;
        Version kernel = _plan.Features.HasExtents || _plan.Times.HasOffsets || isWholeLabel ? KernelProfile.Linux615.Version
            : OldestKernel();
        return new WriteResult(path, length, _plan.Context.BlockSize, _plan.Inodes.Count, _plan.MetadataLength,
            _plan.Context.Copies.Length, kernel,
            _options.Mode == OutputMode.Index ? [.. _originals.Select(original => original.Name)] : [])
        {
            Sharing = _sharing,
            Encoding = _own?.Summary,
            LayerNames = [.. AllLayers.Select(layer => layer.Name)],
            Warnings = [.. AllLayers.Where(layer => layer.Warning is not null).Select(layer => $"{layer.Name}: {layer.Warning}")],
        };
    }

    private static void CheckLabel(string? label, KernelProfile kernel)
    {
        if (label is null || Encoding.UTF8.GetByteCount(label) is var length && length <= kernel.MaxLabel)
            return;
        string forKernel = length > SuperBlock.LabelSize ? "" : $" for Linux {kernel.Version}; " +
            $"{SuperBlock.LabelSize} are possible with --kernel {KernelProfile.Linux615.Version} or later";
        throw new ArgumentException($"the label {label} has {length} bytes; {kernel.MaxLabel} is the most{forKernel}");
    }

    private static void Validate(WriteOptions options)
    {
        if (options.Encoding is not null && options.Mode != OutputMode.Full)
            throw new ArgumentException("data can only be encoded where all of it is written: in full mode");
        if (options.Verity is null)
            return;
        if (options.VmdkPath is not null)
            throw new ArgumentException("a dm-verity tree covers one file, a VMDK describes several");
        if (options.Mode == OutputMode.Index && !options.ComputeDigests)
            throw new ArgumentException("an index whose root hash is to reach its layers needs their digests");
        options.Verity.Validate();
    }

    private Version OldestKernel()
    {
        Version oldest = OldestForLayouts();
        return _plan.Prefixes.Length > 0 && oldest < KernelProfile.NamePrefixes ? KernelProfile.NamePrefixes : oldest;
    }

    private Version OldestForLayouts()
    {
        int algorithms = _plan.Features.Algorithms;
        if ((algorithms & 1 << (int)ClusterEncoding.Zstd) != 0)
            return new Version(6, 10);
        if (_plan.Context.BlockSize < 4096)
            return _plan.Features.HasCompressedLayouts ? new Version(6, 8) : new Version(6, 4);
        return (algorithms & 1 << (int)ClusterEncoding.Deflate) != 0 ? new Version(6, 6) : new Version(6, 1);
    }

    private void CheckAddresses(long end)
    {
        if (end >> _plan.Context.BlockBits > uint.MaxValue)
        {
            throw new UnsupportedImageException("output",
                $"{end} bytes in blocks of {_plan.Context.BlockSize} are more than 2^32 blocks",
                _plan.Context.BlockSize < 4096 ? "Merge with --block-size 4096." : null);
        }
        if (_options.Mode == OutputMode.Index && _originals.Length > ushort.MaxValue)
            throw new UnsupportedImageException("output", $"{_originals.Length} devices; an index holds {ushort.MaxValue}",
                "Merge with --mode flat.");
    }

    /// <summary>The layer record; without digests it has its length.</summary>
    private LayerRecord Record(Digests? digests)
    {
        if (_options.Mode == OutputMode.Full)
            return new LayerRecord([], []);
        List<RecordedOriginal> all = [.. _base?.Record.Originals ?? []];
        int below = all.Count == 0 ? 0 : all[^1].Layer + 1;
        for (int layer = 0; layer < _layers.Length; layer++)
        {
            foreach (Original original in _layers[layer].Originals)
            {
                bool hasDigest = _options.ComputeDigests && _roots.Of(original) is null;
                byte[] digest = digests?.Of(original) ?? new byte[hasDigest ? 32 : 0];
                byte[] name = PathBytes.Encode(Path.GetFileName(original.Name));
                long start = _options.Mode == OutputMode.Flat ? _placement.AddressOf(original, 0) : -1;
                all.Add(new RecordedOriginal(below + layer, (byte)original.Kind, start, original.Length, digest, name));
            }
        }
        RecordedState[] history = _base is null ? [] : [.. _base.Record.History, new RecordedState(_base.Length, _base.Header)];
        return new LayerRecord([.. all], history);
    }

    private static long AlignOriginal(long position) =>
        (position + ImageWriter.OriginalAlignment - 1) & ~(ImageWriter.OriginalAlignment - 1L);
}
