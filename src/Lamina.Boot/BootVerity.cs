using Lamina.Format;
using Lamina.Reading;
using Lamina.Trust;

namespace Lamina.Boot;

/// <summary>What /init asks of images and trees while nothing of them is trusted yet. Hashing is left to the kernel.</summary>
internal static class BootVerity
{
    /// <summary>
    /// Finds the tree that has a root hash, so that the kernel can be told of it. Nothing of the image is looked at: a file's
    /// length, or the root hash at the top of a tree, tells the place. Whether they belong together shows when the first block is
    /// read; the kernel is given the root hash that is trusted, whatever was found.
    /// </summary>
    /// <param name="data">The image.</param>
    /// <param name="hash">What has the tree, from its first byte on; null if it stands behind the image.</param>
    /// <param name="rootHash">The root hash, in hexadecimal digits.</param>
    /// <returns>The tree, with the root hash that was given.</returns>
    /// <exception cref="CorruptImageException">There is no such tree.</exception>
    public static VerityInfo Find(ByteSource data, ByteSource? hash, string rootHash)
    {
        byte[] root = Convert.FromHexString(rootHash);
        if (hash is null)
        {
            return TreeSearch.FindForKernel(data, root, DigestOf) is (VeritySuperBlock found, long offset)
                ? new VerityInfo(found, root, offset)
                : throw new CorruptImageException(data.Name, "there is no dm-verity tree behind the image");
        }
        VeritySuperBlock tree = VerityTree.Read(hash, 0);
        int digestSize = VerityAlgorithms.DigestSize(tree.Algorithm);
        return root.Length == digestSize ? new VerityInfo(tree, root, 0)
            : throw new CorruptImageException(hash.Name, $"the tree has {VerityAlgorithms.NameOf(tree.Algorithm)} digests of " +
                $"{digestSize} bytes, the root hash given has {root.Length}");
    }

    /// <summary>By our own SHA-256: /init has no cryptography of a platform. SHA-512 is left to the kernel.</summary>
    private static byte[]? DigestOf(VeritySuperBlock tree, byte[] block)
    {
        if (tree.Algorithm != VerityAlgorithm.Sha256)
            return null;
        using ByteSource bytes = ByteSource.FromMemory("block", (byte[])[.. tree.Salt, .. block]);
        return Sha256.Compute(bytes);
    }

    /// <summary>
    /// Makes sure that a tree covers all of an image, as its superblock, which no root hash covers, may say less. The image is
    /// read through dm-verity.
    /// </summary>
    /// <param name="covered">The device that dm-verity made.</param>
    /// <param name="tree">The tree that it was told of.</param>
    /// <exception cref="CorruptImageException">The image has more or fewer blocks than the tree covers.</exception>
    public static void RequireWhole(ByteSource covered, VerityInfo tree)
    {
        if (TreeCoverage.FindMismatch(tree.SuperBlock, covered) is { } fault)
            throw new CorruptImageException(covered.Name, fault);
    }

    /// <summary>What an index says of its devices; null for one it says nothing of.</summary>
    /// <param name="index">The index, whose bytes can be trusted.</param>
    /// <param name="names">The layers, lowest first; the first of them are its devices.</param>
    /// <returns>Null if it has more devices than there are layers.</returns>
    public static IReadOnlyList<ExpectedLayer?>? DevicesOf(ByteSource index, IReadOnlyList<string> names)
    {
        SuperBlock superBlock = ErofsImage.ReadSuperBlock(index);
        using MetadataReader metadata = new(index);
        DeviceSlot[] slots = AddressSpace.ReadSlots(superBlock, metadata);
        return slots.Length > names.Count ? null : [.. slots.Select((slot, i) =>
            Expect(DeviceTag.Parse(slot.Tag.Span), names[i]))];
    }

    private static ExpectedLayer? Expect(DeviceTag tag, string name) => tag.Kind switch
    {
        DeviceTagKind.RootHash => new ExpectedLayer(name, LayerCheck.Verity, tag.Text),
        DeviceTagKind.Digest => new ExpectedLayer(name, LayerCheck.Sha256, tag.Text),
        _ => null,
    };
}
