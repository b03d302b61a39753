using System.IO.Hashing;
using Lamina.Format;

namespace Lamina.Reading;

/// <summary>An entry of a GUID partition table.</summary>
/// <param name="Number">Its number, from 1 on, as the kernel counts.</param>
/// <param name="Id">The identity of the partition.</param>
/// <param name="Start">Where the partition begins, in bytes.</param>
/// <param name="Length">Its length in bytes.</param>
internal readonly record struct GuidPartition(int Number, Guid Id, long Start, long Length);

/// <summary>
/// Reads GUID partition tables. The primary one counts if its checksums are right, whatever the backup says; the backup, in the
/// last sector, counts only if no primary one is sound. So what is found never depends on which of two tables suits the caller.
/// </summary>
internal static class GuidPartitions
{
    /// <summary>More bytes of entries than the kernel reads.</summary>
    private const int MaxEntriesSize = 4 << 20;

    /// <summary>Nobody makes larger ones; 128 is what all make.</summary>
    private const int MaxEntrySize = 4096;

    private static readonly int[] s_sectorSizes = [512, 4096];

    /// <summary>The partitions that are within the disk, by their numbers; none without a sound table.</summary>
    public static IReadOnlyList<GuidPartition> Read(ByteSource disk)
    {
        foreach (bool isBackup in (bool[])[false, true])
        {
            foreach (int sectorSize in s_sectorSizes)
            {
                long sector = isBackup ? disk.Length / sectorSize - 1 : 1;
                if (ReadTable(disk, sectorSize, sector) is { } found)
                    return found;
            }
        }
        return [];
    }

    /// <summary>Reads the table whose header is in a sector; null if that has none, or its checksums are wrong.</summary>
    private static List<GuidPartition>? ReadTable(ByteSource disk, int sectorSize, long sector)
    {
        byte[] head = new byte[sectorSize];
        long sectors = disk.Length / sectorSize;
        if (sector < 1 || sector >= sectors || disk.Read(sector * sectorSize, head) < head.Length ||
            GptHeader.Parse(head, sector) is not { } header)
            return null;
        long size = (long)header.EntryCount * header.EntrySize;
        bool canBe = header.EntrySize is >= GptEntry.Size and <= MaxEntrySize && size is > 0 and <= MaxEntriesSize &&
            header.EntriesAt > 0 && header.EntriesAt < sectors && size <= disk.Length - header.EntriesAt * sectorSize;
        if (!canBe)
            return null;
        byte[] table = new byte[size];
        if (disk.Read(header.EntriesAt * sectorSize, table) < table.Length || Crc32.HashToUInt32(table) != header.EntriesChecksum)
            return null;
        List<GuidPartition> found = [];
        for (int i = 0; i < header.EntryCount; i++)
        {
            var entry = GptEntry.Parse(table.AsSpan(i * header.EntrySize, GptEntry.Size));
            if (entry.Type != Guid.Empty && entry.First >= 0 && entry.Last >= entry.First && entry.Last < sectors)
                found.Add(new(i + 1, entry.Id, entry.First * sectorSize, (entry.Last - entry.First + 1) * sectorSize));
        }
        return found;
    }
}
