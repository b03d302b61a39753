using System.Buffers.Binary;
using System.Globalization;

namespace Lamina.Boot;

/// <summary>Finds a partition of a disk by its identity, in a GUID partition table or a classic one.</summary>
public static class PartitionTable
{
    private const int SectorSize = 512, EntryLimit = 1024, IdAt = 16, SmallestEntry = 128;

    /// <summary>The number of a partition, as the kernel counts; null if the disk has none with this identity.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="id">A GUID, or the disk's eight hexadecimal digits, a hyphen and the number as two.</param>
    public static int? Find(ByteSource disk, string id) =>
        Guid.TryParse(id, out Guid guid) ? FindGuid(disk, guid) : FindClassic(disk, id);

    private static int? FindGuid(ByteSource disk, Guid wanted)
    {
        Span<byte> header = stackalloc byte[92], id = stackalloc byte[16];
        foreach (int sector in (int[])[SectorSize, 4096])
        {
            if (disk.Read(sector, header) < header.Length || !header.StartsWith("EFI PART"u8))
                continue;
            long start = BinaryPrimitives.ReadInt64LittleEndian(header[72..]);
            int count = Math.Min(BinaryPrimitives.ReadInt32LittleEndian(header[80..]), EntryLimit);
            int size = BinaryPrimitives.ReadInt32LittleEndian(header[84..]);
            if (size < SmallestEntry || start < 0 || start > disk.Length / sector)
                return null;
            for (int i = 0; i < count; i++)
            {
                if (disk.Read(start * sector + (long)i * size + IdAt, id) == id.Length && new Guid(id) == wanted)
                    return i + 1;
            }
        }
        return null;
    }

    private static int? FindClassic(ByteSource disk, string id)
    {
        const int signatureAt = 0x1B8;
        Span<byte> signature = stackalloc byte[4];
        string[] parts = id.Split('-');
        bool isId = parts.Length == 2 & uint.TryParse(parts[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
            out uint wanted) &
            int.TryParse(parts.ElementAtOrDefault(1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
                out int number);
        if (!isId || disk.Read(signatureAt, signature) < signature.Length)
            return null;
        return BinaryPrimitives.ReadUInt32LittleEndian(signature) == wanted ? number : null;
    }
}
