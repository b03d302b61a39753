using System.Buffers.Binary;
using System.Globalization;
using Lamina.Format;

namespace Lamina.Boot;

/// <summary>Finds a partition of a disk by its identity, in a GUID partition table or a classic one.</summary>
internal static class PartitionTable
{
    private const int SectorSize = 512, EntryLimit = 1024;

    /// <summary>The number of a partition, as the kernel counts; null if the disk has none with this identity.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="id">A GUID, or the disk's eight hexadecimal digits, a hyphen and the number as two.</param>
    public static int? Find(ByteSource disk, string id) =>
        Guid.TryParse(id, out Guid guid) ? FindGuid(disk, guid) : FindClassic(disk, id);

    private static int? FindGuid(ByteSource disk, Guid wanted)
    {
        Span<byte> bytes = stackalloc byte[GptHeader.Size], entry = stackalloc byte[GptEntry.Size];
        foreach (int sector in (int[])[SectorSize, 4096])
        {
            if (disk.Read(sector, bytes) < bytes.Length || GptHeader.Parse(bytes) is not { } header)
                continue;
            if (header.EntrySize < GptEntry.Size || header.EntriesAt < 0 || header.EntriesAt > disk.Length / sector)
                return null;
            for (int i = 0; i < Math.Min(header.EntryCount, EntryLimit); i++)
            {
                long at = header.EntriesAt * sector + (long)i * header.EntrySize;
                if (disk.Read(at, entry) == entry.Length && GptEntry.Parse(entry).Id == wanted)
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
