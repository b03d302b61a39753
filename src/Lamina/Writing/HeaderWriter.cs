using System.IO.Hashing;
using Lamina.Format;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>Makes the first bytes of an image: Lamina's record, the superblock, codec configurations, the device table.</summary>
internal static class HeaderWriter
{
    /// <summary>Without devices the header is one page, whatever the block size, so that it can be rewritten in one go.</summary>
    public const int PageSize = 4096;

    private const int LargestSuperBlock = SuperBlock.BaseSize + SuperBlock.ExtensionSlotSize;

    /// <summary>The header's size, in bytes.</summary>
    /// <param name="devices">Slots of the device table.</param>
    /// <param name="prefixes">Bytes of the table of long xattr name prefixes, far less than a page.</param>
    public static int SizeFor(int devices, int prefixes) =>
        (PrefixesAt(devices) + prefixes + PageSize - 1) / PageSize * PageSize;

    // Behind superblock and configurations, at a multiple of the slot size.
    private static int DeviceTableAt =>
        (SuperBlock.Offset + LargestSuperBlock + 64 + DeviceSlot.Size - 1) / DeviceSlot.Size * DeviceSlot.Size;

    private static int PrefixesAt(int devices) => DeviceTableAt + devices * DeviceSlot.Size;

    /// <summary>Writes the header of a plan.</summary>
    public static byte[] Write(
        ImagePlan plan, long metadataStart, long end, ReadOnlySpan<DeviceSlot> devices, CodecLimits limits, HeadRecord head,
            Guid uuid, byte[] label, bool hasChecksum = true)
    {
        int bits = plan.Context.BlockBits;
        ImageFeatures features = plan.Features;
        CompressionConfigs configs = Configs(features, limits, plan.Context.BlockSize);
        bool isWide = features.HasExtents || plan.Times.HasOffsets;
        bool hasPrefixes = plan.Prefixes.Length > 0, areInHeader = hasPrefixes && plan.Packed is null;
        int prefixesAt = areInHeader ? PrefixesAt(devices.Length) : 0;
        SuperBlock superBlock = new()
        {
            Compatible = Compatible(plan.HasXattrs, hasPrefixes, areInHeader) &
                (hasChecksum ? CompatibleFeatures.All : ~CompatibleFeatures.SuperBlockChecksum),
            Incompatible = Incompatible(features, devices.Length > 0, isWide) |
                (hasPrefixes ? IncompatibleFeatures.XattrPrefixes : IncompatibleFeatures.None),
            XattrPrefixCount = hasPrefixes ? (byte)1 : (byte)0,         // the fingerprints' name; SharePrefix is its index, 0
            XattrPrefixStart = (uint)prefixesAt / sizeof(uint),
            BlockBits = (byte)bits,
            ExtensionSlots = isWide ? (byte)1 : (byte)0,
            RootNid = plan.Root.Nid,
            InodeCount = (ulong)plan.Inodes.Count,
            Epoch = plan.Times.Epoch,
            FixedNanoseconds = plan.Times.Nanoseconds,
            Blocks = (ulong)(end >> bits),
            MetaBlockAddress = checked((uint)(metadataStart >> bits)),
            XattrBlockAddress = checked((uint)((metadataStart + plan.XattrStart) >> bits)),
            Uuid = uuid,
            Label = label,
            AlgorithmsOrLz4Distance = configs.Algorithms,
            ExtraDevices = checked((ushort)devices.Length),
            DeviceTableSlot = devices.Length > 0 ? (ushort)(DeviceTableAt / DeviceSlot.Size) : (ushort)0,
            PackedNid = plan.Packed?.Nid ?? 0,
        };
        byte[] header = new byte[SizeFor(devices.Length, plan.Prefixes.Length)];
        head.WriteTo(header);
        superBlock.WriteTo(header.AsSpan(SuperBlock.Offset));
        configs.WriteTo(header.AsSpan(SuperBlock.Offset + superBlock.Size));
        for (int i = 0; i < devices.Length; i++)
            devices[i].WriteTo(header.AsSpan(DeviceTableAt + i * DeviceSlot.Size));
        if (areInHeader)
            plan.Prefixes.CopyTo(header, prefixesAt);
        if (hasChecksum)
            SuperBlock.WriteChecksum(header.AsSpan(SuperBlock.Offset, SuperBlock.ChecksummedLength(1 << bits)));
        return header;
    }

    /// <summary>A UUID from what makes the image what it is, in the form of version 8 (RFC 9562).</summary>
    public static Guid UuidOf(ReadOnlySpan<byte> metadata, ReadOnlySpan<byte> layers, ReadOnlySpan<byte> data)
    {
        XxHash128 hash = new();
        hash.Append(metadata);
        hash.Append(layers);
        hash.Append(data);
        byte[] bytes = hash.GetCurrentHash();
        bytes[6] = (byte)(bytes[6] & 0x0F | 0x80);
        bytes[8] = (byte)(bytes[8] & 0x3F | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    private static CompatibleFeatures Compatible(bool hasXattrs, bool hasPrefixes, bool areInHeader)
    {
        CompatibleFeatures bits = CompatibleFeatures.SuperBlockChecksum | CompatibleFeatures.ModificationTimes;
        if (hasXattrs)
            bits |= CompatibleFeatures.XattrFilter;
        if (hasPrefixes)
            bits |= CompatibleFeatures.InodeShareXattrs;
        return areInHeader ? bits | CompatibleFeatures.PlainXattrPrefixes : bits;
    }

    private static IncompatibleFeatures Incompatible(ImageFeatures features, bool hasDevices, bool isWide)
    {
        IncompatibleFeatures bits = IncompatibleFeatures.None;
        if (features.HasCompressedLayouts)
            bits |= IncompatibleFeatures.Lz4ZeroPadding | IncompatibleFeatures.CompressionConfigs;
        if (features.HasChunks)
            bits |= IncompatibleFeatures.ChunkedFiles;
        if (hasDevices || features.HasSecondCodec)
            bits |= IncompatibleFeatures.DeviceTable;
        if (features.HasInlineClusters)
            bits |= IncompatibleFeatures.TailPacking;
        if (features.HasFragments || features.HasPartialClusters)
            bits |= IncompatibleFeatures.Fragments;
        return isWide ? bits | IncompatibleFeatures.Wide48Bit : bits;
    }

    /// <summary>
    /// Only codecs in use are announced, as a kernel refuses to mount what it lacks; compressed layouts without any codec (plain
    /// extents) still need one, and every kernel has LZ4.
    /// </summary>
    private static CompressionConfigs Configs(ImageFeatures features, CodecLimits limits, int blockSize)
    {
        if (!features.HasCompressedLayouts)
            return default;
        ushort algorithms = (ushort)(features.Algorithms | 1 << (int)features.Announced);
        return new CompressionConfigs(algorithms)
        {
            Lz4MaxDistance = (ushort)limits.Lz4Distance,
            // It sizes buffers, in pages: more than kernels take is never needed, whatever the block size.
            Lz4MaxClusterBlocks = (ushort)Math.Clamp((limits.Lz4ClusterSize + blockSize - 1) / blockSize, 1,
                CompressionConfigs.MaxLz4ClusterBlocks),
            LzmaDictionarySize = limits.LzmaDictionary,
            DeflateWindowBits = limits.DeflateWindowBits,
            ZstdWindowLog = limits.ZstdWindowBits,
        };
    }
}
