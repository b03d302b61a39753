using System.Buffers.Binary;

namespace Lamina.Format;

/// <summary>The file type in a directory (<c>EROFS_FT_*</c>).</summary>
internal enum DirectoryFileType : byte
{
    Unknown = 0,
    RegularFile = 1,
    Directory = 2,
    CharacterDevice = 3,
    BlockDevice = 4,
    Fifo = 5,
    Socket = 6,
    SymbolicLink = 7,
}

/// <summary>
/// The fixed part of a name in a directory block (<c>erofs_dirent</c>). A block holds all records, then all names in the same
/// order, sorted byte by byte; the last name ends at a NUL or with the block.
/// </summary>
/// <param name="Nid">nid: the inode; bit 63 for one in the metabox.</param>
/// <param name="NameOffset">nameoff: from the start of the block, in bytes. The first one tells how many records there
/// are.</param>
/// <param name="Type">file_type</param>
internal readonly record struct DirectoryRecord(ulong Nid, ushort NameOffset, DirectoryFileType Type)
{
    public const int Size = 12;

    private const int NidAt = 0, NameOffsetAt = 8, TypeAt = 10;           // byte 11 is reserved

    public static DirectoryRecord Parse(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[NidAt..]),
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[NameOffsetAt..]),
        (DirectoryFileType)bytes[TypeAt]);

    public void WriteTo(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[NidAt..], Nid);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[NameOffsetAt..], NameOffset);
        bytes[TypeAt] = (byte)Type;
        bytes[TypeAt + 1] = 0;
    }
}
