using System.Text;
using Lamina.Format;
using Lamina.Platform;
using Lamina.Tree;
using Lamina.Verity;

namespace Lamina.Writing;

/// <summary>A flat image that is appended to: it becomes the lowest layer, and stays where it is.</summary>
/// <param name="Length">Its length in bytes, a multiple of a page; what lies behind is left over from an append that was cut
/// off.</param>
/// <param name="Record">Its originals and its history.</param>
/// <param name="Header">Its first page.</param>
/// <param name="Label">Its volume name.</param>
/// <param name="HasTree">Whether its length includes a dm-verity tree behind it.</param>
internal sealed record AppendBase(long Length, LayerRecord Record, byte[] Header, byte[] Label, bool HasTree);

/// <summary>One image on its way from plan to file.</summary>
internal sealed class WriteJob : IDisposable
{
    private readonly WriteOptions _options;
    private readonly IReadOnlyList<Layer> _layers;
    private readonly List<Original> _originals;
    private readonly Digests _digests;
    private readonly DeviceRoots _roots;
    private readonly WholePlacement _whole;
    private readonly RangePlacement? _ranges;
    private readonly ImagePlan _plan;
    private readonly AppendBase? _base;
    private readonly byte[] _label;
    private readonly long _metadataStart;
    private int? _recordLength;

    /// <summary>Plans an image.</summary>
    /// <param name="root">The tree.</param>
    /// <param name="layers">The layers its content is in; when appending, the image itself is the first.</param>
    /// <param name="options">How to write it.</param>
    /// <param name="appendBase">The image that is appended to, if any.</param>
    public WriteJob(Node root, IReadOnlyList<Layer> layers, WriteOptions options, AppendBase? appendBase = null)
    {
        _options = options;
        _layers = layers;
        _base = appendBase;
        _label = options.Label is { } label ? Encoding.UTF8.GetBytes(label) : appendBase?.Label ?? [];
        if (_label.Length > SuperBlock.LabelSize)
        {
            throw new ArgumentException(
                $"the label {options.Label} has {_label.Length} bytes; {SuperBlock.LabelSize} is the most");
        }
        _originals = [.. layers.Skip(appendBase is null ? 0 : 1).SelectMany(layer => layer.Originals)];
        Validate(options);
        _roots = new DeviceRoots(_originals, options.Verity is not null && options.Mode == OutputMode.Index);
        _digests = new Digests(_originals.Where(original => _roots.Of(original) is null),
            options.ComputesDigests && options.Mode != OutputMode.Full);
        try
        {
            TreePlanner tree = new();
            tree.Read(root);
            OutputShape shape = OutputShape.Choose(layers, tree.ClusterBlockSizes, options);
            bool isIndex = options.Mode == OutputMode.Index;
            _whole = new WholePlacement(isIndex ? 1 : ImageWriter.OriginalAlignment);
            _ranges = options.Mode == OutputMode.Full ? new RangePlacement(_originals, 1 << shape.BlockBits) : null;
            long end = HeaderWriter.SizeFor(isIndex ? _originals.Count : 0);
            if (appendBase is not null)
            {
                _whole.Add(layers[0].Originals[0], 0);
                end = appendBase.Length;
            }
            foreach (Original original in _originals)
            {
                _whole.Add(original, end);
                if (options.Mode == OutputMode.Flat)
                    end = AlignOriginal(end + original.Length);
            }
            WriteContext context = new(shape.BlockBits, shape.Kernel, _ranges is null ? _whole : _ranges,
                new CopyArea(1 << shape.BlockBits), !isIndex);
            _plan = new ImagePlan(tree, context);
            _metadataStart = _ranges is null ? end : _ranges.Assign(end);
            if (isIndex)
                PlaceDevices();
            CheckAddresses();
        }
        catch
        {
            _digests.Dispose();
            throw;
        }
    }

    /// <summary>Bytes that will be written, for progress.</summary>
    public long TotalLength => End + (_options.Mode == OutputMode.Flat && _options.VmdkPath is null ? 0 : -_metadataStart);

    /// <summary>How far the metadata moves towards the header where the originals stay out of the file.</summary>
    private long Shift => _options.VmdkPath is null ? 0 : _metadataStart - VmdkDescriptor.MetadataAt;

