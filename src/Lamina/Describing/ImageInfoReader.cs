using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Describing;

/// <summary>Gathers what <see cref="ImageInfo"/> says.</summary>
internal sealed class ImageInfoReader(ErofsImage image, IReadOnlyList<string> devices)
{
    /// <summary>EROFS left the kernel's staging area in this version; what is older does not count.</summary>
    private static readonly Version s_first = new(5, 4);

    private static readonly (ClusterEncoding Encoding, string Linux)[] s_codecs =
    [
        (ClusterEncoding.Lz4, "5.4"), (ClusterEncoding.Lzma, "5.16"),
        (ClusterEncoding.Deflate, "6.6"), (ClusterEncoding.Zstd, "6.10"),
    ];

    private readonly SuperBlock _superBlock = image.SuperBlock;

    /// <summary>
    /// Opens an image; devices that were not given are stood in for, so that metadata can be read all the same.
    /// </summary>
    public static ErofsImage Open(string path, IReadOnlyList<string> devices)
    {
        List<ByteSource> opened = [ByteSource.OpenFile(path)];
        try
        {
            opened[0] = DiskPartitions.ImageOf(opened[0]);
            SuperBlock superBlock = ErofsImage.ReadSuperBlock(opened[0]);
            using MetadataReader metadata = new(opened[0]);
            DeviceSlot[] slots = AddressSpace.ReadSlots(superBlock, metadata);
            foreach (string device in devices)
                opened.Add(ByteSource.OpenFile(device));
            if (devices.Count == 0 && !AddressSpace.AreWithin(slots, opened[0].Length, superBlock.BlockBits))
                opened.AddRange(slots.Select((slot, i) => new MissingDevice(path, i + 1, LengthOf(slot, superBlock))));
            return ErofsImage.Open(opened[0], [.. opened[1..]]);
        }
        catch
        {
            opened.ForEach(source => source.Dispose());
            throw;
        }
    }

    public ImageInfo Read()
    {
        using ImageWalk walk = new(image);
        walk.Run();
        long end = (long)_superBlock.Blocks << _superBlock.BlockBits;
        LayerRecord? record = LayerRecordReader.Read(image.Primary.Bytes, end);
        List<ImageFeature> features =
        [
            .. FeatureNames.Of(_superBlock.Incompatible).Select(feature => new ImageFeature(feature.Name, feature.Linux, true)),
            .. FeatureNames.Of(_superBlock.Compatible).Select(feature => new ImageFeature(feature.Name, feature.Linux, false)),
        ];
        List<ImageCodec> codecs = [.. Codecs()];
        return new ImageInfo
        {
            Name = image.Name,
            Length = image.Primary.Length,
            BlockSize = image.BlockSize,
            Blocks = (long)_superBlock.Blocks,
            Uuid = _superBlock.Uuid,
            Label = _superBlock.Label,
            BuildTime = new Timestamp(_superBlock.Epoch + _superBlock.BuildTime, _superBlock.FixedNanoseconds),
            InodeCount = (long)_superBlock.InodeCount,
            RootNid = _superBlock.RootNid,
            PackedNid = image.Packed is null ? 0 : _superBlock.PackedNid,
            MetadataStart = (long)_superBlock.MetaBlockAddress << _superBlock.BlockBits,
            FingerprintName = image.FingerprintName,
            Features = features,
            Codecs = codecs,
            Kernel = OldestKernel(features, codecs),
            Devices = [.. image.Space.Slots.Select(DeviceOf)],
            Originals = record?.Originals.Select(OriginalOf).ToArray(),
            FormerLengths = record is null ? [] : [.. record.History.Select(state => state.Length)],
            Counts = walk.Counts,
            Uses = walk.Uses(),
        };
    }

    private ImageDevice DeviceOf(DeviceSlot slot, int index) => new(
        slot.Tag.TrimEnd((byte)0), LengthOf(slot, _superBlock), (long)slot.UnifiedAddress << _superBlock.BlockBits,
        index < devices.Count ? devices[index] : null);

    private static ImageOriginal OriginalOf(RecordedOriginal original) =>
        new(original.Layer, (OriginalKind)original.Kind, original.Name,
        original.Start < 0 ? null : original.Start, original.Length, original.Digest);

    private IEnumerable<ImageCodec> Codecs()
    {
        CompressionConfigs configs = image.Configs;
        if (!_superBlock.Has(IncompatibleFeatures.CompressionConfigs) && !_superBlock.Has(IncompatibleFeatures.Lz4ZeroPadding))
            yield break;
        foreach ((ClusterEncoding encoding, string linux) in s_codecs)
        {
            if ((configs.Algorithms & (1 << (int)encoding)) != 0)
                yield return new ImageCodec(encoding.ToString().ToLowerInvariant(), linux, Limits(configs, encoding));
        }
    }

    private string Limits(CompressionConfigs configs, ClusterEncoding encoding) => encoding switch
    {
        ClusterEncoding.Lz4 => $"clusters up to {Math.Max((int)configs.Lz4MaxClusterBlocks, 1) * image.BlockSize} bytes, " +
            $"distances up to {(configs.Lz4MaxDistance == 0 ? ushort.MaxValue : configs.Lz4MaxDistance)} bytes",
        ClusterEncoding.Lzma => $"a dictionary of {configs.LzmaDictionarySize} bytes",
        ClusterEncoding.Deflate => $"a window of 2^{configs.DeflateWindowBits} bytes",
        _ => $"a window of 2^{configs.ZstdWindowLog + 10} bytes",
    };

    private Version OldestKernel(List<ImageFeature> features, List<ImageCodec> codecs)
    {
        IEnumerable<string> versions = features.Where(feature => feature.IsRequired).Select(feature => feature.Linux)
            .Concat(codecs.Select(codec => codec.Linux));
        if (image.BlockSize < 4096)
            versions = versions.Append(codecs.Count > 0 ? "6.8" : "6.4");
        if (_superBlock.Label.TrimEnd((byte)0).Length == SuperBlock.LabelSize)
            versions = versions.Append("6.15");                         // older ones want a NUL behind it
        return versions.Where(version => version.Length > 0).Select(Version.Parse).Append(s_first).Max()!;
    }

    private static long LengthOf(DeviceSlot slot, SuperBlock superBlock) => (long)slot.Blocks << superBlock.BlockBits;

    /// <summary>Stands in for a device that nobody gave: it has its size, but no bytes.</summary>
    private sealed class MissingDevice(string image, int number, long length) : ByteSource
    {
        public override string Name => $"device {number} of {image}";

        public override long Length => length;

        public override int Read(long offset, Span<byte> destination) =>
            throw new UnsupportedImageException(image, $"device {number} is needed for this",
                $"Give the devices in order: {image}@DEVICE...");
    }
}
