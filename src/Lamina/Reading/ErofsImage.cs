using System.Buffers;
using Lamina.Format;
using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>
/// An EROFS image, opened: its superblock, its devices, and the way from node numbers to inodes. Everything else that reads an
/// image starts here. Safe for concurrent use. All who read it share one cache of decoded clusters, of at most 16 MiB.
/// </summary>
internal sealed partial class ErofsImage : IDisposable
{
    /// <summary>The bit of a node number that says it counts in the metabox (<c>EROFS_DIRENT_NID_METABOX_BIT</c>).</summary>
    internal const ulong MetaboxBit = 1UL << 63;

    /// <summary>
    /// How many bytes of directories a byte of an image may stand for where they are compressed; real ones stay below a third
    /// of it.
    /// </summary>
    private const int MaxExpansion = 64;

    /// <summary>Bytes of compressed directories that are taken in any case: small images have better ratios.</summary>
    private const long ExpansionAllowance = 4 << 20;

    private readonly MetadataReader _metadata;
    private readonly MetadataClaims _claims = new(), _metaboxClaims = new();
    private readonly Lazy<MetadataReader?> _metabox;
    private readonly Lazy<ImagePackedFile?> _packed;
    private readonly Lazy<XattrReader> _xattrs;
    private readonly Lazy<ImageTree> _tree;

    private ErofsImage(Original primary, Original[] devices, SuperBlock superBlock)
    {
        Primary = primary;
        Devices = devices;
        SuperBlock = superBlock;
        _metadata = (MetadataReader)primary.Small;
        Space = AddressSpace.Read(this, _metadata);
        Configs = ReadConfigs();
        _metabox = new(OpenMetabox);
        _packed = new(() => SuperBlock.PackedNid == 0 || !SuperBlock.Has(IncompatibleFeatures.Fragments)
            ? null : new ImagePackedFile(this));
        _xattrs = new(() => new XattrReader(this));
        _tree = new(OpenTree);
    }

    /// <summary>The image file itself.</summary>
    internal Original Primary { get; }

    /// <summary>The devices that were given with it, in the order of the device table.</summary>
    internal Original[] Devices { get; }

    internal SuperBlock SuperBlock { get; }

    /// <summary>Which codecs the image has, and their limits.</summary>
    internal CompressionConfigs Configs { get; }

    /// <summary>Where block addresses lead.</summary>
    internal AddressSpace Space { get; }

    /// <summary>What messages call the image: the path as it was given.</summary>
    public string Name => Primary.Name;

    /// <summary>The block size in bytes.</summary>
    public int BlockSize => SuperBlock.BlockSize;

    /// <summary>The packed file that fragments are in; null without.</summary>
    internal ImagePackedFile? Packed => _packed.Value;

    internal XattrReader Xattrs => _xattrs.Value;

    /// <summary>The attribute with the fingerprints of files, by which kernels share pages; empty without.</summary>
    internal ReadOnlyMemory<byte> FingerprintName =>
        SuperBlock.Has(CompatibleFeatures.InodeShareXattrs) ? Xattrs.LongPrefixes[SuperBlock.SharePrefix] : default;

    /// <summary>The decoded clusters that all readers of the image share.</summary>
    internal ClusterCache Clusters { get; } = new();

    /// <summary>Whether the file's bytes carry an EROFS superblock.</summary>
    public static bool IsErofs(ByteSource source)
    {
        Span<byte> magic = stackalloc byte[4];
        return source.Read(SuperBlock.Offset, magic) == 4 && SuperBlock.HasMagic(magic);
    }

    /// <summary>Opens an image with the devices it needs, the device table's order.</summary>
    /// <param name="source">The image; it and the devices are disposed with what is returned, not if opening fails.</param>
    /// <param name="devices">Its devices; none if it has none, or if they lie in the image file itself.</param>
    /// <exception cref="CorruptImageException">The superblock contradicts itself or the file.</exception>
    /// <exception cref="UnsupportedImageException">The image has features that are not known, or lacks devices.</exception>
    public static ErofsImage Open(ByteSource source, params ByteSource[] devices)
    {
        Original primary = new(source, OriginalKind.Erofs) { Small = new MetadataReader(source) };
        SuperBlock superBlock = ReadSuperBlock(primary.Small);
        Original[] originals = [.. devices.Select(device => new Original(device, OriginalKind.Device))];
        return new ErofsImage(primary, originals, superBlock);
    }

