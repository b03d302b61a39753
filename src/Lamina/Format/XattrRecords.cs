using System.Buffers.Binary;
using System.IO.Hashing;

namespace Lamina.Format;

/// <summary>
/// What stands before the xattrs of an inode (<c>erofs_xattr_ibody_header</c>): the ids of its shared xattrs follow, four
/// bytes each, then its own entries.
/// </summary>
/// <param name="NameFilter">h_name_filter: a bit for names that are surely absent, with XATTR_FILTER.</param>
/// <param name="SharedCount">h_shared_count: how many ids follow.</param>
internal readonly record struct XattrHeader(uint NameFilter, byte SharedCount)
{
    public const int Size = 12;

    private const uint FilterSeed = 0x25BBE08F;

    /// <summary>
    /// The filter's bit for a name: 32-bit xxHash of the name behind its prefix, the prefix's index added to the seed
    /// (<c>erofs_xattr_iter</c>, fs/erofs/xattr.c).
    /// </summary>
    public static uint FilterBit(byte index, ReadOnlySpan<byte> name) =>
        1u << (int)(XxHash32.HashToUInt32(name, unchecked((int)(FilterSeed + index))) & 31);

    public static XattrHeader Parse(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt32LittleEndian(bytes), bytes[4]);

    public void WriteTo(Span<byte> bytes)
    {
        bytes[..Size].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, NameFilter);
        bytes[4] = SharedCount;
    }
}

/// <summary>
/// The fixed part of an xattr (<c>erofs_xattr_entry</c>); name and value follow, padded to a multiple of 4 bytes.
/// </summary>
/// <param name="NameLength">e_name_len: without the part of the name that the index stands for.</param>
/// <param name="NameIndex">e_name_index: which prefix, one of <see cref="XattrNames"/>; bit 7 for a long prefix of the image's
/// own.</param>
/// <param name="ValueSize">e_value_size: in bytes.</param>
internal readonly record struct XattrEntryRecord(byte NameLength, byte NameIndex, ushort ValueSize)
{
    public const int Size = 4;
    public const int LongPrefix = 0x80;

    /// <summary>The size with name, value and padding, in bytes.</summary>
    public int TotalSize => (Size + NameLength + ValueSize + 3) & ~3;

    public static XattrEntryRecord Parse(ReadOnlySpan<byte> bytes) =>
        new(bytes[0], bytes[1], BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]));

    public void WriteTo(Span<byte> bytes)
    {
        bytes[0] = NameLength;
        bytes[1] = NameIndex;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[2..], ValueSize);
    }
}

/// <summary>
/// A name prefix of the image's own (<c>erofs_xattr_long_prefix</c>): the length of what follows, the index of a prefix, what
/// comes behind that.
/// </summary>
internal static class LongPrefixRecord
{
    /// <summary>What a name in no namespace builds on: kernels find such attributes and show them to nobody.</summary>
    public const byte NoNamespace = 0;

    private const int LengthSize = sizeof(ushort);

    /// <summary>The record of a name, padded to a multiple of 4 bytes.</summary>
    public static byte[] Of(ReadOnlySpan<byte> name)
    {
        if (!XattrNames.TrySplit(name, out byte index, out int prefix))
            index = NoNamespace;
        int length = 1 + name.Length - prefix;
        byte[] bytes = new byte[(LengthSize + length + 3) & ~3];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)length);
        bytes[LengthSize] = index;
        name[prefix..].CopyTo(bytes.AsSpan(LengthSize + 1));
        return bytes;
    }
}

/// <summary>
/// The name prefixes that an index stands for (<c>EROFS_XATTR_INDEX_*</c>). The two of POSIX ACLs are whole names: no dot
/// behind.
/// </summary>
internal static class XattrNames
{
    private static readonly byte[][] s_prefixes =
    [
        [], [.. "user."u8], [.. "system.posix_acl_access"u8], [.. "system.posix_acl_default"u8],
        [.. "trusted."u8], [.. "lustre."u8], [.. "security."u8],
    ];

    /// <summary>The prefix for an index, or false where the index has none.</summary>
    public static bool TryGetPrefix(int index, out ReadOnlySpan<byte> prefix)
    {
        bool known = index > 0 && index < s_prefixes.Length;
        prefix = known ? s_prefixes[index] : default;
        return known;
    }

    /// <summary>
    /// Splits a full name into an index and the rest; false for a namespace EROFS cannot hold (<c>system.nfs4_acl</c>).
    /// </summary>
    public static bool TrySplit(ReadOnlySpan<byte> name, out byte index, out int prefixLength)
    {
        for (index = 1; index < s_prefixes.Length; index++)
        {
            bool isWhole = index is 2 or 3;
            if (isWhole ? name.SequenceEqual(s_prefixes[index]) : name.StartsWith(s_prefixes[index]))
            {
                prefixLength = s_prefixes[index].Length;
                return true;
            }
        }
        prefixLength = 0;
        return false;
    }
}
