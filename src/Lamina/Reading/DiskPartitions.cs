using Lamina.Format;

namespace Lamina.Reading;

/// <summary>A partition of a disk.</summary>
/// <param name="Number">Which it is, from 1 on.</param>
/// <param name="Start">Where it begins, in bytes.</param>
/// <param name="Bytes">What is in it; the disk is closed with it.</param>
internal sealed record DiskPartition(int Number, long Start, ByteSource Bytes);

/// <summary>
/// The image in a disk with a GUID partition table, and the dm-verity tree in another partition. What the table says is believed
/// as a name is: it leads to bytes, and proves nothing of them.
/// </summary>
internal static class DiskPartitions
{
    /// <summary>More partitions than any disk has.</summary>
    private const int EntryLimit = 1024;

    /// <summary>What is to be read as an image: of a disk the image in it, of all else the source itself.</summary>
    /// <param name="source">A file or device, which what is returned owns.</param>
    /// <exception cref="UnsupportedImageException">It is a disk with more than one.</exception>
    public static ByteSource ImageOf(ByteSource source) => FindImage(source)?.Bytes ?? source;

    /// <summary>The only partition with an EROFS image; null if this is no disk, or has none.</summary>
    /// <param name="disk">The disk, which what is returned owns.</param>
    /// <exception cref="UnsupportedImageException">There is more than one.</exception>
    public static DiskPartition? FindImage(ByteSource disk) => Find(disk, ErofsImage.IsErofs, "EROFS images");

    /// <summary>The only partition of a kind; null if there is none.</summary>
    /// <param name="disk">The disk, which what is returned owns.</param>
    /// <param name="isWanted">Whether a partition is of that kind.</param>
    /// <param name="what">What the kind is called.</param>
    /// <exception cref="UnsupportedImageException">There is more than one.</exception>
    public static DiskPartition? Find(ByteSource disk, Func<ByteSource, bool> isWanted, string what)
    {
        if (!IsDisk(disk))
            return null;
        DiskPartition[] found = [.. Partitions(disk).Where(part => isWanted(part.Bytes))];
        return found.Length < 2 ? found.FirstOrDefault() : throw new UnsupportedImageException(disk.Name,
            $"is a disk with {found.Length} {what}, in partitions {string.Join(", ", found.Select(part => part.Number))}",
            "Name the partition: losetup --partscan --find --show DISK makes devices of them.");
    }

    /// <summary>
    /// Whether the classic table is there that every disk has in front of the other. An image may have anything in front of its
    /// superblock, and a file in a tar may be a disk: neither is one.
    /// </summary>
    private static bool IsDisk(ByteSource source)
    {
        const int signatureAt = 510;
        Span<byte> signature = stackalloc byte[2];
        return !ErofsImage.IsErofs(source) && source.Read(signatureAt, signature) == 2 && signature is [0x55, 0xAA];
    }

    private static IEnumerable<DiskPartition> Partitions(ByteSource disk)
    {
        byte[] bytes = new byte[GptHeader.Size], entry = new byte[GptEntry.Size];
        foreach (int sector in (int[])[512, 4096])
        {
            if (disk.Read(sector, bytes) < bytes.Length || GptHeader.Parse(bytes) is not { } header)
                continue;
            long sectors = disk.Length / sector;
            if (header.EntrySize < GptEntry.Size || header.EntriesAt < 0 || header.EntriesAt > sectors)
                yield break;
            for (int i = 0; i < Math.Min(header.EntryCount, EntryLimit); i++)
            {
                if (disk.Read(header.EntriesAt * sector + (long)i * header.EntrySize, entry) < entry.Length)
                    yield break;
                var part = GptEntry.Parse(entry);
                if (part.Type != Guid.Empty && part.First >= 0 && part.Last >= part.First && part.Last < sectors)
                {
                    long start = part.First * sector, length = (part.Last - part.First + 1) * sector;
                    yield return new DiskPartition(i + 1, start, ByteSource.Partition(disk, start, length));
                }
            }
            yield break;
        }
    }
}