    /// <summary>Reads the superblock and makes sure that it suits the file; the devices are not looked at.</summary>
    /// <exception cref="CorruptImageException">The superblock contradicts itself or the file.</exception>
    /// <exception cref="UnsupportedImageException">The image has features that are not known.</exception>
    internal static SuperBlock ReadSuperBlock(ByteSource source)
    {
        Span<byte> bytes = stackalloc byte[SuperBlock.ParsedSize];
        bytes.Clear();
        int count = source.Read(SuperBlock.Offset, bytes);
        if (count < SuperBlock.BaseSize)
            throw new CorruptImageException(source.Name, $"{source.Length} bytes are too few for an EROFS superblock", null, 0);
        if (!SuperBlock.HasMagic(bytes))
            throw new CorruptImageException(source.Name, "not an EROFS image: no magic number", null, SuperBlock.Offset);
        SuperBlock superBlock = SuperBlock.Parse(bytes);
        Validate(source, superBlock);
        return superBlock;
    }

    /// <summary>The metadata an inode of this number lives in.</summary>
    internal MetadataReader MetadataOf(ulong nid)
    {
        if ((nid & MetaboxBit) == 0)
            return _metadata;
        return _metabox.Value ?? throw new CorruptImageException(Name, "the image has no metabox, but an inode in it",
            nid & ~MetaboxBit);
    }

    /// <summary>A way to read inodes one after another, most of them from the same neighbourhood.</summary>
    internal MetadataCursor OpenCursor() => new(_metadata);

    /// <summary>Reads an inode.</summary>
    /// <param name="nid">Its number.</param>
    /// <param name="cursor">What its neighbours are read with; null if it stands alone.</param>
    /// <exception cref="CorruptImageException">The number leads out of the image, or the record contradicts itself.</exception>
    internal Inode ReadInode(ulong nid, MetadataCursor? cursor = null)
    {
        MetadataReader metadata = MetadataOf(nid);
        if (cursor?.Reader != metadata)
            cursor = null;
        ulong number = nid & ~MetaboxBit;
        ulong first = metadata == _metadata ? (ulong)SuperBlock.MetaBlockAddress << SuperBlock.BlockBits : 0;
        if (number > (ulong)(metadata.Length >> InodeRecord.SlotBits) || first > (ulong)metadata.Length)
            throw new CorruptImageException(Name, $"lies past the end of the image ({metadata.Length} bytes)", number);
        long position = (long)(first + (number << InodeRecord.SlotBits));
        ReadOnlySpan<byte> head = Read(InodeRecord.CompactSize);
        if (InodeRecord.SizeFromFormat(head) > head.Length)
            head = Read(InodeRecord.ExtendedSize);
        InodeRecord record = InodeRecord.Parse(head);
        if (record is { IsExtended: false } compact)
        {
            record = compact with { Seconds = SuperBlock.Epoch + compact.Seconds, Nanoseconds = SuperBlock.FixedNanoseconds };
        }
        Inode inode = new() { Nid = nid, Record = record, Position = position };
        Check(inode, metadata);
        int tail = record.Layout == DataLayout.FlatInline ? InlineTailOf((long)record.Size) : 0;
        if (!ClaimsOf(inode).TryClaimInode(position, inode.End + tail))
            throw Corrupt(inode, $"its {inode.End + tail - position} bytes overlap another inode's");
        return inode;

        ReadOnlySpan<byte> Read(int count) =>
            cursor is null ? metadata.Read(position, count, number) : cursor.Read(position, count, number);
    }

    /// <summary>
    /// Counts a directory or the target of a link, whose data are taken into memory. A sound image stores each once, so the
    /// total is bounded by the size of the image times the best compression ratio.
    /// </summary>
    internal void CountData(in Inode inode)
    {
        bool isEncoded = inode.IsInMetabox || inode.Record.Layout is DataLayout.CompressedFull or DataLayout.CompressedCompact;
        long limit = Primary.Length + Devices.Sum(device => device.Length) + BlockSize;
        if (SuperBlock.Has(IncompatibleFeatures.Metabox) || isEncoded)
            limit = limit * MaxExpansion + ExpansionAllowance;
        if (ClaimsOf(inode).Count(inode.Position, inode.Size) is var total && total > limit)
            throw Corrupt(inode, $"directories and link targets have {total} bytes up to here, the image can hold {limit}");
    }

    /// <summary>
    /// Whether an inode must be read before the packed file can be: it is that file, which never lies in the metabox.
    /// </summary>
    internal bool IsNeededForPacked(in Inode inode) => inode.Nid == SuperBlock.PackedNid;

