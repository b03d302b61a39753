using System.Buffers.Binary;
using System.Numerics;

namespace Lamina.Format;

/// <summary>
/// CRC-32C as the superblock keeps it: all ones at first, not inverted at the end (<c>crc32c(~0, ...)</c>, fs/erofs/super.c).
/// </summary>
internal static class Crc32C
{
    public static uint Compute(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        for (; bytes.Length >= 8; bytes = bytes[8..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte one in bytes)
            crc = BitOperations.Crc32C(crc, one);
        return crc;
    }
}
