using System.Buffers.Binary;

namespace Lamina.Format;

/// <summary>h_advise of a compressed inode (<c>Z_EROFS_ADVISE_*</c>). Bit 0 has a meaning for each kind of index.</summary>
[Flags]
internal enum MapAdvice : ushort
{
    None = 0,

    /// <summary>Compact index: packs of 2 bytes an lcluster between those of 4.</summary>
    Compacted2B = 0x01,

    /// <summary>Full layout: encoded extents instead of an index.</summary>
    Extents = 0x01,
    BigCluster1 = 0x02,
    BigCluster2 = 0x04,
    InlineCluster = 0x08,
    Interlaced = 0x10,
    Fragment = 0x20,
}

/// <summary>
/// The head of a compressed inode's map (<c>z_erofs_map_header</c>), at the next multiple of 8 bytes behind inode and xattrs.
/// With the top bit set all of it is one number: the whole file lies in the packed file, at that offset.
/// </summary>
/// <param name="Value">The 8 bytes.</param>
internal readonly record struct MapHeader(ulong Value)
{
    public const int Size = 8;
    public const int Alignment = 8;

    private const ulong WholeFragmentBit = 1UL << 63;
    private const ulong WideExtents = 0x06;

    public static MapHeader Parse(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt64LittleEndian(bytes));

    public void WriteTo(Span<byte> bytes) => BinaryPrimitives.WriteUInt64LittleEndian(bytes, Value);

    /// <summary>Whether the whole file is a fragment.</summary>
    public bool IsWholeFragment => (Value & WholeFragmentBit) != 0;

    /// <summary>The offset in the packed file of a whole file, in bytes: 63 bits.</summary>
    public ulong WholeFragmentOffset => Value & ~WholeFragmentBit;

    /// <summary>h_fragmentoff: lower 32 bits of the tail's offset in the packed file.</summary>
    public uint FragmentOffset => (uint)Value;

    /// <summary>h_idata_size: the encoded size of an inline tail cluster, in bytes.</summary>
    public ushort InlineSize => (ushort)(Value >> 16);

    /// <summary>h_advise</summary>
    public MapAdvice Advice => (MapAdvice)(ushort)(Value >> 32);

    /// <summary>h_algorithmtype, bits 0 to 3: the codec of HEAD1 clusters.</summary>
    public int Algorithm1 => (int)(Value >> 48) & 15;

    /// <summary>h_algorithmtype, bits 4 to 7: the codec of HEAD2 clusters.</summary>
    public int Algorithm2 => (int)(Value >> 52) & 15;

    /// <summary>h_clusterbits, bits 0 to 3: lcluster size over block size, as a shift.</summary>
    public int ClusterShift => (int)(Value >> 56) & 15;

    /// <summary>h_extents_lo, h_extents_hi: count of encoded extents.</summary>
    public ulong ExtentCount => (uint)Value | ((Value >> 48) & 0xFFFF) << 32;

    /// <summary>The size of an encoded extent's record, in bytes: 4, 8, 16 or 32 (<c>z_erofs_extent_recsize</c>).</summary>
    public int ExtentRecordSize => 4 << (int)(((ulong)Advice >> 1) & 3);

    public static MapHeader WholeFragment(ulong offset) => new(offset | WholeFragmentBit);

    public static MapHeader Index(MapAdvice advice, int algorithm1, int algorithm2, uint fragmentOffset, ushort inlineSize) =>
        new(fragmentOffset | (ulong)inlineSize << 16 | (ulong)(ushort)advice << 32 |
            (ulong)(uint)(algorithm1 | algorithm2 << 4) << 48);

    /// <summary>Encoded extents with records of 16 bytes, or 32 for files of 4 GiB and more.</summary>
    public static MapHeader Extents(MapAdvice advice, ulong count, bool wide) =>
        new((uint)count | ((ulong)(ushort)(advice | MapAdvice.Extents) | (wide ? WideExtents : WideExtents & ~2UL)) << 32 |
            (count >> 32) << 48);
}