    /// <summary>Claims the bytes of an inode's chunk or cluster table, so that no two inodes have the same.</summary>
    internal void ClaimTable(in Inode inode, long end)
    {
        if (!ClaimsOf(inode).TryClaimTable(inode.End, end))
            throw Corrupt(inode, $"its table of {end - inode.End} bytes overlaps another inode", inode.End);
    }

    /// <summary>
    /// The bytes of a file's last block, which lie behind the inode in an inline layout: of a file of whole blocks the last one
    /// as a whole (<c>erofs_map_blocks_flatmode</c>, fs/erofs/data.c).
    /// </summary>
    internal int InlineTailOf(long size) => size <= 0 ? 0 : (int)((size - 1) & (BlockSize - 1)) + 1;

    /// <summary>The content of an inode that has data: a regular file, a directory or a symbolic link.</summary>
    internal Content OpenContent(in Inode inode) => ContentOpener.Open(this, inode);

    /// <summary>
    /// Reads all of a small content, such as a link's target: what is in the image file is among its metadata mostly.
    /// </summary>
    internal void ReadSmall(Content content, Span<byte> destination)
    {
        if (content is not PlacedContent placed)
        {
            OpenSource(content).ReadExactly(0, destination);
            return;
        }
        destination.Clear();
        foreach (PlacedExtent extent in placed.Extents)
            extent.Original.Small.ReadExactly(extent.Offset, destination.Slice((int)extent.Logical, (int)extent.Length));
    }

    /// <summary>The bytes of a content of the image, by way of its cache of clusters.</summary>
    internal ContentSource OpenSource(Content content, string? name = null) => content.Open(name ?? Name);

    /// <inheritdoc/>
    public void Dispose()
    {
        _metadata.Dispose();
        Primary.Bytes.Dispose();
        foreach (Original device in Devices)
            device.Bytes.Dispose();
    }

    /// <summary>A corruption at an inode, with the byte in the image where that is known.</summary>
    internal CorruptImageException Corrupt(in Inode inode, string what, long? position = null) =>
        new(Name, what, inode.Nid & ~MetaboxBit, inode.IsInMetabox ? null : position ?? inode.Position);

    private MetadataClaims ClaimsOf(in Inode inode) => inode.IsInMetabox ? _metaboxClaims : _claims;

    private void Check(in Inode inode, MetadataReader metadata)
    {
        InodeRecord record = inode.Record;
        if (record.Layout > DataLayout.ChunkBased)
            throw Corrupt(inode, $"data layout {(int)record.Layout} is not known");
        if (record.HasUnknownFormatBits)
            throw Corrupt(inode, "i_format has bits that are not known");
        if (record.Size > Inode.MaxSize)
            throw Corrupt(inode, $"size {record.Size} is above 2^63-1");
        if (inode.Type is not (NodeType.RegularFile or NodeType.Directory or NodeType.SymbolicLink or NodeType.CharacterDevice
            or NodeType.BlockDevice or NodeType.Fifo or NodeType.Socket))
        {
            throw Corrupt(inode, $"file type 0x{record.Mode & 0xF000:X4} is not valid");
        }
        if (record.Nanoseconds > 999_999_999)
            throw Corrupt(inode, $"{record.Nanoseconds} nanoseconds are a second or more");
        if (inode.End > metadata.Length)
            throw Corrupt(inode, $"its {record.XattrSize} bytes of xattrs reach past the end of the image");
    }

