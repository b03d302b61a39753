using System.Buffers.Binary;

namespace Lamina.Boot;

/// <summary>
/// Where a Zstandard frame (RFC 8878) ends: its blocks say how long they are, so nothing of them is read or decoded.
/// </summary>
internal static class ZstdLength
{
    private const uint Magic = 0xFD2FB528;
    private const int BlockHeader = 3, RunBlock = 1, ReservedBlock = 3, CheckSumSize = 4;

    /// <summary>The largest block that may be.</summary>
    private const int BlockLimit = 128 << 10;

    /// <summary>Gives the byte behind a frame; -1 if there is none, or not a whole one.</summary>
    public static long Skip(ByteSource source, long at)
    {
        Span<byte> head = stackalloc byte[5];
        if (source.Read(at, head) != head.Length || BinaryPrimitives.ReadUInt32LittleEndian(head) != Magic)
            return -1;
        byte descriptor = head[4];
        bool isSingle = (descriptor & 0x20) != 0;
        int dictionary = (descriptor & 3) switch { 3 => 4, int size => size };
        int content = (descriptor >> 6) switch { 0 => isSingle ? 1 : 0, 1 => 2, 2 => 4, _ => 8 };
        at += head.Length + (isSingle ? 0 : 1) + dictionary + content;
        Span<byte> block = stackalloc byte[BlockHeader];
        while (source.Read(at, block) == BlockHeader)
        {
            int header = block[0] | block[1] << 8 | block[2] << 16, kind = header >> 1 & 3, size = header >> 3;
            if (kind == ReservedBlock || size > BlockLimit)
                return -1;
            at += BlockHeader + (kind == RunBlock ? 1 : size);
            if ((header & 1) == 0)
                continue;
            at += (descriptor & 4) != 0 ? CheckSumSize : 0;
            return at <= source.Length ? at : -1;
        }
        return -1;
    }
}
