using System.Buffers.Binary;

namespace Lamina.Format;

/// <summary>What <c>i_u</c> holds for a chunk-based inode (<c>erofs_inode_chunk_info.format</c>).</summary>
/// <param name="Value">The 16 bits.</param>
internal readonly record struct ChunkFormat(ushort Value)
{
    private const int ShiftMask = 0x1F, IndexesBit = 0x20, WideBit = 0x40, KnownBits = 0x7F;

    /// <summary>
    /// The chunk size over the block size, as a shift: 0 to 31 on disk; the kernel refuses sizes it cannot shift to.
    /// </summary>
    public int Shift => Value & ShiftMask;

    /// <summary>Whether 8-byte indexes with a device stand there, instead of 4-byte block numbers.</summary>
    public bool HasIndexes => (Value & IndexesBit) != 0;

    /// <summary>Whether the indexes' upper 16 address bits count.</summary>
    public bool IsWide => (Value & WideBit) != 0;

    public bool HasUnknownBits => (Value & ~KnownBits) != 0;

    public int EntrySize => HasIndexes ? ChunkIndex.Size : sizeof(uint);

    public static ChunkFormat Of(int shift, bool wide) => new((ushort)(shift | IndexesBit | (wide ? WideBit : 0)));
}

/// <summary>Where a chunk lies (<c>erofs_inode_chunk_index</c>). All address bits set is a hole.</summary>
/// <param name="Device">device_id: 0 for the unified address space.</param>
/// <param name="Block">startblk_lo, startblk_hi: the first block.</param>
internal readonly record struct ChunkIndex(ushort Device, ulong Block)
{
    public const int Size = 8;

    /// <summary>The address of a hole, for addresses of 32 and of 48 bits.</summary>
    public const ulong NarrowHole = uint.MaxValue, WideHole = (1UL << 48) - 1;

    public static ChunkIndex Parse(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) | (ulong)BinaryPrimitives.ReadUInt16LittleEndian(bytes) << 32);

    public void WriteTo(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)(Block >> 32));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[2..], Device);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[4..], (uint)Block);
    }
}
