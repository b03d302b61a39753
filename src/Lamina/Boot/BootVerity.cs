using Lamina.Format;
using Lamina.Reading;
using Lamina.Verity;

namespace Lamina.Boot;

/// <summary>What /init asks of images and trees while nothing of them is trusted yet. Hashing is left to the kernel.</summary>
public static class BootVerity
{
    /// <summary>
    /// Finds the tree of an image and puts a root hash to it, so that the kernel can be told. Whether they belong together
    /// shows when the first block is read.
    /// </summary>
    /// <param name="data">The image.</param>
    /// <param name="hash">What has the tree, from its first byte on; null if it stands behind the image.</param>
    /// <param name="rootHash">The root hash, in hexadecimal digits.</param>
    /// <returns>The tree, with the root hash that was given.</returns>
    /// <exception cref="CorruptImageException">There is no tree, it is cut off, or does not fit the image or the root
    /// hash.</exception>
    /// <exception cref="UnsupportedImageException">The tree asks for what is not known.</exception>
    public static VerityInfo Find(ByteSource data, ByteSource? hash, string rootHash)
    {
        ByteSource holder = hash ?? data;
        (VeritySuperBlock tree, long offset) = hash is not null ? (VerityTree.Read(hash, 0), 0L)
            : AppendedTree.Find(data) ?? throw new CorruptImageException(data.Name,
                "there is no dm-verity tree behind the image");
        byte[] root = Convert.FromHexString(rootHash);
        int digestSize = VerityAlgorithms.DigestSize(tree.Algorithm);
        if (root.Length != digestSize)
        {
            throw new CorruptImageException(holder.Name, $"the tree has {VerityAlgorithms.NameOf(tree.Algorithm)} digests of " +
                $"{digestSize} bytes, the root hash given has {root.Length}");
        }
        // What the tree does not reach cannot be read through it, so the image must end where the tree does.
        long end = AppendedTree.OffsetFor(AppendedTree.DataEnd(data), tree.DataBlockSize);
        if (ErofsImage.IsErofs(data) && tree.DataLength != end)
            throw new CorruptImageException(holder.Name, $"the tree covers {tree.DataLength} bytes, the image has {end}");
        if (holder.Length < offset + tree.Length)
            throw new CorruptImageException(holder.Name, $"the tree is cut off at byte {holder.Length}", null, offset);
        return new VerityInfo(tree, root, offset);
    }

    /// <summary>What an index says of its devices; null for one it says nothing of.</summary>
    /// <param name="index">The index, whose bytes can be trusted.</param>
    /// <param name="names">The layers that are to be its devices, lowest first.</param>
    /// <returns>Null if it has another count of devices.</returns>
    public static IReadOnlyList<ExpectedLayer?>? DevicesOf(ByteSource index, IReadOnlyList<string> names)
    {
        SuperBlock superBlock = ErofsImage.ReadSuperBlock(index);
        DeviceSlot[] slots = AddressSpace.ReadSlots(superBlock, new MetadataReader(index, 0, index.Length));
        return slots.Length != names.Count ? null : [.. slots.Select((slot, i) =>
            Expect(DeviceTag.Parse(slot.Tag.Span), names[i]))];
    }

    private static ExpectedLayer? Expect(DeviceTag tag, string name) => tag.Kind switch
    {
        DeviceTagKind.RootHash => new ExpectedLayer(name, LayerCheck.Verity, tag.Text),
        DeviceTagKind.Digest => new ExpectedLayer(name, LayerCheck.Sha256, tag.Text),
        _ => null,
    };
}
