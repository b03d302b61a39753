
namespace Lamina.Trust;

/// <summary>What a check of data against a tree found.</summary>
/// <param name="Faults">What is wrong, lowest block first; nothing if the data are those of the root hash.</param>
/// <param name="FaultCount">How many faults there are, listed or not.</param>
/// <param name="Info">The tree; its root hash is the one that was expected.</param>
public sealed record VerityReport(IReadOnlyList<string> Faults, long FaultCount, VerityInfo Info)
{
    /// <summary>Whether every block is what the root hash says.</summary>
    public bool IsSound => FaultCount == 0;
}

/// <summary>
/// Checks data against their tree and the tree against a root hash, from the top down: no digest is believed before the one
/// above it has been compared.
/// </summary>
internal sealed class VerityCheck
{
    /// <summary>How many faults are listed; the rest is counted. Of a wrong file every block is one.</summary>
    private const int ListLimit = 100;

    private const int StepSize = 512 << 10;

    private readonly VeritySuperBlock _superBlock;
    private readonly MerkleShape _shape;
    private readonly ByteSource _data, _hash;
    private readonly long _treeAt;
    private readonly Action<long>? _progress;
    private readonly SortedList<long, string> _faults = [];
    private readonly Lock _lock = new();
    private long _count;

    private readonly ParallelOptions _parallel;

    private VerityCheck(VeritySuperBlock superBlock, ByteSource data, ByteSource hash, long hashOffset, WorkOptions work,
        Action<long>? progress)
    {
        _parallel = new ParallelOptions { MaxDegreeOfParallelism = work.ThreadCount };
        _superBlock = superBlock;
        _shape = superBlock.Shape;
        _data = data;
        _hash = hash;
        _treeAt = hashOffset + superBlock.TreeOffset;
        _progress = progress;
    }

    /// <summary>Checks everything.</summary>
    /// <param name="superBlock">The tree's superblock.</param>
    /// <param name="data">The data.</param>
    /// <param name="hash">The file that has the tree.</param>
    /// <param name="hashOffset">Where the superblock is in it, in bytes.</param>
    /// <param name="rootHash">The root hash that is trusted.</param>
    /// <param name="work">Who stops it, how many threads; who is told, if nobody else is.</param>
    /// <param name="progress">Is told bytes of data that were hashed, from any thread, where this is a part of something.</param>
    public static VerityReport Run(VeritySuperBlock superBlock, ByteSource data, ByteSource hash, long hashOffset,
        byte[] rootHash, WorkOptions? work = null, Action<long>? progress = null)
    {
        work ??= new WorkOptions();
        progress ??= work.Counter(() => superBlock.DataLength);
        VerityInfo info = new(superBlock, rootHash, hashOffset);
        if (FindObstacle(superBlock, data, hash, hashOffset, rootHash) is { } obstacle)
            return new VerityReport([obstacle], 1, info);
        VerityCheck check = new(superBlock, data, hash, hashOffset, work, progress);
        check.CheckLevels();
        return new VerityReport([.. check._faults.Values], check._count, info);
    }

    /// <summary>What makes looking at single blocks pointless: another tree, other data, something cut off.</summary>
    private static string? FindObstacle(
        VeritySuperBlock superBlock, ByteSource data, ByteSource hash, long hashOffset, byte[] rootHash)
    {
        string algorithm = VerityAlgorithms.NameOf(superBlock.Algorithm);
        int digestSize = VerityAlgorithms.DigestSize(superBlock.Algorithm);
        if (rootHash.Length != digestSize)
        {
            return $"{hash.Name}: the tree has {algorithm} digests of {digestSize} bytes, the root hash given has " +
                $"{rootHash.Length}";
        }
        if (data.Length < superBlock.DataLength)
        {
            return $"{data.Name}: has {data.Length} bytes, the tree is for {superBlock.DataBlocks} blocks of " +
                $"{superBlock.DataBlockSize}: it is cut off, or the tree is another image's";
        }
        if (hash.Length < hashOffset + superBlock.Length)
        {
            return $"{hash.Name}: the tree is cut off: it takes {superBlock.Length} bytes from byte {hashOffset} on, " +
                $"the file ends at byte {hash.Length}";
        }
        byte[] found = VerityTree.RootOf(superBlock, data, hash, hashOffset);
        return found.AsSpan().SequenceEqual(rootHash) ? null
            : $"{hash.Name}: the root hash is {Convert.ToHexStringLower(found)}, " +
            $"{Convert.ToHexStringLower(rootHash)} was expected: another image, or the top of its tree was changed";
    }

