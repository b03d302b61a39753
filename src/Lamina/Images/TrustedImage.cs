using Lamina.Checking;
using Lamina.Reading;
using Lamina.Trust;

namespace Lamina.Images;

/// <summary>What came of checking an image and all that it refers to against one root hash.</summary>
/// <param name="Image">The image against its tree.</param>
/// <param name="Devices">
/// Its devices against the digests and root hashes in its device table; null if the image itself is not what the root hash
/// says, as then nothing in it can be believed.
/// </param>
public sealed record TrustReport(VerityReport Image, DeviceReport? Devices)
{
    /// <summary>Whether every byte that a mount would show is covered by the root hash, and right.</summary>
    public bool IsSound => Image.IsSound && Devices is { IsSound: true };
}

/// <summary>
/// Follows a root hash to everything that it covers: the image through its dm-verity tree, and from an index on to its
/// devices, each by the digest or the root hash in its slot.
/// </summary>
public static class TrustedImage
{
    /// <summary>Checks all bytes of an image and its devices.</summary>
    /// <param name="image">The image: a file or a block device.</param>
    /// <param name="devices">Its devices, in the order of the device table.</param>
    /// <param name="rootHash">The root hash that is trusted.</param>
    /// <param name="hashFile">The file that has the image's tree; null for the image itself, or the disk it is on.</param>
    /// <param name="work">Who is told, who stops it, how many threads.</param>
    /// <exception cref="CorruptImageException">There is no tree, or a superblock or the device table cannot be right.</exception>
    /// <exception cref="UnsupportedImageException">The image or a tree asks for what is not known.</exception>
    public static TrustReport Verify(string image, IReadOnlyList<string> devices, ReadOnlySpan<byte> rootHash,
        string? hashFile = null, WorkOptions? work = null)
    {
        using ByteSource file = ByteSource.OpenFile(image);
        using ByteSource? beside = hashFile is null ? null : ByteSource.OpenFile(hashFile);
        (ByteSource data, ByteSource? hash) = VerityImage.PartsOf(file, beside, null, rootHash);
        VerityReport report = VerityImage.Verify(data, rootHash, hash, null, work);
        if (!report.IsSound)
            return new TrustReport(report, null);
        // From here on only what is covered is looked at: neither the tree nor what may come behind it on a device.
        ByteSource covered = ByteSource.Slice(data, data.Name, 0, report.Info.SuperBlock.DataLength);
        return new TrustReport(report, DeviceCheck.Verify(covered, devices, work, needsTags: true));
    }
}
