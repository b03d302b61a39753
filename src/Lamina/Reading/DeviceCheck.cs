using System.Text;
using Lamina.Format;

namespace Lamina.Reading;

/// <summary>Something about the devices given with an image that is not as it must be.</summary>
/// <param name="Slot">The slot of the device table, from 1; 0 if it concerns all of them.</param>
/// <param name="Device">The file that was given for it, if one was.</param>
/// <param name="What">What is wrong, in words.</param>
/// <param name="Expected">The SHA-256 that the slot names, in hex digits, if it is about that.</param>
/// <param name="Found">The SHA-256 of the file.</param>
public sealed record DeviceFault(int Slot, string? Device, string What, string? Expected = null, string? Found = null);

/// <summary>What came of a check of devices.</summary>
/// <param name="Faults">What is wrong; nothing if all is well.</param>
/// <param name="Verified">How many devices' digests were compared and are right.</param>
/// <param name="RightOrder">If the devices are the right ones in a wrong order: the order they belong in.</param>
public sealed record DeviceReport(IReadOnlyList<DeviceFault> Faults, int Verified, IReadOnlyList<string>? RightOrder)
{
    /// <summary>Whether nothing is wrong.</summary>
    public bool IsSound => Faults.Count == 0;
}

/// <summary>
/// Makes sure that the devices given with an image are those it was made for, in the order of its device table. The kernel
/// does not: it mounts whatever is large enough, and files show the bytes of another layer.
/// </summary>
public static class DeviceCheck
{
    /// <summary>Checks the count of devices, their sizes, and where a slot's tag is a SHA-256 the whole of the device.</summary>
    /// <param name="image">The image: a file or a block device.</param>
    /// <param name="devices">The devices, in the order of the device table.</param>
    /// <param name="progress">Is told how many bytes of how many are read; what it throws ends the check.</param>
    /// <exception cref="CorruptImageException">The image's superblock or device table contradicts itself.</exception>
    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    public static DeviceReport Verify(
        string image, IReadOnlyList<string> devices, IProgress<(long Done, long Total)>? progress = null)
    {
        using ByteSource source = ByteSource.OpenFile(image);
        SuperBlock superBlock = ErofsImage.ReadSuperBlock(source);
        DeviceSlot[] slots = AddressSpace.ReadSlots(superBlock, new MetadataReader(source, 0, source.Length));
        if (devices.Count == 0 && AddressSpace.AreWithin(slots, source.Length, superBlock.BlockBits))
            return new DeviceReport([], 0, null);
        if (devices.Count != slots.Length)
            return new DeviceReport([new DeviceFault(0, null,
                $"the image has {slots.Length} devices, {devices.Count} were given")], 0, null);

        List<ByteSource> opened = [];
        try
        {
            foreach (string device in devices)
                opened.Add(ByteSource.OpenFile(device));
            return Compare(superBlock, slots, opened, RecordedLengths(source, superBlock, slots.Length), progress);
        }
        finally
        {
            opened.ForEach(device => device.Dispose());
        }
    }

    private static DeviceReport Compare(
        SuperBlock superBlock, DeviceSlot[] slots, List<ByteSource> devices, long[]? lengths,
        IProgress<(long Done, long Total)>? progress)
    {
        List<DeviceFault> faults = [];
        string?[] expected = [.. slots.Select(slot => DigestOf(slot.Tag.Span))];
        string[]? found = expected.All(digest => digest is null) ? null : ComputeAll(devices, lengths, progress);
        int verified = 0;
        for (int i = 0; i < slots.Length; i++)
        {
            string name = devices[i].Name;
            ulong blocks = (ulong)((devices[i].Length + superBlock.BlockSize - 1) >> superBlock.BlockBits);
            if (found is not null && expected[i] is { } digest && digest != found[i])
                faults.Add(new DeviceFault(i + 1, name, $"is not the device {i + 1} the image was made with", digest, found[i]));
            else if (blocks < slots[i].Blocks)
                faults.Add(new DeviceFault(i + 1, name, $"has {blocks} blocks of {superBlock.BlockSize} bytes, " +
                    $"device {i + 1} has {slots[i].Blocks}"));
            else if (expected[i] is not null)
                verified++;
        }
        return new DeviceReport(faults, verified, faults.Count == 0 || found is null ? null
            : RightOrder(expected, found, devices));
    }

    /// <summary>
    /// The order in which the devices are right, if there is one. Slots without a digest take what is left, which can be told
    /// only if that is one.
    /// </summary>
    private static string[]? RightOrder(string?[] expected, string[] found, List<ByteSource> devices)
    {
        string[] order = new string[expected.Length];
        List<int> left = [.. Enumerable.Range(0, found.Length)];
        for (int i = 0; i < expected.Length; i++)
        {
            int match = expected[i] is null ? -1 : left.FindIndex(at => found[at] == expected[i]);
            if (expected[i] is not null && match < 0)
                return null;
            if (match < 0)
                continue;
            order[i] = devices[left[match]].Name;
            left.RemoveAt(match);
        }
        if (left.Count > 1)
            return null;
        if (left.Count == 1)
            order[Array.FindIndex(expected, digest => digest is null)] = devices[left[0]].Name;
        return order;
    }

    /// <summary>The digest that a tag is, in lower case; null if it is something else, such as a name.</summary>
    internal static string? DigestOf(ReadOnlySpan<byte> tag)
    {
        if (tag.Length != ContentDigest.Size * 2)
            return null;
        foreach (byte digit in tag)
        {
            if (!char.IsAsciiHexDigit((char)digit))
                return null;
        }
        return Encoding.ASCII.GetString(tag).ToLowerInvariant();
    }

    private static string[] ComputeAll(List<ByteSource> devices, long[]? lengths, IProgress<(long Done, long Total)>? progress)
    {
        string[] digests = new string[devices.Count];
        long total = devices.Sum(device => device.Length), done = 0;
        Lock reporting = new();
        InParallel.For(devices.Count, Environment.ProcessorCount, i => digests[i] = Convert.ToHexStringLower(
            ContentDigest.Compute(devices[i], LengthOf(devices[i], lengths?[i]), progress is null ? null : Report)));
        return digests;

        void Report(int count)
        {
            lock (reporting)
                progress!.Report((done += count, total));
        }
    }

    /// <summary>A block device may be longer than the file that was put onto it; then what the record says counts.</summary>
    internal static long LengthOf(ByteSource device, long? recorded) =>
        recorded is { } length && length < device.Length && device.Name.StartsWith("/dev/", StringComparison.Ordinal)
            ? length : device.Length;

    private static long[]? RecordedLengths(ByteSource source, SuperBlock superBlock, int count)
    {
        LayerRecord? record = LayerRecordReader.Read(source, (long)superBlock.Blocks << superBlock.BlockBits);
        return record?.Originals.Length == count ? [.. record.Originals.Select(original => original.Length)] : null;
    }
}
