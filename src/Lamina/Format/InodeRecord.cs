using System.Buffers.Binary;

namespace Lamina.Format;

/// <summary>How the data of an inode is laid out (<c>EROFS_INODE_*</c>).</summary>
internal enum DataLayout : byte
{
    FlatPlain = 0,
    CompressedFull = 1,
    FlatInline = 2,
    CompressedCompact = 3,
    ChunkBased = 4,
}

/// <summary>
/// An inode as it stands on disk: 32 bytes (<c>erofs_inode_compact</c>) or 64 (<c>erofs_inode_extended</c>). Behind it:
/// xattrs, and what the data layout needs.
/// </summary>
internal readonly record struct InodeRecord
{
    public const int CompactSize = 32;
    public const int ExtendedSize = 64;

    /// <summary>Inodes lie at multiples of this many bytes, and node numbers count in it.</summary>
    public const int SlotBits = 5;

    private const int FormatAt = 0, XattrCountAt = 2, ModeAt = 4, NumberHighAt = 6, SizeAt = 8;
    private const int CompactTimeAt = 12, CompactUnionAt = 16, CompactInoAt = 20, CompactUidAt = 24, CompactGidAt = 26;
    private const int UnionAt = 16, InoAt = 20, UidAt = 24, GidAt = 28;
    private const int TimeAt = 32, NanosecondsAt = 40, LinksAt = 44;

    private const int ExtendedBit = 1, LayoutShift = 1, LayoutMask = 7, Bit4 = 1 << 4, KnownFormatBits = (1 << 5) - 1;

    /// <summary>i_format bit 0: whether this is the 64-byte form.</summary>
    public bool IsExtended { get; init; }

    /// <summary>i_format bits 1 to 3. Values from 5 on are not defined.</summary>
    public DataLayout Layout { get; init; }

    /// <summary>i_format bit 4: one link (compact, not a directory), or the directory has no entry "." (directories).</summary>
    public bool IsSingleLinkOrDotOmitted { get; init; }

    /// <summary>i_format bits nobody knows.</summary>
    public bool HasUnknownFormatBits { get; init; }

    /// <summary>i_xattr_icount: size of the xattrs behind the inode; 0, or 12 bytes and 4 for each above one.</summary>
    public ushort XattrCount { get; init; }

    /// <summary>i_mode</summary>
    public ushort Mode { get; init; }

    /// <summary>i_size: in bytes; 32 bits in the compact form.</summary>
    public ulong Size { get; init; }

    /// <summary>i_u: start block, count of compressed blocks, device number or chunk format, by layout and type.</summary>
    public uint Union { get; init; }

    /// <summary>i_nb: the upper 16 bits of that start block or count. 0 where the field is a link count.</summary>
    public ushort UnionHigh { get; init; }

    /// <summary>i_ino: a number for stat(2) on 32-bit systems.</summary>
    public uint Number { get; init; }

    /// <summary>i_uid</summary>
    public uint UserId { get; init; }

    /// <summary>i_gid</summary>
    public uint GroupId { get; init; }

    /// <summary>i_mtime: seconds; in the compact form seconds after the superblock's epoch (read so since Linux 6.15).</summary>
    public long Seconds { get; init; }

    /// <summary>i_mtime_nsec: the extended form's own nanoseconds.</summary>
    public uint Nanoseconds { get; init; }

    /// <summary>i_nlink</summary>
    public uint LinkCount { get; init; }

    public int RecordSize => IsExtended ? ExtendedSize : CompactSize;

    public bool IsDirectory => (Mode & 0xF000) == 0x4000;

    /// <summary>The size of the xattrs behind the record, in bytes.</summary>
    public int XattrSize => XattrCount == 0 ? 0 : XattrHeader.Size + (XattrCount - 1) * 4;

    /// <summary>The 48 bits of start block or block count.</summary>
    public ulong WideUnion => Union | (ulong)UnionHigh << 32;

    /// <summary>Which of the two forms begins here, so that a caller knows how much to read.</summary>
    public static int SizeFromFormat(ReadOnlySpan<byte> bytes) => (bytes[FormatAt] & ExtendedBit) != 0 ? ExtendedSize
        : CompactSize;

    public static InodeRecord Parse(ReadOnlySpan<byte> bytes)
    {
        ushort format = BinaryPrimitives.ReadUInt16LittleEndian(bytes[FormatAt..]);
        ushort mode = BinaryPrimitives.ReadUInt16LittleEndian(bytes[ModeAt..]);
        ushort high = BinaryPrimitives.ReadUInt16LittleEndian(bytes[NumberHighAt..]);
        bool single = (format & Bit4) != 0;
        if ((format & ExtendedBit) != 0)
        {
            return new InodeRecord
            {
                IsExtended = true,
                Layout = (DataLayout)((format >> LayoutShift) & LayoutMask),
                IsSingleLinkOrDotOmitted = single,
                HasUnknownFormatBits = (format & ~KnownFormatBits) != 0,
                XattrCount = BinaryPrimitives.ReadUInt16LittleEndian(bytes[XattrCountAt..]),
                Mode = mode,
                UnionHigh = high,
                Size = BinaryPrimitives.ReadUInt64LittleEndian(bytes[SizeAt..]),
                Union = BinaryPrimitives.ReadUInt32LittleEndian(bytes[UnionAt..]),
                Number = BinaryPrimitives.ReadUInt32LittleEndian(bytes[InoAt..]),
                UserId = BinaryPrimitives.ReadUInt32LittleEndian(bytes[UidAt..]),
                GroupId = BinaryPrimitives.ReadUInt32LittleEndian(bytes[GidAt..]),
                Seconds = BinaryPrimitives.ReadInt64LittleEndian(bytes[TimeAt..]),
                Nanoseconds = BinaryPrimitives.ReadUInt32LittleEndian(bytes[NanosecondsAt..]),
                LinkCount = BinaryPrimitives.ReadUInt32LittleEndian(bytes[LinksAt..]),
            };
        }
        bool oneLink = single && (mode & 0xF000) != 0x4000;
        return new InodeRecord
        {
            Layout = (DataLayout)((format >> LayoutShift) & LayoutMask),
            IsSingleLinkOrDotOmitted = single,
            HasUnknownFormatBits = (format & ~KnownFormatBits) != 0,
            XattrCount = BinaryPrimitives.ReadUInt16LittleEndian(bytes[XattrCountAt..]),
            Mode = mode,
            UnionHigh = oneLink ? high : (ushort)0,
            Size = BinaryPrimitives.ReadUInt32LittleEndian(bytes[SizeAt..]),
            Union = BinaryPrimitives.ReadUInt32LittleEndian(bytes[CompactUnionAt..]),
            Number = BinaryPrimitives.ReadUInt32LittleEndian(bytes[CompactInoAt..]),
            UserId = BinaryPrimitives.ReadUInt16LittleEndian(bytes[CompactUidAt..]),
            GroupId = BinaryPrimitives.ReadUInt16LittleEndian(bytes[CompactGidAt..]),
            Seconds = BinaryPrimitives.ReadUInt32LittleEndian(bytes[CompactTimeAt..]),
            LinkCount = oneLink ? 1u : high,
        };
    }

    /// <summary>
    /// Writes <see cref="RecordSize"/> bytes. The compact form keeps a link count, never the upper address bits.
    /// </summary>
    public void WriteTo(Span<byte> bytes)
    {
        bytes[..RecordSize].Clear();
        int format = (IsExtended ? ExtendedBit : 0) | (byte)Layout << LayoutShift | (IsSingleLinkOrDotOmitted ? Bit4 : 0);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[FormatAt..], (ushort)format);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[XattrCountAt..], XattrCount);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[ModeAt..], Mode);
        if (IsExtended)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(bytes[NumberHighAt..], UnionHigh);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[SizeAt..], Size);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[UnionAt..], Union);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[InoAt..], Number);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[UidAt..], UserId);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[GidAt..], GroupId);
            BinaryPrimitives.WriteInt64LittleEndian(bytes[TimeAt..], Seconds);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[NanosecondsAt..], Nanoseconds);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[LinksAt..], LinkCount);
            return;
        }
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[NumberHighAt..], checked((ushort)LinkCount));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[SizeAt..], checked((uint)Size));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[CompactTimeAt..], checked((uint)Seconds));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[CompactUnionAt..], Union);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[CompactInoAt..], Number);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[CompactUidAt..], checked((ushort)UserId));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[CompactGidAt..], checked((ushort)GroupId));
    }
}
