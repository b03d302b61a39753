using System.Buffers.Binary;
using System.Globalization;
using Lamina.Reading;

namespace Lamina.Boot;

/// <summary>Finds a partition of a disk by its identity, in a GUID partition table or a classic one.</summary>
internal static class PartitionTable
{
    /// <summary>The number of a partition, as the kernel counts; null if the disk has none with this identity.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="id">A GUID, or the disk's eight hexadecimal digits, a hyphen and the number as two.</param>
    public static int? Find(ByteSource disk, string id) =>
        Guid.TryParse(id, out Guid guid)
            ? GuidPartitions.Read(disk).Where(part => part.Id == guid).Select(part => (int?)part.Number).FirstOrDefault()
            : FindClassic(disk, id);

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
