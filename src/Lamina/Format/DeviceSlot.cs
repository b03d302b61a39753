using System.Buffers.Binary;

namespace Lamina.Format;

/// <summary>
/// A slot of the device table (<c>erofs_deviceslot</c>). The kernel matches slots to <c>device=</c> options by order.
/// </summary>
/// <param name="Tag">tag: 64 bytes that nothing in the kernel checks. Lamina's: the SHA-256 of the device as hex digits.</param>
/// <param name="Blocks">blocks_lo, blocks_hi: the device's size in blocks.</param>
/// <param name="UnifiedAddress">uniaddr_lo, uniaddr_hi: its first block in the address space of device 0; 0 for none.</param>
internal readonly record struct DeviceSlot(ReadOnlyMemory<byte> Tag, ulong Blocks, ulong UnifiedAddress)
{
    public const int Size = 128;
    public const int TagSize = 64;

    private const int BlocksLowAt = 64, UnifiedLowAt = 68, BlocksHighAt = 72, UnifiedHighAt = 74;

    public static DeviceSlot Parse(ReadOnlySpan<byte> bytes) => new(
        bytes[..TagSize].ToArray(),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[BlocksLowAt..]) |
            (ulong)BinaryPrimitives.ReadUInt16LittleEndian(bytes[BlocksHighAt..]) << 32,
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[UnifiedLowAt..]) |
            (ulong)BinaryPrimitives.ReadUInt16LittleEndian(bytes[UnifiedHighAt..]) << 32);

    public void WriteTo(Span<byte> bytes)
    {
        bytes[..Size].Clear();
        Tag.Span.CopyTo(bytes[..TagSize]);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[BlocksLowAt..], (uint)Blocks);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[UnifiedLowAt..], (uint)UnifiedAddress);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[BlocksHighAt..], checked((ushort)(Blocks >> 32)));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[UnifiedHighAt..], checked((ushort)(UnifiedAddress >> 32)));
    }
}
