namespace Lamina.Trust;

/// <summary>
/// Where the blocks of a hash tree lie. A block of level 0 holds digests of data blocks, one of level 1 digests of blocks of
/// level 0, and so on up to a level of one block, whose digest is the root hash. A single data block has no levels: its own
/// digest is the root hash. The top level comes first in the file, as dm-verity has it (drivers/md/dm-verity-target.c).
/// </summary>
internal sealed class MerkleShape
{
    private readonly long[] _counts;
    private readonly long[] _starts;

    /// <summary>Computes the shape.</summary>
    /// <param name="dataBlocks">How many blocks of data there are; at least one.</param>
    /// <param name="hashBlockSize">The size of a block of the tree in bytes; a power of two.</param>
    /// <param name="digestSize">The length of a digest in bytes; a power of two.</param>
    public MerkleShape(long dataBlocks, int hashBlockSize, int digestSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dataBlocks);
        HashBlockSize = hashBlockSize;
        DigestSize = digestSize;
        List<long> counts = [];
        for (long below = dataBlocks; below > 1;)
        {
            below = (below + PerBlock - 1) / PerBlock;
            counts.Add(below);
        }
        _counts = [.. counts];
        _starts = new long[_counts.Length];
        for (int level = _counts.Length - 1; level >= 0; level--)
        {
            _starts[level] = TotalBlocks;
            TotalBlocks += _counts[level];
        }
    }

    public int HashBlockSize { get; }

    public int DigestSize { get; }

    /// <summary>Digests in a block.</summary>
    public int PerBlock => HashBlockSize / DigestSize;

    public int Levels => _counts.Length;

    /// <summary>Blocks of all levels.</summary>
    public long TotalBlocks { get; }

    /// <summary>Blocks of a level.</summary>
    public long CountOf(int level) => _counts[level];

    /// <summary>Where a block is, in bytes from the start of the tree.</summary>
    public long PositionOf(int level, long block) => (_starts[level] + block) * HashBlockSize;
}
