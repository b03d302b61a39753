using Lamina.Format;
using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>
/// Where the block addresses of an image lead: the primary device and the extra ones, each by its number and by its range in the
/// unified space (<c>erofs_map_dev</c>, fs/erofs/data.c).
/// </summary>
internal sealed class AddressSpace
{
    private readonly ErofsImage _image;
    private readonly bool _isFlat;

    private AddressSpace(ErofsImage image, DeviceSlot[] slots, bool isFlat)
    {
        _image = image;
        Slots = slots;
        _isFlat = isFlat;
    }

    /// <summary>The device table.</summary>
    public DeviceSlot[] Slots { get; }

    public static AddressSpace Read(ErofsImage image, MetadataReader metadata)
    {
        DeviceSlot[] slots = ReadSlots(image.SuperBlock, metadata);
        bool isFlat = CheckDevices(image, slots);
        return new AddressSpace(image, slots, isFlat);
    }

    /// <summary>Reads the device table alone.</summary>
    public static DeviceSlot[] ReadSlots(SuperBlock superBlock, MetadataReader metadata)
    {
        int count = superBlock.Has(IncompatibleFeatures.DeviceTable) ? superBlock.ExtraDevices : 0;
        if (count == 0 && superBlock.ExtraDevices != 0)
            throw new CorruptImageException(metadata.Name,
                $"{superBlock.ExtraDevices} devices without the device_table feature", null, 1110);
        DeviceSlot[] slots = new DeviceSlot[count];
        long position = (long)superBlock.DeviceTableSlot * DeviceSlot.Size;
        for (int i = 0; i < count; i++, position += DeviceSlot.Size)
        {
            DeviceSlot slot = slots[i] = DeviceSlot.Parse(metadata.Read(position, DeviceSlot.Size));
            ulong limit = (ulong)long.MaxValue >> superBlock.BlockBits;
            if (slot.Blocks > limit || slot.UnifiedAddress > limit - slot.Blocks)
            {
                throw new CorruptImageException(metadata.Name, $"device {i + 1} has {slot.Blocks} blocks at block " +
                    $"{slot.UnifiedAddress}, which is above 2^63-1 bytes", null, position);
            }
        }
        return slots;
    }

    /// <summary>Whether all slots point into the image file itself, so that it needs no other.</summary>
    public static bool AreWithin(DeviceSlot[] slots, long length, int blockBits) => Array.TrueForAll(slots, slot =>
        slot.UnifiedAddress != 0 && slot.UnifiedAddress + slot.Blocks <= (ulong)(length + (1L << blockBits) - 1) >> blockBits);

    /// <summary>
    /// Leads a run of bytes to the file that holds it, cut at the end of a device; the kernel cuts there as well.
    /// </summary>
    /// <param name="inode">Whose data it is, for messages.</param>
    /// <param name="device">0 for the unified space, else the number of a device.</param>
    /// <param name="address">The first byte.</param>
    /// <param name="length">The count of bytes; what comes back may be fewer.</param>
    /// <exception cref="CorruptImageException">The run is in no device, or past the end of its file.</exception>
    public (Original Original, long Offset, long Length) Resolve(in Inode inode, int device, ulong address, long length)
    {
        int bits = _image.SuperBlock.BlockBits;
        Original original = _image.Primary;
        if (device > Slots.Length)
            throw _image.Corrupt(inode, $"device {device} of {Slots.Length}");
        if (device > 0)
        {
            if (_isFlat)
                address += Slots[device - 1].UnifiedAddress << bits;
            else
                original = _image.Devices[device - 1];
        }
        else if (!_isFlat)
        {
            for (int i = 0; i < Slots.Length; i++)
            {
                ulong start = Slots[i].UnifiedAddress << bits, size = Slots[i].Blocks << bits;
                if (start == 0 || address < start)
                    continue;
                if (address - start < size)
                {
                    original = _image.Devices[i];
                    address -= start;
                    length = (long)Math.Min((ulong)length, size - address);
                    break;
                }
            }
        }
        // Kernels read whole blocks, so what is in a last one that is cut off cannot be read.
        long whole = original.Length >> bits << bits;
        if (address > (ulong)original.Length || length > original.Length - (long)address)
        {
            throw _image.Corrupt(inode,
                $"data at byte 0x{address:X} ({length} bytes) lies past the end of {original.Name} ({original.Length} bytes)");
        }
        if (length > whole - (long)address)
        {
            throw _image.Corrupt(inode, $"data at byte 0x{address:X} ({length} bytes) lies in the last block of " +
                $"{original.Name}, which has {original.Length - whole} of {1 << bits} bytes");
        }
        return (original, (long)address, length);
    }

    /// <summary>
    /// Whether the devices lie in the image file itself, behind one another. Says clearly what is missing otherwise.
    /// </summary>
    private static bool CheckDevices(ErofsImage image, DeviceSlot[] slots)
    {
        int given = image.Devices.Length;
        if (given == slots.Length)
        {
            for (int i = 0; i < given; i++)
            {
                // A device may end within its last block; what is used of it is checked where it is used.
                ulong blocks = (ulong)((image.Devices[i].Length + image.BlockSize - 1) / image.BlockSize);
                if (slots[i].Blocks > blocks)
                {
                    throw new CorruptImageException(image.Name,
                        $"device {i + 1} has {slots[i].Blocks} blocks of {image.BlockSize} bytes, " +
                        $"{image.Devices[i].Name} has {image.Devices[i].Length} bytes");
                }
            }
            return false;
        }
        if (given == 0 && AreWithin(slots, image.Primary.Length, image.SuperBlock.BlockBits))
            return true;
        throw new UnsupportedImageException(image.Name, $"has {slots.Length} devices, {given} were given",
            slots.Length == 0 ? "Give the image without devices."
                : $"Give them in order: {image.Name}@DEVICE{(slots.Length > 1 ? "@DEVICE..." : "")}");
    }
}
