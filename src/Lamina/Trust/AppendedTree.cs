using Lamina.Format;
using Lamina.Reading;

namespace Lamina.Trust;

/// <summary>The dm-verity tree that stands in the same file behind an image, if there is one.</summary>
internal static class AppendedTree
{
    /// <summary>
    /// Where the data end that a tree covers: an EROFS image says how many blocks it has; of another file it is all.
    /// </summary>
    /// <exception cref="CorruptImageException">The superblock contradicts itself or the file.</exception>
    public static long DataEnd(ByteSource image)
    {
        if (!ErofsImage.IsErofs(image))
            return image.Length;
        SuperBlock superBlock = ErofsImage.ReadSuperBlock(image);
        return checked((long)superBlock.Blocks << superBlock.BlockBits);
    }

    /// <summary>Where the superblock of a tree with such blocks stands behind the data.</summary>
    public static long OffsetFor(long dataEnd, int blockSize) => checked(dataEnd + blockSize - 1) & ~(blockSize - 1L);

    /// <summary>Finds the tree behind an EROFS image. Of other files it cannot be told where the data end.</summary>
    /// <exception cref="CorruptImageException">The image's or the tree's superblock cannot be right.</exception>
    public static (VeritySuperBlock SuperBlock, long Offset)? Find(ByteSource image)
    {
        if (!ErofsImage.IsErofs(image))
            return null;
        long end = DataEnd(image);
        for (int size = VeritySuperBlock.SmallestBlock; size <= VeritySuperBlock.LargestBlock; size *= 2)
        {
            long offset = OffsetFor(end, size);
            if (VerityTree.IsAt(image, offset))
                return (VerityTree.Read(image, offset), offset);
        }
        return null;
    }

    /// <summary>Where a tree stands, for who only wants to say what bytes are for; null as well for one that is not
    /// understood.</summary>
    public static (long Start, long Length)? FindExtent(ByteSource image)
    {
        try
        {
            return Find(image) is { } tree ? (tree.Offset, tree.SuperBlock.Length) : null;
        }
        catch (Exception unknown) when (unknown is UnsupportedImageException or CorruptImageException)
        {
            return null;
        }
    }
}
