using System.Buffers.Binary;

namespace Lamina.Tree;

/// <summary>
/// The binary form of a POSIX ACL (<c>posix_acl_xattr_header</c> and its entries): what a kernel takes for one. It answers an
/// error wherever it needs another value, to who reads the attribute and to who opens the file.
/// </summary>
internal static class PosixAcl
{
    public const int HeaderSize = 4, EntrySize = 8;
    public const uint Version = 2, NoId = 0xFFFFFFFF;
    public const ushort UserObject = 1, User = 2, GroupObject = 4, Group = 8, Mask = 16, Other = 32;

    public static ReadOnlySpan<byte> AccessName => "system.posix_acl_access"u8;

    public static ReadOnlySpan<byte> DefaultName => "system.posix_acl_default"u8;

    /// <summary>Why an attribute is an ACL that no kernel reads (<c>posix_acl_from_xattr</c>); null for any other one.</summary>
    public static string? FaultOf(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (!name.SequenceEqual(AccessName) && !name.SequenceEqual(DefaultName))
            return null;
        if (value.Length <= HeaderSize || (value.Length - HeaderSize) % EntrySize != 0)
            return $"a POSIX ACL of {value.Length} bytes; {HeaderSize} and {EntrySize} for each entry are expected";
        if (BinaryPrimitives.ReadUInt32LittleEndian(value) is not Version and uint version)
            return $"a POSIX ACL of version {version}; {Version} is expected";
        for (ReadOnlySpan<byte> entry = value[HeaderSize..]; !entry.IsEmpty; entry = entry[EntrySize..])
        {
            ushort tag = BinaryPrimitives.ReadUInt16LittleEndian(entry);
            if (tag is not (UserObject or User or GroupObject or Group or Mask or Other))
                return $"a POSIX ACL has an entry of kind 0x{tag:x}, which is not known";
            if (tag is User or Group && BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]) == NoId)
                return $"a POSIX ACL has an entry for the owner or group {NoId}, which is nobody";
        }
        return null;
    }
}