    private static void Validate(ByteSource source, SuperBlock superBlock)
    {
        const int bitsAt = SuperBlock.Offset + 12;
        if (superBlock.BlockBits is < SuperBlock.MinBlockBits or > SuperBlock.MaxBlockBits)
            throw new CorruptImageException(source.Name, $"block size 2^{superBlock.BlockBits} is not between 2^9 and 2^16",
                null, bitsAt);
        uint unknown = (uint)(superBlock.Incompatible & ~IncompatibleFeatures.All);
        if (unknown != 0)
        {
            string names = string.Join(", ", FeatureNames.Of((IncompatibleFeatures)unknown).Select(feature => feature.Name));
            throw new UnsupportedImageException(source.Name, $"feature {names} is not known",
                "It was made for a newer kernel than this version of Lamina knows.");
        }
        if (superBlock.Size > SuperBlock.MaxSize)
        {
            throw new CorruptImageException(source.Name, $"{superBlock.ExtensionSlots} extension slots make a superblock of " +
                $"{superBlock.Size} bytes, {SuperBlock.MaxSize} are possible", null, SuperBlock.Offset + SuperBlock.SlotsAt);
        }
        if (superBlock.DirectoryBlockBits != 0)
            throw new UnsupportedImageException(source.Name,
                $"directory blocks of {superBlock.DirectoryBlockBits} bits more than blocks");
        if (superBlock.Has(IncompatibleFeatures.Metabox)
            && (superBlock.ExtensionSlots == 0 || (superBlock.MetaboxNid & MetaboxBit) != 0))
            throw new CorruptImageException(source.Name, "the metabox has no inode of its own", null, SuperBlock.Offset);
        if ((superBlock.PackedNid & MetaboxBit) != 0)
            throw new CorruptImageException(source.Name, "the packed file is said to be in the metabox, which is opened later",
                null, SuperBlock.Offset + SuperBlock.PackedAt);
        if (superBlock.Has(CompatibleFeatures.InodeShareXattrs) && superBlock.SharePrefix >= superBlock.XattrPrefixCount)
        {
            throw new CorruptImageException(source.Name, $"the fingerprints of files are named by prefix " +
                $"{superBlock.SharePrefix} of {superBlock.XattrPrefixCount}", null, SuperBlock.Offset + SuperBlock.SharePrefixAt);
        }
        if (superBlock.Blocks > (ulong)(source.Length >> superBlock.BlockBits))
        {
            throw new CorruptImageException(source.Name,
                $"the superblock says {superBlock.Blocks} blocks of {superBlock.BlockSize} bytes, the file has " +
                    $"{source.Length} bytes: cut off?",
                null, SuperBlock.Offset + 36);
        }
        if (superBlock.Has(CompatibleFeatures.SuperBlockChecksum))
            VerifyChecksum(source, superBlock);
    }

    private static void VerifyChecksum(ByteSource source, SuperBlock superBlock)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(SuperBlock.ChecksummedLength(superBlock.BlockSize));
        Span<byte> covered = buffer.AsSpan(0, SuperBlock.ChecksummedLength(superBlock.BlockSize));
        source.ReadExactly(SuperBlock.Offset, covered);
        uint found = SuperBlock.ComputeChecksum(covered);
        ArrayPool<byte>.Shared.Return(buffer);
        if (found != superBlock.Checksum)
        {
            throw new CorruptImageException(source.Name,
                $"superblock checksum is 0x{superBlock.Checksum:X8}, its bytes give 0x{found:X8}", null, SuperBlock.Offset + 4);
        }
    }

    private CompressionConfigs ReadConfigs()
    {
        if (!SuperBlock.Has(IncompatibleFeatures.CompressionConfigs))
        {
            bool mayHaveLz4 = SuperBlock.Has(IncompatibleFeatures.Lz4ZeroPadding) || SuperBlock.AlgorithmsOrLz4Distance != 0;
            return new CompressionConfigs((ushort)(mayHaveLz4 ? 1 : 0))
            {
                Lz4MaxDistance = SuperBlock.AlgorithmsOrLz4Distance,
                Lz4MaxClusterBlocks = 1,
            };
        }
        ushort algorithms = SuperBlock.AlgorithmsOrLz4Distance;
        if ((algorithms & ~CompressionConfigs.KnownAlgorithms) != 0)
            throw new UnsupportedImageException(Name, $"compression algorithms 0x{algorithms:x}, of which only 0xf are known");
        CompressionConfigs configs = new(algorithms);
        long position = SuperBlock.Offset + SuperBlock.Size;
        for (int codec = 0; codec < 4; codec++)
        {
            if ((algorithms & (1 << codec)) == 0)
                continue;
            position = (position + 3) & ~3L;
            ReadOnlySpan<byte> length = _metadata.Read(position, 2);
            int size = length[0] | length[1] << 8;
            if (size == 0 || size > CompressionConfigs.MaxRecordSize
                || !configs.TryAdd(codec, _metadata.Read(position + 2, size), out configs))
                throw new CorruptImageException(Name, $"the configuration of codec {codec} has {size} bytes", null, position);
            if (configs.FaultOf(codec, BlockSize) is { } fault)
                throw new CorruptImageException(Name, fault, null, position);
            position += 2 + size;
        }
        return configs;
    }

    /// <summary>Kernels read the prefixes of names when they mount, whether an inode has attributes or not.</summary>
    private ImageTree OpenTree()
    {
        _ = Xattrs;
        return new ImageTree(this);
    }

    private MetadataReader? OpenMetabox()
    {
        if (!SuperBlock.Has(IncompatibleFeatures.Metabox))
            return null;
        Content content = OpenContent(ReadInode(SuperBlock.MetaboxNid));
        ContentSource bytes = OpenSource(content, $"{Name} (metabox)");
        return new MetadataReader(bytes);
    }
}
