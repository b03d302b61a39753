using System.Buffers.Binary;

namespace Lamina.Format;

/// <summary>The type of an lcluster (<c>Z_EROFS_LCLUSTER_TYPE_*</c>).</summary>
internal enum ClusterType : byte
{
    /// <summary>An extent begins here and is stored uncompressed.</summary>
    Plain = 0,

    /// <summary>An extent begins here, with the first codec.</summary>
    Head1 = 1,

    /// <summary>Belongs to an extent that began before.</summary>
    NonHead = 2,

    /// <summary>An extent begins here, with the second codec.</summary>
    Head2 = 3,
}

/// <summary>
/// What an index says of one lcluster, whichever form it has on disk. Heads have an offset and a block, the others distances.
/// </summary>
/// <param name="Type">The type.</param>
/// <param name="Offset">Heads: where in the lcluster the extent begins, in bytes.</param>
/// <param name="Block">Heads: the cluster's first block.</param>
/// <param name="Back">Others: lclusters back to the head, at most 2047; see <see cref="Count"/>.</param>
/// <param name="Ahead">Others: lclusters ahead to the next head.</param>
/// <param name="Count">
/// The first behind a head, with big clusters: the cluster's size in blocks, in place of Back; else 0.
/// </param>
/// <param name="IsPartial">Heads: the cluster holds more than this file uses.</param>
internal readonly record struct ClusterRecord(
    ClusterType Type, ushort Offset, uint Block, ushort Back, ushort Ahead, ushort Count, bool IsPartial)
{
    /// <summary>The size of a full index entry (<c>z_erofs_lcluster_index</c>), in bytes.</summary>
    public const int Size = 8;

    /// <summary>The full index begins this many bytes behind the map header (<c>Z_EROFS_FULL_INDEX_START</c>).</summary>
    public const int FullIndexPadding = 8;

    /// <summary>Z_EROFS_LI_D0_CBLKCNT: marks a count of blocks in place of a distance back.</summary>
    public const int CountBit = 1 << 11;

    /// <summary>Distances back stop here, or they would be taken for a count; readers go back step by step.</summary>
    public const int MaxBack = CountBit - 1;

    private const int TypeMask = 3, PartialBit = 1 << 15, HoleBit = 1 << 14;

    /// <summary>
    /// Whether the extent is a hole (Linux 7.2): heads in a full index say so themselves (<c>Z_EROFS_LI_HOLE</c>; what their
    /// block decodes to is zeros as well, for older kernels); the one behind a head by a count of 0 blocks.
    /// </summary>
    public bool IsHole { get; init; }

    public bool IsHead => Type != ClusterType.NonHead;

    public static ClusterRecord Head(ClusterType type, int offset, uint block, bool isPartial) =>
        new(type, (ushort)offset, block, 0, 0, 0, isPartial);

    public static ClusterRecord NonHead(long back, long ahead, int count) =>
        new(ClusterType.NonHead, 0, 0, (ushort)Math.Min(back, MaxBack), (ushort)Math.Min(ahead, ushort.MaxValue), (ushort)count,
            false);

    /// <summary>Reads a full index entry.</summary>
    public static ClusterRecord Parse(ReadOnlySpan<byte> bytes)
    {
        ushort advice = BinaryPrimitives.ReadUInt16LittleEndian(bytes);
        ClusterType type = (ClusterType)(advice & TypeMask);
        if (type != ClusterType.NonHead)
        {
            return new ClusterRecord(type, BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]),
                BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]), 0, 0, 0, (advice & PartialBit) != 0)
            {
                IsHole = (advice & HoleBit) != 0,
            };
        }
        ushort back = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
        ushort ahead = BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]);
        return (back & CountBit) != 0
            ? new ClusterRecord(type, 0, 0, 1, ahead, (ushort)(back & ~CountBit), false) { IsHole = back == CountBit }
            : new ClusterRecord(type, 0, 0, back, ahead, 0, false);
    }

    /// <summary>Writes a full index entry.</summary>
    public void WriteTo(Span<byte> bytes)
    {
        int flags = (IsPartial ? PartialBit : 0) | (IsHead && IsHole ? HoleBit : 0);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)((int)Type | flags));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[2..], Offset);
        if (IsHead)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[4..], Block);
            return;
        }
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[4..], Count > 0 || IsHole ? (ushort)(Count | CountBit) : Back);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[6..], Ahead);
    }
}

/// <summary>
/// An encoded extent (<c>z_erofs_extent</c>), in the records of 16 and 32 bytes that say where they begin in the file.
/// </summary>
/// <param name="EncodedLength">
/// plen: the cluster's size in bytes with format and flags above; 0 in the lower bits for a hole.
/// </param>
/// <param name="Physical">pstart_lo, pstart_hi: the cluster's first byte.</param>
/// <param name="Logical">lstart_lo, lstart_hi: the first byte's position in the file.</param>
internal readonly record struct ExtentRecord(uint EncodedLength, ulong Physical, ulong Logical)
{
    /// <summary>Sizes of the record for files below 4 GiB, and of any size.</summary>
    public const int NarrowSize = 16, WideSize = 32;

    /// <summary>Z_EROFS_EXTENT_PLEN_MASK: bits for the length, up to twice the largest cluster.</summary>
    public const uint LengthMask = (2u << 20) - 1;

    private const uint PartialBit = 1u << 27;
    private const int FormatShift = 28;

    /// <summary>The cluster's size in bytes; 0 for a hole.</summary>
    public int Length => (int)(EncodedLength & LengthMask);

    public bool IsPartial => (EncodedLength & PartialBit) != 0;

    /// <summary>0 for uncompressed, else a codec's number plus one.</summary>
    public int Format => (int)(EncodedLength >> FormatShift);

    public static ExtentRecord Of(int length, int format, bool isPartial, ulong physical, ulong logical) =>
        new((uint)length | (isPartial ? PartialBit : 0) | (uint)format << FormatShift, physical, logical);

    public static ExtentRecord Parse(ReadOnlySpan<byte> bytes)
    {
        ulong logical = BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]);
        if (bytes.Length >= WideSize)
            logical |= (ulong)BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]) << 32;
        return new ExtentRecord(BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[4..]), logical);
    }

    /// <summary>Writes the record in the size of the span given.</summary>
    public void WriteTo(Span<byte> bytes)
    {
        bytes.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, EncodedLength);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[4..], Physical);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], (uint)Logical);
        if (bytes.Length >= WideSize)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[16..], (uint)(Logical >> 32));
    }
}
