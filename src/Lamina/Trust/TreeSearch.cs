using Lamina.Format;
using Lamina.Reading;

namespace Lamina.Trust;

/// <summary>
/// Finds the tree behind data by its root hash, and by nothing that the data say of themselves: what is not covered yet is not
/// believed. A place counts only if the top of the tree there has the root hash; what its superblock says besides is proven by
/// the check of all blocks, or by the kernel's.
/// </summary>
internal sealed class TreeSearch
{
    /// <summary>Bytes looked through at once.</summary>
    private const int WindowSize = 1 << 20;

    private readonly ByteSource _source;
    private readonly byte[] _rootHash;
    private readonly Func<VeritySuperBlock, byte[], byte[]?> _hash;
    private (VeritySuperBlock, long)? _any;

    private TreeSearch(ByteSource source, ReadOnlySpan<byte> rootHash, Func<VeritySuperBlock, byte[], byte[]?> hash) =>
        (_source, _rootHash, _hash) = (source, rootHash.ToArray(), hash);

    /// <summary>Finds the tree with a root hash.</summary>
    /// <param name="source">The data with the tree behind them: a file, or a device that may be longer.</param>
    /// <param name="rootHash">The root hash that is trusted.</param>
    /// <returns>The tree; null if there is none with this root hash.</returns>
    public static (VeritySuperBlock SuperBlock, long Offset)? Find(ByteSource source, ReadOnlySpan<byte> rootHash) =>
        new TreeSearch(source, rootHash, VerityTree.DigestOf).Find();

    /// <summary>
    /// Finds the tree with a root hash; if there is none the first with another. That is for the kernel, which compares it
    /// again, and then does what it was told to do about it.
    /// </summary>
    /// <param name="source">The data with the tree behind them.</param>
    /// <param name="rootHash">The root hash that is trusted.</param>
    /// <param name="hash">Gives the digest of a block with its tree's salt; null if it cannot.</param>
    public static (VeritySuperBlock SuperBlock, long Offset)? FindForKernel(
        ByteSource source, ReadOnlySpan<byte> rootHash, Func<VeritySuperBlock, byte[], byte[]?> hash)
    {
        TreeSearch search = new(source, rootHash, hash);
        return search.Find() ?? search._any;
    }

    private (VeritySuperBlock SuperBlock, long Offset)? Find()
    {
        // A file ends where its tree does, so its length alone leaves one place for each size of blocks.
        for (int size = VeritySuperBlock.SmallestBlock; size <= VeritySuperBlock.LargestBlock; size *= 2)
        {
            if (_rootHash.Length <= size && StartFor(_source.Length, size, _rootHash.Length) is { } start
                && Look(start) is { } found)
                return (found, start);
        }
        // On a device that is longer, and where blocks of data and tree differ, the places are tried in turn.
        byte[] window = GC.AllocateUninitializedArray<byte>((int)Math.Min(WindowSize, Math.Max(_source.Length, 1)));
        for (long at = 0; at < _source.Length; at += window.Length)
        {
            int count = _source.Read(at, window);
            for (int i = 0; i + VeritySuperBlock.SmallestBlock <= count; i += VeritySuperBlock.SmallestBlock)
            {
                if (VeritySuperBlock.IsOne(window.AsSpan(i, count - i))
                    && Look(at + i) is { } found)
                    return (found, at + i);
            }
        }
        return null;
    }

    /// <summary>The tree at a place, if the top of it has the root hash.</summary>
    private VeritySuperBlock? Look(long offset)
    {
        if (!VerityTree.IsAt(_source, offset))
            return null;
        try
        {
            VeritySuperBlock superBlock = VerityTree.Read(_source, offset);
            if (superBlock.DataLength > offset || superBlock.Length > _source.Length - offset
                || VerityAlgorithms.DigestSize(superBlock.Algorithm) != _rootHash.Length)
                return null;
            byte[]? found = _hash(superBlock, VerityTree.TopOf(superBlock, _source, _source, offset));
            if (found is not null && found.AsSpan().SequenceEqual(_rootHash))
                return superBlock;
            _any ??= (superBlock, offset);
            return null;
        }
        catch (Exception unsound) when (unsound is CorruptImageException or UnsupportedImageException or OverflowException)
        {
            return null;
        }
    }

    /// <summary>
    /// Where a tree with blocks of one size begins, if data and tree fill a file: more data have a longer tree, so there is at
    /// most one such place.
    /// </summary>
    private static long? StartFor(long length, int blockSize, int digestSize)
    {
        if (length % blockSize != 0)
            return null;
        long total = length / blockSize, superBlock = (VeritySuperBlock.Size + blockSize - 1) / blockSize;
        long low = 1, high = total - superBlock;                        // the count of blocks of data
        while (low < high)
        {
            long middle = low + (high - low) / 2;
            if (middle + superBlock + new MerkleShape(middle, blockSize, digestSize).TotalBlocks < total)
                low = middle + 1;
            else
                high = middle;
        }
        return low == high && low + superBlock + new MerkleShape(low, blockSize, digestSize).TotalBlocks == total
            ? low * blockSize : null;
    }

    /// <summary>The only partition of a disk that begins as a dm-verity tree does; null if there is none.</summary>
    /// <param name="disk">The disk, which what is returned owns.</param>
    /// <exception cref="UnsupportedImageException">There is more than one.</exception>
    public static DiskPartition? FindPartition(ByteSource disk) =>
        DiskPartitions.Find(disk, part => VerityTree.IsAt(part, 0), "dm-verity trees");
}
