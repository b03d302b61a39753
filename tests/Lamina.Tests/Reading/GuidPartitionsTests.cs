using System.Buffers.Binary;
using System.IO.Hashing;
using Lamina.Format;
using Lamina.Reading;

namespace Lamina.Tests.Reading;

/// <summary>Which of the two tables of a disk counts, and what of it.</summary>
public class GuidPartitionsTests
{
    private const int EntryCount = 128, EntriesSize = EntryCount * GptEntry.Size, Sectors = 256;
    private const int EntriesAtField = 72, EntryCountField = 80, EntrySizeField = 84, LastSector = Sectors - 1;

    private static readonly Guid s_first = new("00112233-4455-6677-8899-aabbccddeeff");
    private static readonly Guid s_second = new("ffeeddcc-bbaa-9988-7766-554433221100");

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    public void A_sound_primary_table_counts_alone(int size)
    {
        byte[] disk = Disk(size);
        Assert.Equal([new GuidPartition(3, s_first, 100 * size, 2 * size)], Read(disk));
    }

    [Theory]
    [InlineData(512, 0)]                        // the signature
    [InlineData(512, 16)]                       // the header's checksum
    [InlineData(4096, 24)]                      // its place
    [InlineData(4096, 56)]                      // the disk's identity
    [InlineData(512, 512 + 2 * GptEntry.Size + 20)]
    [InlineData(4096, 4096 + EntriesSize - 1)]
    public void The_backup_counts_if_the_primary_table_is_damaged(int size, int damagedAt)
    {
        byte[] disk = Disk(size);
        disk[size + damagedAt] ^= 1;
        Assert.Equal([new GuidPartition(1, s_second, 110 * size, size)], Read(disk));
        disk[LastSector * size + 20] ^= 1;      // reserved, and yet in the checksum
        Assert.Empty(Read(disk));
    }

    [Fact]
    public void A_primary_table_moved_elsewhere_is_none()
    {
        byte[] disk = Disk(512);
        disk.AsSpan(512, 512).CopyTo(disk.AsSpan(LastSector * 512));
        disk.AsSpan(512, 512).Clear();
        Assert.Empty(Read(disk));
    }

    [Theory]
    [InlineData(EntryCountField, int.MaxValue)]
    [InlineData(EntryCountField, -1)]
    [InlineData(EntryCountField, 0)]
    [InlineData(EntryCountField, 32769)]
    [InlineData(EntrySizeField, 64)]
    [InlineData(EntrySizeField, 0)]
    [InlineData(EntrySizeField, -128)]
    [InlineData(EntrySizeField, 8192)]
    [InlineData(EntriesAtField, 0)]
    [InlineData(EntriesAtField, LastSector)]
    [InlineData(EntriesAtField, int.MaxValue)]
    [InlineData(EntriesAtField + 4, int.MaxValue)]
    [InlineData(EntriesAtField + 4, int.MinValue)]
    public void Impossible_fields_make_a_table_unsound_even_with_a_right_checksum(int field, int value)
    {
        byte[] disk = Disk(512);
        BinaryPrimitives.WriteInt32LittleEndian(disk.AsSpan(512 + field), value);
        SealHeader(disk, 512, 1);
        Assert.Equal([new GuidPartition(1, s_second, 110 * 512, 512)], Read(disk));
    }

    [Fact]
    public void Entries_that_are_unused_or_leave_the_disk_are_left_out()
    {
        byte[] disk = new byte[Sectors * 512];
        GptEntry entry = new(Guid.AllBitsSet, s_first, 100, 101, 0, "");
        WriteTable(disk, 512, 1, 2, new()
        {
            [1] = entry with { Type = Guid.Empty },
            [2] = entry with { Last = 99 },
            [3] = entry with { Last = Sectors },
            [4] = entry with { First = -1 },
            [5] = entry with { Last = long.MaxValue },
            [128] = entry with { Last = LastSector },
        });
        Assert.Equal([new GuidPartition(128, s_first, 100 * 512, (Sectors - 100) * 512)], Read(disk));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(511)]
    [InlineData(512)]
    [InlineData(1023)]
    [InlineData(1024)]
    [InlineData(4096)]
    [InlineData(8192)]
    public void What_is_too_short_for_a_table_has_no_partitions(int length) => Assert.Empty(Read(Disk(512)[..length]));

    /// <summary>Writes a table: a header in a sector, and entries by their numbers from another sector on.</summary>
    internal static void WriteTable(
        byte[] disk, int sectorSize, long sector, long entriesAt, Dictionary<int, GptEntry> entries)
    {
        foreach ((int number, GptEntry entry) in entries)
            entry.WriteTo(disk.AsSpan((int)entriesAt * sectorSize + (number - 1) * GptEntry.Size));
        new GptHeader(sector, 0, 0, 0, Guid.Empty, entriesAt, EntryCount, GptEntry.Size, 0)
            .WriteTo(disk.AsSpan((int)sector * sectorSize));
        Seal(disk, sectorSize, sector);
    }

    /// <summary>Makes the checksums of a table right, as somebody does who alters it on purpose.</summary>
    internal static void Seal(byte[] disk, int sectorSize, long sector)
    {
        Span<byte> header = disk.AsSpan((int)sector * sectorSize);
        int entriesAt = (int)BinaryPrimitives.ReadInt64LittleEndian(header[EntriesAtField..]) * sectorSize;
        BinaryPrimitives.WriteUInt32LittleEndian(header[88..], Crc32.HashToUInt32(disk.AsSpan(entriesAt, EntriesSize)));
        SealHeader(disk, sectorSize, sector);
    }

    private static void SealHeader(byte[] disk, int sectorSize, long sector)
    {
        Span<byte> header = disk.AsSpan((int)sector * sectorSize, GptHeader.Size);
        header.Slice(16, 4).Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(header[16..], Crc32.HashToUInt32(header));
    }

    /// <summary>A disk whose two tables differ.</summary>
    private static byte[] Disk(int size)
    {
        byte[] disk = new byte[Sectors * size];
        WriteTable(disk, size, 1, 2, new() { [3] = new(Guid.AllBitsSet, s_first, 100, 101, 0, "first") });
        WriteTable(disk, size, LastSector, 200, new() { [1] = new(Guid.AllBitsSet, s_second, 110, 110, 0, "second") });
        return disk;
    }

    private static IEnumerable<GuidPartition> Read(byte[] disk) => GuidPartitions.Read(ByteSource.FromMemory("disk", disk));
}