    private long CopiesStart => _metadataStart + _plan.MetadataLength;

    private long RecordStart => CopiesStart + _plan.Context.Copies.Length;

    private long End => AlignOriginal(RecordStart + RecordLength);

    private int RecordLength => _recordLength ??= Record(default).ToBytes().Length;

    /// <summary>Whether the header is being or was written: from then on an image that is appended to may be the new
    /// one.</summary>
    public bool HasBegunHeader { get; private set; }

    /// <summary>
    /// Writes all of it, in the order of positions but for the header: it needs the digests, and when appending it makes the
    /// new image out of the old one, after all else is on the medium.
    /// </summary>
    /// <param name="output">Where the image goes.</param>
    /// <param name="path">Its name.</param>
    /// <param name="descriptor">Where the descriptor of a disk goes, if there is to be one.</param>
    public WriteResult Write(ImageOutput output, string path, OutputFile? descriptor = null)
    {
        bool isVmdk = descriptor is not null;
        long shift = Shift;
        using TreeWriter? tree = _options.Verity is null || !Digests.IsSupported ? null
            : new TreeWriter(output, path, End, _options.Verity, _base?.Length);
        if (_base is not null)
        {
            output.SetLength(_base.Length);             // what an append that was cut off left behind is no padding
            output.Filled = _base.Length;
        }
        output.SetLength(End - shift + (tree?.Length ?? 0));
        output.FillTo(HeaderWriter.PageSize);
        if (_options.Mode == OutputMode.Flat && !isVmdk)
        {
            foreach (Original original in _originals)
                output.CopyFrom(original.Bytes, 0, _whole.AddressOf(original, 0), original.Length);
        }
        foreach ((Original original, long start, long address, long length) in _ranges?.Runs() ?? [])
            output.CopyFrom(original.Bytes, start, address, Math.Min(length, original.Length - start));
        byte[] metadata = new MetadataEmitter(_plan, _metadataStart, AddressOf).Emit();
        output.Write(metadata, _metadataStart - shift);
        _plan.Context.Copies.Write(output, CopiesStart - shift);
        byte[] record = Record(_digests).ToBytes();
        output.Write(record, RecordStart - shift);
        output.FillTo(End - shift);
        if (tree is null)
            output.ClearBehind(End - shift, HeaderWriter.PageSize);
        byte[] header = Header(metadata, record);
        VerityInfo? verity = tree?.Finish(header);
        if (_base is not null)
            output.Flush();
        HasBegunHeader = true;
        output.Write(header, 0);
        if (descriptor is not null)
            VmdkDescriptor.Write(descriptor, _options.VmdkPath!, path, _originals, End - _metadataStart);
        return Result(path) with { Verity = verity };
    }

    /// <inheritdoc/>
    public void Dispose() => _digests.Dispose();

    private byte[] Header(byte[] metadata, byte[] record)
    {
        DeviceSlot[] slots = _options.Mode != OutputMode.Index ? [] : [.. _originals.Select(SlotOf)];
        CodecLimits limits = _layers.Aggregate(default(CodecLimits), (union, layer) => union.Union(layer.Codecs));
        HeadRecord head = new(RecordStart, record.Length, Crc32C.Compute(record));
        return HeaderWriter.Write(_plan, _metadataStart, End, slots, limits, head, HeaderWriter.UuidOf(metadata, record), _label);
    }

    private DeviceSlot SlotOf(Original original)
    {
        byte[] digest = _digests.Of(original);
        DeviceTag tag = _roots.Of(original) ?? new DeviceTag(digest.Length > 0 ? DeviceTagKind.Digest : DeviceTagKind.None,
            digest);
        // A device behind dm-verity ends where the data end that its tree covers.
        long length = _roots.DataLengthOf(original) ?? original.Length;
        return new DeviceSlot(tag.ToBytes(), (ulong)((length + _plan.Context.BlockSize - 1) >> _plan.Context.BlockBits),
            (ulong)(AddressOf(original, 0) >> _plan.Context.BlockBits));
    }

