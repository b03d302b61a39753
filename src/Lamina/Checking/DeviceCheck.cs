using Lamina.Format;
using Lamina.Reading;
using Lamina.Trust;

namespace Lamina.Checking;

/// <summary>Something about the devices given with an image that is not as it must be.</summary>
/// <param name="Slot">The slot of the device table, from 1; 0 if it concerns all of them.</param>
/// <param name="Device">The file that was given for it, if one was.</param>
/// <param name="What">What is wrong, in words.</param>
/// <param name="Expected">The SHA-256 or root hash that the slot names, in hex digits, if it is about that.</param>
/// <param name="Found">What the file has instead.</param>
public sealed record DeviceFault(int Slot, string? Device, string What, string? Expected = null, string? Found = null)
{
    /// <summary>Whether it is about a dm-verity root hash, not a SHA-256 of the whole device.</summary>
    public bool IsRootHash { get; init; }
}

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
internal sealed class DeviceCheck
{
    private readonly SuperBlock _superBlock;
    private readonly DeviceSlot[] _slots;
    private readonly DeviceTag[] _tags;
    private readonly List<ByteSource> _devices;
    private readonly long[]? _lengths;
    private readonly WorkOptions _work;
    private readonly Action<long>? _count;

    private DeviceCheck(SuperBlock superBlock, DeviceSlot[] slots, List<ByteSource> devices, long[]? lengths,
        WorkOptions work)
    {
        _superBlock = superBlock;
        _slots = slots;
        _tags = [.. slots.Select(slot => DeviceTag.Parse(slot.Tag.Span))];
        _devices = devices;
        _lengths = lengths;
        _work = work;
        long total = devices.Sum(device => device.Length);
        _count = work.Counter(() => total);
    }

    /// <summary>
    /// Checks the count of devices, their sizes, and all bytes of those whose tag in the device table is a SHA-256 or a root
    /// hash.
    /// </summary>
    /// <param name="image">The image: a file or a block device.</param>
    /// <param name="devices">The devices, in the order of the device table.</param>
    /// <param name="work">Who is told, who stops it, how many threads.</param>
    /// <param name="needsTags">Whether a slot that says nothing of its device is a fault.</param>
    /// <exception cref="CorruptImageException">The image's superblock or device table contradicts itself.</exception>
    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    public static DeviceReport Verify(
        string image, IReadOnlyList<string> devices, WorkOptions? work = null, bool needsTags = false)
    {
        using ByteSource source = ByteSource.OpenFile(image);
        return Verify(source, devices, work, needsTags);
    }

