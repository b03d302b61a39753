using System.Buffers.Binary;

namespace Lamina.Tree;

/// <summary>
/// The binary form of the capabilities that a program gets (<c>vfs_cap_data</c>, <c>vfs_ns_cap_data</c>): what a kernel lets
/// anybody read of it (<c>cap_inode_getsecurity</c>).
/// </summary>
internal static class FileCapability
{
    private const int Size = 20, NamespaceSize = 24, OwnerAt = 20;
    private const uint Revision2 = 0x0200_0000, Revision3 = 0x0300_0000, Effective = 1;

    public static ReadOnlySpan<byte> Name => "security.capability"u8;

    /// <summary>Why an attribute is a capability that no kernel reads; null for any other one.</summary>
    public static string? FaultOf(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (!name.SequenceEqual(Name))
            return null;
        uint revision = value.Length < sizeof(uint) ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(value) & ~Effective;
        if ((value.Length, revision) is not ((Size, Revision2) or (NamespaceSize, Revision3)))
        {
            return $"file capabilities of {value.Length} bytes and revision 0x{revision:x}; {Size} bytes and 0x{Revision2:x}, " +
                $"or {NamespaceSize} and 0x{Revision3:x}, are expected";
        }
        return value.Length == NamespaceSize && BinaryPrimitives.ReadUInt32LittleEndian(value[OwnerAt..]) == uint.MaxValue
            ? $"file capabilities for the owner {uint.MaxValue}, who is nobody" : null;
    }
}