    /// <summary>What was or will be written.</summary>
    public WriteResult Result(string path)
    {
        Version kernel = _plan.Features.HasExtents || _plan.Times.HasOffsets ? KernelProfile.Linux615.Version : OldestKernel();
        return new WriteResult(path, End - Shift, _plan.Context.BlockSize, _plan.Inodes.Count, _plan.MetadataLength,
            _plan.Context.Copies.Length,
            kernel, _options.Mode == OutputMode.Index ? [.. _originals.Select(original => original.Name)] : [])
        {
            Warnings = [.. _layers.Where(layer => layer.Warning is not null).Select(layer => $"{layer.Name}: {layer.Warning}")],
        };
    }

    private static void Validate(WriteOptions options)
    {
        if (options.Verity is null)
            return;
        if (options.VmdkPath is not null)
            throw new ArgumentException("a dm-verity tree covers one file, a VMDK describes several");
        if (options.Mode == OutputMode.Index && !options.ComputesDigests)
            throw new ArgumentException("an index whose root hash is to reach its layers needs their digests");
        options.Verity.Validate();
    }

    private Version OldestKernel()
    {
        int algorithms = _plan.Features.Algorithms;
        if ((algorithms & 1 << (int)ClusterEncoding.Zstd) != 0)
            return new Version(6, 10);
        if (_plan.Context.BlockSize < 4096)
            return _plan.Features.HasCompressedLayouts ? new Version(6, 8) : new Version(6, 4);
        return (algorithms & 1 << (int)ClusterEncoding.Deflate) != 0 ? new Version(6, 6) : new Version(6, 1);
    }

    /// <summary>Devices come behind the index in the unified space, each at a multiple of a page.</summary>
    private void PlaceDevices()
    {
        long address = End;
        foreach (Original original in _originals)
        {
            _whole.Add(original, address);
            address = AlignOriginal(address + original.Length);
        }
    }

    private long AddressOf(Original original, long offset)
    {
        if (original == _plan.Context.Copies.Original)
            return CopiesStart + offset;
        return _plan.Context.Placement.AddressOf(original, offset);
    }

    private void CheckAddresses()
    {
        long end = Math.Max(End, _originals.Count == 0 ? 0
            : _originals.Max(original => _ranges is null ? AddressOf(original, original.Length) : 0));
        if (end >> _plan.Context.BlockBits > uint.MaxValue)
        {
            throw new UnsupportedImageException("output",
                $"{end} bytes in blocks of {_plan.Context.BlockSize} are more than 2^32 blocks",
                _plan.Context.BlockSize < 4096 ? "Merge with --block-size 4096." : null);
        }
        if (_options.Mode == OutputMode.Index && _originals.Count > ushort.MaxValue)
            throw new UnsupportedImageException("output", $"{_originals.Count} devices; an index holds {ushort.MaxValue}",
                "Merge with --mode flat.");
    }

    private LayerRecord Record(Digests? digests)
    {
        if (_options.Mode == OutputMode.Full)
            return new LayerRecord([], []);
        List<RecordedOriginal> all = [.. _base?.Record.Originals ?? []];
        bool isInFile = _options.Mode == OutputMode.Flat;
        int below = all.Count == 0 ? 0 : all[^1].Layer + 1;
        for (int layer = _base is null ? 0 : 1; layer < _layers.Count; layer++)
        {
            foreach (Original original in _layers[layer].Originals)
            {
                bool hasDigest = _options.ComputesDigests && _roots.Of(original) is null;
                byte[] digest = digests?.Of(original) ?? new byte[hasDigest ? 32 : 0];
                byte[] name = Encoding.UTF8.GetBytes(Path.GetFileName(original.Name));
                all.Add(new RecordedOriginal(below + layer - (_base is null ? 0 : 1), (byte)original.Kind, isInFile
                    ? _whole.AddressOf(original, 0) : -1, original.Length,
                    digest, name));
            }
        }
        RecordedState[] history = _base is null ? [] : [.. _base.Record.History, new RecordedState(_base.Length, _base.Header)];
        return new LayerRecord([.. all], history);
    }

    private static long AlignOriginal(long position) =>
        (position + ImageWriter.OriginalAlignment - 1) & ~(ImageWriter.OriginalAlignment - 1L);
}
