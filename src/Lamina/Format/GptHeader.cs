using System.Buffers.Binary;
using System.IO.Hashing;

namespace Lamina.Format;

/// <summary>
/// The header of a GUID partition table (UEFI specification, 5.3.2): one near the start of the disk, a copy in its last sector.
/// Sectors are counted from the start of the disk.
/// </summary>
/// <param name="Sector">MyLBA: where this header is.</param>
/// <param name="OtherSector">AlternateLBA: where the other one is.</param>
/// <param name="FirstUsable">FirstUsableLBA: the first sector a partition can have.</param>
/// <param name="LastUsable">LastUsableLBA: the last one.</param>
/// <param name="DiskId">DiskGUID</param>
/// <param name="EntriesAt">PartitionEntryLBA: where the entries begin.</param>
/// <param name="EntryCount">NumberOfPartitionEntries</param>
/// <param name="EntrySize">SizeOfPartitionEntry, in bytes.</param>
/// <param name="EntriesChecksum">PartitionEntryArrayCRC32</param>
internal readonly record struct GptHeader(
    long Sector, long OtherSector, long FirstUsable, long LastUsable, Guid DiskId, long EntriesAt, int EntryCount, int EntrySize,
    uint EntriesChecksum)
{
    public const int Size = 92;

    private static ReadOnlySpan<byte> Signature => "EFI PART"u8;

    private const uint Revision = 0x00010000;
    private const int RevisionAt = 8, SizeAt = 12, ChecksumAt = 16, SectorAt = 24, OtherSectorAt = 32, FirstUsableAt = 40;
    private const int LastUsableAt = 48, DiskIdAt = 56, EntriesAtAt = 72, EntryCountAt = 80, EntrySizeAt = 84,
        EntriesChecksumAt = 88;

    /// <summary>Reads a header; null if there is none, it belongs elsewhere, or its checksum is wrong.</summary>
    /// <param name="bytes">A whole sector.</param>
    /// <param name="sector">Which one that is.</param>
    public static GptHeader? Parse(ReadOnlySpan<byte> bytes, long sector)
    {
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(bytes[SizeAt..]);
        if (!bytes.StartsWith(Signature) || size < Size || size > bytes.Length ||
            BinaryPrimitives.ReadInt64LittleEndian(bytes[SectorAt..]) != sector)
            return null;
        Crc32 checksum = new();
        checksum.Append(bytes[..ChecksumAt]);
        checksum.Append([0, 0, 0, 0]);                                  // of itself without itself
        checksum.Append(bytes[(ChecksumAt + 4)..(int)size]);
        return checksum.GetCurrentHashAsUInt32() == BinaryPrimitives.ReadUInt32LittleEndian(bytes[ChecksumAt..])
            ? Parse(bytes) : null;
    }

    private static GptHeader Parse(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadInt64LittleEndian(bytes[SectorAt..]),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[OtherSectorAt..]),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[FirstUsableAt..]),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[LastUsableAt..]),
        new Guid(bytes.Slice(DiskIdAt, 16)),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[EntriesAtAt..]),
        BinaryPrimitives.ReadInt32LittleEndian(bytes[EntryCountAt..]),
        BinaryPrimitives.ReadInt32LittleEndian(bytes[EntrySizeAt..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[EntriesChecksumAt..]));

    public void WriteTo(Span<byte> bytes)
    {
        bytes[..Size].Clear();
        Signature.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[RevisionAt..], Revision);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[SizeAt..], Size);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[SectorAt..], Sector);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[OtherSectorAt..], OtherSector);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[FirstUsableAt..], FirstUsable);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[LastUsableAt..], LastUsable);
        DiskId.TryWriteBytes(bytes[DiskIdAt..]);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[EntriesAtAt..], EntriesAt);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[EntryCountAt..], EntryCount);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[EntrySizeAt..], EntrySize);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[EntriesChecksumAt..], EntriesChecksum);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[ChecksumAt..], Crc32.HashToUInt32(bytes[..Size]));
    }
}

/// <summary>A partition in a GUID partition table.</summary>
/// <param name="Type">PartitionTypeGUID: what it is for; zero for an entry that is not used.</param>
/// <param name="Id">UniquePartitionGUID</param>
/// <param name="First">StartingLBA: its first sector.</param>
/// <param name="Last">EndingLBA: its last sector.</param>
/// <param name="Attributes">Attributes: bit 60 says read-only, by the Discoverable Partitions Specification.</param>
/// <param name="Name">PartitionName: at most 36 letters.</param>
internal readonly record struct GptEntry(Guid Type, Guid Id, long First, long Last, ulong Attributes, string Name)
{
    public const int Size = 128;
    public const ulong ReadOnly = 1UL << 60;

    private const int IdAt = 16, FirstAt = 32, LastAt = 40, AttributesAt = 48, NameAt = 56;

    public static GptEntry Parse(ReadOnlySpan<byte> bytes) => new(
        new Guid(bytes[..16]), new Guid(bytes.Slice(IdAt, 16)),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[FirstAt..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[LastAt..]),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[AttributesAt..]),
        System.Text.Encoding.Unicode.GetString(bytes[NameAt..Size]).TrimEnd('\0'));

    public void WriteTo(Span<byte> bytes)
    {
        bytes[..Size].Clear();
        Type.TryWriteBytes(bytes);
        Id.TryWriteBytes(bytes[IdAt..]);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[FirstAt..], First);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[LastAt..], Last);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[AttributesAt..], Attributes);
        System.Text.Encoding.Unicode.GetBytes(Name, bytes[NameAt..Size]);
    }
}
