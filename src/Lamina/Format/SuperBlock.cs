using System.Buffers.Binary;

namespace Lamina.Format;

/// <summary>
/// The superblock (<c>erofs_super_block</c>), at byte 1024 of an image. Field comments give the kernel's names; addresses are in
/// blocks, node numbers in units of 32 bytes from the start of the metadata area.
/// </summary>
internal sealed record SuperBlock
{
    /// <summary>Where it lies in the image, in bytes; what is before is free for boot sectors and the like.</summary>
    public const int Offset = 1024;

    /// <summary>Its size without extension slots, in bytes.</summary>
    public const int BaseSize = 128;

    /// <summary>The size of an extension slot, in bytes.</summary>
    public const int ExtensionSlotSize = 16;

    /// <summary>What the kernel takes: the superblock ends within the first page, of 4096 bytes.</summary>
    public const int MaxSize = 4096 - Offset;

    /// <summary>What we read of it at most: the base and the one slot that has a meaning.</summary>
    public const int ParsedSize = BaseSize + ExtensionSlotSize;

    public const uint Magic = 0xE0F5E1E2;

    /// <summary>Blocks of 512 bytes are the least the kernel accepts, pages of 64 KiB the most any host has.</summary>
    public const int MinBlockBits = 9, MaxBlockBits = 16;

    /// <summary>Bytes of a volume name.</summary>
    public const int LabelSize = 16;

    /// <summary>Where fields stand that messages point at.</summary>
    public const int CompatAt = 8, SlotsAt = 13, InodesAt = 16, PackedAt = 96, SharePrefixAt = 105;

    private const int MagicAt = 0, ChecksumAt = 4, BlockBitsAt = 12, RootOrBlocksHighAt = 14;
    private const int EpochAt = 24;
    private const int NanosecondsAt = 32, BlocksLowAt = 36, MetaBlockAt = 40, XattrBlockAt = 44;
    private const int UuidAt = 48, LabelAt = 64;
    private const int IncompatAt = 80, AlgorithmsAt = 84, DevicesAt = 86, DeviceSlotAt = 88, DirBitsAt = 90, PrefixCountAt = 91;
    private const int PrefixStartAt = 92, FilterAt = 104, BuildTimeAt = 108;
    private const int Root8At = 112, MetaboxAt = 128;

    /// <summary>checksum: CRC-32C of the rest of the superblock's block, if the feature is on.</summary>
    public uint Checksum { get; init; }

    /// <summary>feature_compat</summary>
    public CompatibleFeatures Compatible { get; init; }

    /// <summary>feature_incompat</summary>
    public IncompatibleFeatures Incompatible { get; init; }

    /// <summary>blkszbits: 9 to 16.</summary>
    public byte BlockBits { get; init; }

    /// <summary>sb_extslots: extension slots behind the base.</summary>
    public byte ExtensionSlots { get; init; }

    /// <summary>rootnid_2b, or rootnid_8b with 48BIT.</summary>
    public ulong RootNid { get; init; }

    /// <summary>inos: count of inodes.</summary>
    public ulong InodeCount { get; init; }

    /// <summary>epoch: base of the times of compact inodes, in seconds since 1970.</summary>
    public long Epoch { get; init; }

    /// <summary>fixed_nsec: nanoseconds of the times of compact inodes.</summary>
    public uint FixedNanoseconds { get; init; }

    /// <summary>blocks_lo, blocks_hi: blocks of the primary device.</summary>
    public ulong Blocks { get; init; }

    /// <summary>meta_blkaddr: first block of the area that node numbers count from.</summary>
    public uint MetaBlockAddress { get; init; }

    /// <summary>xattr_blkaddr: first block of the area that shared xattr ids count from.</summary>
    public uint XattrBlockAddress { get; init; }

    /// <summary>uuid</summary>
    public Guid Uuid { get; init; }

    /// <summary>volume_name: up to 16 bytes, zeros behind.</summary>
    public ReadOnlyMemory<byte> Label { get; init; }

    /// <summary>available_compr_algs with COMPR_CFGS: a bit for each codec; lz4_max_distance without.</summary>
    public ushort AlgorithmsOrLz4Distance { get; init; }

