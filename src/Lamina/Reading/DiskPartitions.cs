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
        DiskPartition[] found = [.. GuidPartitions.Read(disk)
            .Select(part => new DiskPartition(part.Number, part.Start, ByteSource.Partition(disk, part.Start, part.Length)))
            .Where(part => isWanted(part.Bytes))];
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
}
