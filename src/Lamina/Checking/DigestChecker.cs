using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;
using Lamina.Trust;

namespace Lamina.Checking;

/// <summary>
/// Compares what an image that Lamina wrote says of its layers with the layers: SHA-256 of those in the file, and of the devices
/// that were given. Nothing else would see a change of what no file refers to, or devices in a wrong order.
/// </summary>
internal sealed class DigestChecker
{
    private readonly ErofsImage _image;
    private readonly FaultList _faults;
    private readonly List<(ByteSource Bytes, string What, byte[] Expected, long? Offset)> _wanted = [];
    private readonly List<(int Device, string RootHash)> _trees = [];
    private readonly CheckedFile _whole;

    /// <summary>Finds what there is to compare.</summary>
    /// <param name="image">The image.</param>
    /// <param name="faults">Where faults go.</param>
    /// <param name="whole">What stands for the image as a whole.</param>
    public DigestChecker(ErofsImage image, FaultList faults, CheckedFile whole)
    {
        (_image, _faults, _whole) = (image, faults, whole);
        LayerRecord? record = null;
        long end = (long)image.SuperBlock.Blocks << image.SuperBlock.BlockBits;
        faults.Try(whole, () => record = LayerRecordReader.Read(image.Primary.Bytes, end));
        RecordedOriginal[] originals = record?.Originals ?? [];
        foreach (RecordedOriginal original in originals.Where(original => original.Start >= 0 && !original.Digest.IsEmpty))
        {
            string name = $"layer {original.Layer}, {ShownBytes.Of(original.Name.Span)}";
            faults.Try(whole, () => _wanted.Add((
                ByteSource.Slice(image.Primary.Bytes, name, original.Start, original.Length), name,
                original.Digest.ToArray(), original.Start)));
        }
        for (int i = 0; i < image.Devices.Length; i++)
        {
            DeviceTag tag = DeviceTag.Parse(image.Space.Slots[i].Tag.Span);
            ByteSource bytes = image.Devices[i].Bytes;
            if (tag.Kind == DeviceTagKind.RootHash)
                _trees.Add((i, tag.Text));
            if (tag.Kind != DeviceTagKind.Digest)
                continue;
            long length = DeviceCheck.LengthOf(bytes, originals.Length == image.Devices.Length ? originals[i].Length : null);
            _wanted.Add((ByteSource.Slice(bytes, bytes.Name, 0, length), $"device {i + 1}, {bytes.Name},",
                tag.Value.ToArray(), null));
        }
    }

    /// <summary>How many bytes there are to read.</summary>
    public long TotalBytes => _wanted.Sum(one => one.Bytes.Length) + _trees.Sum(tree => _image.Devices[tree.Device].Length);

    /// <summary>How many digests and root hashes are right.</summary>
    public int Verified { get; private set; }

    /// <summary>Computes and compares all of them.</summary>
    public void Run(CheckOptions options, Action<long> onBytes)
    {
        byte[][] found = new byte[_wanted.Count][];
        InParallel.For(_wanted.Count, options.ThreadCount, i => _faults.Try(_whole, () => found[i] =
            ContentDigest.Compute(_wanted[i].Bytes, _wanted[i].Bytes.Length, count =>
            {
                options.Cancellation.ThrowIfCancellationRequested();
                onBytes(count);
            })), options.Cancellation);
        for (int i = 0; i < found.Length; i++)
        {
            (_, string what, byte[] expected, long? offset) = _wanted[i];
            if (found[i] is null)
                continue;       // it could not be read, which is a fault already
            if (found[i].AsSpan().SequenceEqual(expected))
                Verified++;
            else
                _faults.Add(0, new ImageFault(FaultSeverity.Error, null, null, offset,
                    $"{what} has SHA-256 {Convert.ToHexStringLower(found[i])}, " +
                    $"{_image.Name} was made with {Convert.ToHexStringLower(expected)}"));
        }
        foreach ((int device, string rootHash) in _trees)
            _faults.Try(_whole, () => CheckTree(device, rootHash, onBytes));
    }

    /// <summary>Checks a device that the image names by the root hash of the tree behind it.</summary>
    private void CheckTree(int device, string rootHash, Action<long> onBytes)
    {
        ByteSource bytes = _image.Devices[device].Bytes;
        string found = DeviceCheck.RootOf(bytes, DeviceTag.Parse(_image.Space.Slots[device].Tag.Span));
        string? fault = found != rootHash ? $"has the root hash {found}, {_image.Name} was made with {rootHash}"
            : DeviceCheck.FaultInTree(bytes, _image.Space.Slots[device], _image.SuperBlock.BlockBits, onBytes);
        if (fault is null)
            Verified++;
        else
            _faults.Add(0, new ImageFault(FaultSeverity.Error, null, null, null, $"device {device + 1}, {bytes.Name}, {fault}"));
    }
}