    /// <summary>extra_devices: slots in the device table.</summary>
    public ushort ExtraDevices { get; init; }

    /// <summary>devt_slotoff: where the device table starts, in units of 128 bytes.</summary>
    public ushort DeviceTableSlot { get; init; }

    /// <summary>dirblkbits: directory block size over block size, as a shift. Only 0 is in use.</summary>
    public byte DirectoryBlockBits { get; init; }

    /// <summary>xattr_prefix_count: long xattr name prefixes.</summary>
    public byte XattrPrefixCount { get; init; }

    /// <summary>xattr_prefix_start: where they start, in units of 4 bytes.</summary>
    public uint XattrPrefixStart { get; init; }

    /// <summary>packed_nid: the inode that holds fragments; 0 without.</summary>
    public ulong PackedNid { get; init; }

    /// <summary>xattr_filter_reserved: 0, or the name filter is not to be used.</summary>
    public byte XattrFilterReserved { get; init; }

    /// <summary>ishare_xattr_prefix_id: with ISHARE_XATTRS, which long prefix is the name of files' fingerprints.</summary>
    public byte SharePrefix { get; init; }

    /// <summary>build_time: seconds after the epoch at which the image was made.</summary>
    public uint BuildTime { get; init; }

    /// <summary>metabox_nid: with METABOX, the inode that holds metadata.</summary>
    public ulong MetaboxNid { get; init; }

    public int BlockSize => 1 << BlockBits;

    /// <summary>The superblock's size with its extension slots, in bytes.</summary>
    public int Size => BaseSize + ExtensionSlots * ExtensionSlotSize;

    public bool Has(IncompatibleFeatures feature) => (Incompatible & feature) != 0;

    public bool Has(CompatibleFeatures feature) => (Compatible & feature) != 0;

    /// <summary>Whether the bytes carry EROFS's magic number; needs four.</summary>
    public static bool HasMagic(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[MagicAt..]) == Magic;

    /// <summary>Reads the fields from <see cref="ParsedSize"/> bytes, checking none of them.</summary>
    public static SuperBlock Parse(ReadOnlySpan<byte> bytes)
    {
        IncompatibleFeatures incompatible = (IncompatibleFeatures)BinaryPrimitives.ReadUInt32LittleEndian(bytes[IncompatAt..]);
        // With 48BIT the short field still is the root's number where the long one is 0 (erofs_read_superblock).
        ulong root8 = BinaryPrimitives.ReadUInt64LittleEndian(bytes[Root8At..]);
        bool wide = (incompatible & IncompatibleFeatures.Wide48Bit) != 0 && root8 != 0;
        ushort rootOrHigh = BinaryPrimitives.ReadUInt16LittleEndian(bytes[RootOrBlocksHighAt..]);
        return new SuperBlock
        {
            Checksum = BinaryPrimitives.ReadUInt32LittleEndian(bytes[ChecksumAt..]),
            Compatible = (CompatibleFeatures)BinaryPrimitives.ReadUInt32LittleEndian(bytes[CompatAt..]),
            Incompatible = incompatible,
            BlockBits = bytes[BlockBitsAt],
            ExtensionSlots = bytes[SlotsAt],
            RootNid = wide ? root8 : rootOrHigh,
            InodeCount = BinaryPrimitives.ReadUInt64LittleEndian(bytes[InodesAt..]),
            Epoch = BinaryPrimitives.ReadInt64LittleEndian(bytes[EpochAt..]),
            FixedNanoseconds = BinaryPrimitives.ReadUInt32LittleEndian(bytes[NanosecondsAt..]),
            Blocks = BinaryPrimitives.ReadUInt32LittleEndian(bytes[BlocksLowAt..]) | (wide ? (ulong)rootOrHigh << 32 : 0),
            MetaBlockAddress = BinaryPrimitives.ReadUInt32LittleEndian(bytes[MetaBlockAt..]),
            XattrBlockAddress = BinaryPrimitives.ReadUInt32LittleEndian(bytes[XattrBlockAt..]),
            Uuid = new Guid(bytes.Slice(UuidAt, 16), bigEndian: true),
            Label = bytes.Slice(LabelAt, LabelSize).TrimEnd((byte)0).ToArray(),
            AlgorithmsOrLz4Distance = BinaryPrimitives.ReadUInt16LittleEndian(bytes[AlgorithmsAt..]),
            ExtraDevices = BinaryPrimitives.ReadUInt16LittleEndian(bytes[DevicesAt..]),
            DeviceTableSlot = BinaryPrimitives.ReadUInt16LittleEndian(bytes[DeviceSlotAt..]),
            DirectoryBlockBits = bytes[DirBitsAt],
            XattrPrefixCount = bytes[PrefixCountAt],
            XattrPrefixStart = BinaryPrimitives.ReadUInt32LittleEndian(bytes[PrefixStartAt..]),
            PackedNid = BinaryPrimitives.ReadUInt64LittleEndian(bytes[PackedAt..]),
            XattrFilterReserved = bytes[FilterAt],
            SharePrefix = bytes[SharePrefixAt],
            BuildTime = BinaryPrimitives.ReadUInt32LittleEndian(bytes[BuildTimeAt..]),
            MetaboxNid = BinaryPrimitives.ReadUInt64LittleEndian(bytes[MetaboxAt..]),
        };
    }

