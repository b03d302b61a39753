using System.Buffers.Binary;

namespace Lamina.Archives;

/// <summary>The two dialects that use the space behind the 257 bytes of the oldest header differently.</summary>
internal enum TarDialect
{
    /// <summary>Version 7: nothing behind the link name.</summary>
    Old,

    /// <summary>POSIX: a prefix to the name.</summary>
    Ustar,

    /// <summary>GNU before pax: times and a sparse map where POSIX has the prefix.</summary>
    Gnu,
}

/// <summary>One header block of an archive, as a view of its 512 bytes.</summary>
internal readonly ref struct TarHeader(ReadOnlySpan<byte> block)
{
    /// <summary>Headers are blocks of this size, and data is padded to it.</summary>
    public const int Size = 512;

    public const int ModeAt = 100, UserIdAt = 108, GroupIdAt = 116, SizeAt = 124, ModifiedAt = 136;
    public const int ChecksumAt = 148, TypeAt = 156, MajorAt = 329, MinorAt = 337;

    private const int NameAt = 0, NameLength = 100, LinkAt = 157, LinkLength = 100, MagicAt = 257, PrefixAt = 345;
    private const int PrefixLength = 155, ShortPrefixLength = 131, StarMagicAt = 508;
    private const int ShortNumber = 8, LongNumber = 12;

    private const int SparseAt = 386, SparseCount = 4, SparseMoreAt = 482, RealSizeAt = 483;
    private const int ExtensionCount = 21, ExtensionMoreAt = 504;

    /// <summary>What one entry of an old GNU sparse map takes: two numbers of 12 bytes.</summary>
    public const int SparseEntrySize = 24;

    private readonly ReadOnlySpan<byte> _block = block;

    public ReadOnlySpan<byte> Name => Text(NameAt, NameLength);

    /// <summary>What precedes <see cref="Name"/> and a slash, in POSIX headers. Shorter in those of star: times follow.</summary>
    public ReadOnlySpan<byte> Prefix => Dialect != TarDialect.Ustar ? []
        : Text(PrefixAt, _block[StarMagicAt..].SequenceEqual("tar\0"u8) ? ShortPrefixLength : PrefixLength);

    public ReadOnlySpan<byte> LinkName => Text(LinkAt, LinkLength);

    public byte Type => _block[TypeAt];

    public ReadOnlySpan<byte> ModeField => _block.Slice(ModeAt, ShortNumber);

    public ReadOnlySpan<byte> UserIdField => _block.Slice(UserIdAt, ShortNumber);

    public ReadOnlySpan<byte> GroupIdField => _block.Slice(GroupIdAt, ShortNumber);

    public ReadOnlySpan<byte> SizeField => _block.Slice(SizeAt, LongNumber);

    public ReadOnlySpan<byte> ModifiedField => _block.Slice(ModifiedAt, LongNumber);

    public ReadOnlySpan<byte> MajorField => _block.Slice(MajorAt, ShortNumber);

    public ReadOnlySpan<byte> MinorField => _block.Slice(MinorAt, ShortNumber);

    public TarDialect Dialect =>
        _block.Slice(MagicAt, 6).SequenceEqual("ustar\0"u8) ? TarDialect.Ustar
        : _block.Slice(MagicAt, 8).SequenceEqual("ustar  \0"u8) ? TarDialect.Gnu
        : TarDialect.Old;

    /// <summary>The first entries of an old GNU sparse map.</summary>
    public ReadOnlySpan<byte> SparseMap => _block.Slice(SparseAt, SparseCount * SparseEntrySize);

    /// <summary>Whether a block with more of the sparse map follows the header.</summary>
    public bool SparseMapGoesOn => _block[SparseMoreAt] != 0;

    /// <summary>The size of an old GNU sparse file with its holes.</summary>
    public ReadOnlySpan<byte> RealSizeField => _block.Slice(RealSizeAt, LongNumber);

    /// <summary>The map entries in a block that continues an old GNU sparse map.</summary>
    public static ReadOnlySpan<byte> ExtensionMap(ReadOnlySpan<byte> block) => block[..(ExtensionCount * SparseEntrySize)];

    /// <summary>Whether yet another block follows one that continues a map.</summary>
    public static bool ExtensionGoesOn(ReadOnlySpan<byte> block) => block[ExtensionMoreAt] != 0;

    /// <summary>Whether a block is all zeros: two of them end an archive.</summary>
    public static bool IsZero(ReadOnlySpan<byte> block) => block.IndexOfAnyExcept((byte)0) < 0;

    /// <summary>
    /// Whether the sum of all bytes, the sum's own field taken as spaces, is what that field says. Some old tools summed signed
    /// bytes.
    /// </summary>
    public static bool HasRightChecksum(ReadOnlySpan<byte> block)
    {
        ReadOnlySpan<byte> field = block.Slice(ChecksumAt, ShortNumber);
        if (!TarNumber.TryReadOctal(field, out long stated))
            return false;
        long sum = Sum(block) - Sum(field) + ShortNumber * ' ';
        if (sum == stated)
            return true;
        int highBytes = 0;
        for (int i = 0; i < Size; i++)
            highBytes += i is >= ChecksumAt and < ChecksumAt + ShortNumber ? 0 : block[i] >> 7;
        return highBytes > 0 && sum - 256L * highBytes == stated;
    }

    /// <summary>Adds bytes up, eight at a time in four lanes of 16 bits: 64 steps of twice 255 fit a lane.</summary>
    private static long Sum(ReadOnlySpan<byte> bytes)
    {
        const ulong Even = 0x00FF00FF00FF00FF;
        ulong lanes = 0;
        for (int i = 0; i < bytes.Length; i += sizeof(ulong))
        {
            ulong word = BinaryPrimitives.ReadUInt64LittleEndian(bytes[i..]);
            lanes += (word & Even) + ((word >> 8) & Even);
        }
        return (long)((lanes & 0xFFFF) + ((lanes >> 16) & 0xFFFF) + ((lanes >> 32) & 0xFFFF) + (lanes >> 48));
    }

    private ReadOnlySpan<byte> Text(int at, int length)
    {
        ReadOnlySpan<byte> field = _block.Slice(at, length);
        int end = field.IndexOf((byte)0);
        return end < 0 ? field : field[..end];
    }
}