    /// <summary>Does what the other does with an image that is open, or with the part of it that is covered.</summary>
    internal static DeviceReport Verify(
        ByteSource source, IReadOnlyList<string> devices, WorkOptions? work, bool needsTags)
    {
        SuperBlock superBlock = ErofsImage.ReadSuperBlock(source);
        using MetadataReader metadata = new(source);
        DeviceSlot[] slots = AddressSpace.ReadSlots(superBlock, metadata);
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
            return new DeviceCheck(superBlock, slots, opened, RecordedLengths(source, superBlock, slots.Length),
                work ?? new WorkOptions())
                .Compare(needsTags);
        }
        finally
        {
            opened.ForEach(device => device.Dispose());
        }
    }

    private DeviceReport Compare(bool needsTags)
    {
        List<DeviceFault> faults = [];
        string[] found = ComputeAll();
        int verified = 0;
        for (int i = 0; i < _slots.Length; i++)
        {
            if (FindFault(i, found[i], needsTags) is { } fault)
                faults.Add(fault with { Device = _devices[i].Name });
            else if (_tags[i].Kind != DeviceTagKind.None)
                verified++;
        }
        return new DeviceReport(faults, verified, faults.Count == 0 ? null : RightOrder(found));
    }

    private DeviceFault? FindFault(int device, string found, bool needsTags)
    {
        DeviceTag tag = _tags[device];
        DeviceSlot slot = _slots[device];
        int number = device + 1;
        ulong blocks = (ulong)((_devices[device].Length + _superBlock.BlockSize - 1) >> _superBlock.BlockBits);
        bool isRoot = tag.Kind == DeviceTagKind.RootHash;
        if (tag.Kind == DeviceTagKind.None && needsTags)
            return new DeviceFault(number, null, $"is not covered: slot {number} has no digest and no root hash");
        if (tag.Kind != DeviceTagKind.None && tag.Text != found)
        {
            string what = $"is not the device {number} the image was made with";
            return new DeviceFault(number, null, what, tag.Text, found) { IsRootHash = isRoot };
        }
        if (blocks < slot.Blocks)
        {
            return new DeviceFault(number, null,
                $"has {blocks} blocks of {_superBlock.BlockSize} bytes, device {number} has {slot.Blocks}");
        }
        string? damage = isRoot ? FaultInTree(_devices[device], slot, _superBlock.BlockBits, _count) : null;
        return damage is null ? null : new DeviceFault(number, null, damage);
    }

    /// <summary>
    /// The order in which the devices are right, if there is one. Slots without a tag take what is left, which can be told
    /// only if that is one.
    /// </summary>
    private string[]? RightOrder(string[] found)
    {
        string[] order = new string[_slots.Length];
        List<int> left = [.. Enumerable.Range(0, _slots.Length)];
        for (int i = 0; i < order.Length; i++)
        {
            if (_tags[i].Kind == DeviceTagKind.None)
                continue;
            DeviceTag tag = _tags[i];
            int match = left.FindIndex(at => tag.Text == (tag.Kind == DeviceTagKind.RootHash ? RootOf(at, tag)
                : _tags[at].Kind == DeviceTagKind.Digest ? found[at] : DigestOf(at)));
            if (match < 0)
                return null;
            order[i] = _devices[left[match]].Name;
            left.RemoveAt(match);
        }
        if (left.Count > 1)
            return null;
        if (left.Count == 1)
            order[Array.FindIndex(_tags, tag => tag.Kind == DeviceTagKind.None)] = _devices[left[0]].Name;
        return order.SequenceEqual(_devices.Select(device => device.Name)) ? null : order;
    }

    /// <summary>What each device has of what its tag says: the whole digest, or the root hash that its tree has.</summary>
    private string[] ComputeAll()
    {
        string[] found = new string[_devices.Count];
        InParallel.For(found.Length, _work.ThreadCount, i => found[i] = _tags[i].Kind switch
        {
            DeviceTagKind.Digest => DigestOf(i),
            DeviceTagKind.RootHash => RootOf(i, _tags[i]),
            _ => "",
        });
        return found;
    }

    private string DigestOf(int device) => Convert.ToHexStringLower(ContentDigest.Compute(
        _devices[device], LengthOf(_devices[device], _lengths?[device]), count => _count?.Invoke(count)));

    private string RootOf(int device, DeviceTag tag) => RootOf(_devices[device], tag);

    /// <summary>The root hash that a tag names, if a tree behind a device has it; else words.</summary>
    internal static string RootOf(ByteSource device, DeviceTag tag) =>
        TreeSearch.Find(device, tag.Value.Span) is null ? "that of no tree" : tag.Text;

    /// <summary>Checks a device through the tree behind it, whose root hash is right; null if all is well.</summary>
    /// <param name="device">The device.</param>
    /// <param name="slot">Its slot, which names the root hash.</param>
    /// <param name="blockBits">The image's block size.</param>
    /// <param name="progress">Is told bytes that were read.</param>
    internal static string? FaultInTree(ByteSource device, DeviceSlot slot, int blockBits, Action<long>? progress)
    {
        byte[] root = DeviceTag.Parse(slot.Tag.Span).Value.ToArray();
        if (TreeSearch.Find(device, root) is not (VeritySuperBlock tree, long offset))
            return "has no tree with this root hash any more";
        VerityReport report = VerityCheck.Run(tree, device, device, offset, root, progress: progress);
        if (!report.IsSound)
        {
            return $"is damaged: {report.Faults[0]}" + (report.FaultCount > 1 ? $", and {report.FaultCount - 1} more" : "");
        }
        // The slot is covered by the image's own root hash, the tree's superblock and the length of the file are not.
        long needed = checked((long)slot.Blocks << blockBits);
        return tree.DataLength > needed || tree.DataLength <= needed - (1L << blockBits)
            ? $"has a tree over {tree.DataLength} bytes, {needed} are needed"
            : TreeCoverage.FindFault(tree, offset, device, device);
    }

    /// <summary>A block device may be longer than the file that was put onto it; then what the record says counts.</summary>
    internal static long LengthOf(ByteSource device, long? recorded) =>
        recorded is { } length && length < device.Length && device.IsVolume ? length : device.Length;

    private static long[]? RecordedLengths(ByteSource source, SuperBlock superBlock, int count)
    {
        LayerRecord? record = LayerRecordReader.Read(source, (long)superBlock.Blocks << superBlock.BlockBits);
        return record?.Originals.Length == count ? [.. record.Originals.Select(original => original.Length)] : null;
    }
}