    private void CheckLevels()
    {
        if (_shape.Levels == 0)
        {
            if (_superBlock.DataBlocks != 1)
                Add(0, $"{_hash.Name}: a tree without levels over {_superBlock.DataBlocks} blocks");
            return;         // the one block of data was the root
        }
        // The top block was compared with the root hash. Each level is small beside the one below it.
        HashSet<long> bad = [];
        for (int level = _shape.Levels - 1; level > 0; level--)
            bad = CheckHashBlocks(level, bad);
        try
        {
            Parallel.For(0, _shape.CountOf(0), _parallel, () => new Buffers(this), (group, _, buffers) =>
            {
                if (!bad.Contains(group))
                    CheckData(group, buffers);
                return buffers;
            }, _ => { });
        }
        catch (AggregateException several)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(several.InnerExceptions[0]);
        }
    }

    /// <summary>Compares the blocks of the level below one with the digests in it. Returns those that cannot be
    /// believed.</summary>
    private HashSet<long> CheckHashBlocks(int level, HashSet<long> unknown)
    {
        HashSet<long> bad = [];
        Buffers buffers = new(this);
        for (long block = 0; block < _shape.CountOf(level); block++)
        {
            long first = block * _shape.PerBlock, end = Math.Min(first + _shape.PerBlock, _shape.CountOf(level - 1));
            if (!unknown.Contains(block))
                ReadDigests(level, block, (int)(end - first), buffers);
            for (long below = first; below < end; below++)
            {
                if (unknown.Contains(block))
                {
                    bad.Add(below);         // told about once, above
                    continue;
                }
                long position = _treeAt + _shape.PositionOf(level - 1, below);
                _hash.ReadExactly(position, buffers.Block);
                if (buffers.Matches(buffers.Block, (int)(below - first)))
                    continue;
                bad.Add(below);
                long covered = Power(_shape.PerBlock, level);
                Add(below * covered, $"{_hash.Name}: block {below} of the tree's level {level - 1} does not match its " +
                    "digest, so " +
                    $"nothing can be said about data blocks from {below * covered} on (byte 0x{position:X})");
            }
        }
        return bad;
    }

    private void CheckData(long group, Buffers buffers)
    {
        int size = _superBlock.DataBlockSize;
        long first = group * _shape.PerBlock, end = Math.Min(first + _shape.PerBlock, _superBlock.DataBlocks);
        ReadDigests(0, group, (int)(end - first), buffers);
        for (long block = first; block < end;)
        {
            int count = (int)Math.Min(end - block, buffers.Data.Length / size);
            Span<byte> data = buffers.Data.AsSpan(0, count * size);
            _data.ReadExactly(block * size, data);
            for (int i = 0; i < count; i++, block++)
            {
                if (!buffers.Matches(data.Slice(i * size, size), (int)(block - first)))
                    Add(block, $"{_data.Name}: block {block} does not match its digest (byte 0x{block * size:X})");
            }
            _progress?.Invoke(data.Length);
        }
    }

    /// <summary>
    /// Reads a block of digests, which was compared with the digest above it. Behind the digests that the superblock has blocks
    /// for there must be zeros: a tree over more data, whose superblock was changed to say less, has digests there.
    /// </summary>
    private void ReadDigests(int level, long block, int count, Buffers buffers)
    {
        long position = _treeAt + _shape.PositionOf(level, block);
        _hash.ReadExactly(position, buffers.Digests);
        if (!buffers.Digests.AsSpan(count * _shape.DigestSize).ContainsAnyExcept((byte)0))
            return;
        Add(_superBlock.DataBlocks, $"{_hash.Name}: block {block} of the tree's level {level} has more digests than the " +
            $"{_superBlock.DataBlocks} blocks of data need (byte 0x{position:X}): the superblock says less than the tree covers");
    }

    private void Add(long block, string fault)
    {
        lock (_lock)
        {
            _count++;
            _faults[block] = fault;
            if (_faults.Count > ListLimit)
                _faults.RemoveAt(ListLimit);
        }
    }

    private static long Power(long value, int exponent)
    {
        long power = 1;
        for (int i = 0; i < exponent; i++)
            power *= value;
        return power;
    }

    /// <summary>What one thread needs.</summary>
    private sealed class Buffers(VerityCheck check)
    {
        private readonly BlockHasher _hasher = new(check._superBlock.Algorithm, check._superBlock.Salt,
            Math.Max(check._superBlock.DataBlockSize, check._superBlock.HashBlockSize));
        private readonly byte[] _digest = new byte[check._shape.DigestSize];

        public byte[] Digests { get; } = new byte[check._shape.HashBlockSize];

        public byte[] Block { get; } = new byte[check._shape.HashBlockSize];

        public byte[] Data { get; } = new byte[Math.Max(check._superBlock.DataBlockSize, StepSize)];

        /// <summary>Whether a block has the digest at a place of the block above it.</summary>
        public bool Matches(ReadOnlySpan<byte> block, int place)
        {
            _hasher.Hash(block, _digest);
            return Digests.AsSpan(place * _digest.Length, _digest.Length).SequenceEqual(_digest);
        }
    }
}