    /// <summary>
    /// Writes <see cref="Size"/> bytes, the checksum as zero: <see cref="WriteChecksum"/> comes when the block is whole.
    /// </summary>
    public void WriteTo(Span<byte> bytes)
    {
        bytes[..Size].Clear();
        bool wide = Has(IncompatibleFeatures.Wide48Bit);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[MagicAt..], Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[CompatAt..], (uint)Compatible);
        bytes[BlockBitsAt] = BlockBits;
        bytes[SlotsAt] = ExtensionSlots;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[RootOrBlocksHighAt..], wide ? (ushort)(Blocks >> 32)
            : checked((ushort)RootNid));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[InodesAt..], InodeCount);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[EpochAt..], Epoch);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[NanosecondsAt..], FixedNanoseconds);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[BlocksLowAt..], wide ? (uint)Blocks : checked((uint)Blocks));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[MetaBlockAt..], MetaBlockAddress);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[XattrBlockAt..], XattrBlockAddress);
        Uuid.TryWriteBytes(bytes.Slice(UuidAt, 16), bigEndian: true, out _);
        Label.Span.CopyTo(bytes.Slice(LabelAt, LabelSize));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[IncompatAt..], (uint)Incompatible);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[AlgorithmsAt..], AlgorithmsOrLz4Distance);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[DevicesAt..], ExtraDevices);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[DeviceSlotAt..], DeviceTableSlot);
        bytes[DirBitsAt] = DirectoryBlockBits;
        bytes[PrefixCountAt] = XattrPrefixCount;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[PrefixStartAt..], XattrPrefixStart);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[PackedAt..], PackedNid);
        bytes[FilterAt] = XattrFilterReserved;
        bytes[SharePrefixAt] = SharePrefix;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[BuildTimeAt..], BuildTime);
        if (wide)
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[Root8At..], RootNid);
        if (ExtensionSlots > 0)
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[MetaboxAt..], MetaboxNid);
    }

    /// <summary>
    /// How many bytes from <see cref="Offset"/> on the checksum covers: the rest of the superblock's block, or one block where
    /// blocks are no larger than the offset (<c>erofs_superblock_csum_verify</c>).
    /// </summary>
    public static int ChecksummedLength(int blockSize) => blockSize > Offset ? blockSize - Offset : blockSize;

    /// <summary>The checksum of those bytes, with the checksum field itself taken as zero. Clears the field.</summary>
    public static uint ComputeChecksum(Span<byte> bytes)
    {
        bytes.Slice(ChecksumAt, 4).Clear();
        return Crc32C.Compute(bytes);
    }

    /// <summary>Computes the checksum over a whole block from <see cref="Offset"/> on, and stores it.</summary>
    public static void WriteChecksum(Span<byte> bytes) =>
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[ChecksumAt..], ComputeChecksum(bytes));
}
