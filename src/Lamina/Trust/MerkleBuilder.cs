using System.Threading.Channels;

namespace Lamina.Trust;

/// <summary>Takes blocks of a tree as they become known, in any order and from several threads.</summary>
/// <param name="block">The block.</param>
/// <param name="position">Its place, in bytes from the start of the tree.</param>
internal delegate void TreeSink(ReadOnlySpan<byte> block, long position);

/// <summary>
/// Computes a hash tree while its data are still being written: other threads hash what is there already. The tree is the same
/// whatever the order and the count of threads.
/// </summary>
/// <remarks>
/// Work is cut into groups: the data below one block of level 0. Such a block goes out as soon as it is full; only its digest is
/// kept, 32 bytes for 512 KiB of data.
/// </remarks>
internal sealed class MerkleBuilder
{
    /// <summary>Bytes read at once: large enough to be fast, small enough for the processor's cache.</summary>
    private const int StepSize = 512 << 10;

    private readonly MerkleParameters _parameters;
    private readonly ByteSource _data;
    private readonly long _length, _dataBlocks, _groupSize;
    private readonly TreeSink? _sink;
    private readonly Action<long>? _progress;
    private readonly long[] _missing;
    private readonly byte[] _digests;
    private readonly HashSet<long> _again = [];
    private readonly Channel<long> _ready = Channel.CreateUnbounded<long>(new UnboundedChannelOptions { SingleWriter = true });
    private readonly Task[] _workers;
    private ReadOnlyMemory<byte> _head;

    /// <summary>Begins. Nothing is read before <see cref="Written"/> or <see cref="Finish"/>.</summary>
    /// <param name="data">Where the data can be read back; it may still grow.</param>
    /// <param name="length">The data's length in the end, in bytes, not 0; behind it zeros fill the last block.</param>
    /// <param name="parameters">What the tree depends on besides the data.</param>
    /// <param name="sink">Takes the tree; null if only the root hash is wanted.</param>
    /// <param name="threads">How many threads hash.</param>
    /// <param name="progress">Is told bytes of data that were hashed, from any thread; what it throws ends the work.</param>
    public MerkleBuilder(
        ByteSource data, long length, MerkleParameters parameters, TreeSink? sink, int threads, Action<long>? progress = null)
    {
        _parameters = parameters;
        _data = data;
        _length = length;
        _sink = sink;
        _progress = progress;
        _dataBlocks = (length + parameters.DataBlockSize - 1) / parameters.DataBlockSize;
        Shape = new MerkleShape(_dataBlocks, parameters.HashBlockSize, VerityAlgorithms.DigestSize(parameters.Algorithm));
        _groupSize = (long)Shape.PerBlock * parameters.DataBlockSize;
        _missing = new long[(length + _groupSize - 1) / _groupSize];
        for (long group = 0; group < _missing.Length; group++)
            _missing[group] = Math.Min(_groupSize, length - group * _groupSize);
        _digests = new byte[_missing.Length * Shape.DigestSize];
        _workers = [.. Enumerable.Range(0, threads).Select(_ => Task.Run(WorkAsync))];
    }

    public MerkleShape Shape { get; }

    /// <summary>
    /// Says that bytes are there. A group is hashed when all of its bytes are; one that is written to again is hashed again in
    /// the end. From one thread.
    /// </summary>
    public void Written(long position, long length)
    {
        long end = Math.Min(position + length, _length);
        while (position < end)
        {
            long group = position / _groupSize, count = Math.Min(end, (group + 1) * _groupSize) - position;
            if (_missing[group] == 0)
                _again.Add(group);
            else if ((_missing[group] = Math.Max(0, _missing[group] - count)) == 0)
                _ready.Writer.TryWrite(group);
            position += count;
        }
    }

    /// <summary>Hashes what is left and gives the root hash. All data is there now.</summary>
    /// <param name="head">
    /// The first bytes of the data, if they are not there yet: the header that makes an image one is written last.
    /// </param>
    public byte[] Finish(ReadOnlyMemory<byte> head = default)
    {
        _head = head;
        for (long group = 0; group < _missing.Length; group++)
        {
            if (_missing[group] > 0)
                _ready.Writer.TryWrite(group);
            else if (group * _groupSize < head.Length)
                _again.Add(group);
        }
        _ready.Writer.TryComplete();
        Task.WhenAll(_workers).GetAwaiter().GetResult();
        Worker last = new(this);
        foreach (long group in _again)
            last.HashGroup(group);
        return HashUpperLevels();
    }

    /// <summary>Ends the other threads without a result, when the data will never be complete.</summary>
    public void Abandon()
    {
        while (_ready.Reader.TryRead(out _))
        {
            // What waits is not worth doing any more.
        }
        _ready.Writer.TryComplete();
        // Whatever a worker has met, the failure that made the data useless is on its way already.
        Task.WhenAll(_workers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
    }

    private async Task WorkAsync()
    {
        Worker worker = new(this);
        await foreach (long group in _ready.Reader.ReadAllAsync().ConfigureAwait(false))
            worker.HashGroup(group);
    }

    /// <summary>The levels above the lowest are a hundredth of it: one thread is enough.</summary>
    private byte[] HashUpperLevels()
    {
        byte[] below = _digests, block = new byte[Shape.HashBlockSize];
        BlockHasher hasher = new(_parameters.Algorithm, _parameters.Salt, block.Length);
        for (int level = 1; level < Shape.Levels; level++)
        {
            byte[] digests = new byte[Shape.CountOf(level) * Shape.DigestSize];
            for (int i = 0; i < Shape.CountOf(level); i++)
            {
                int start = i * block.Length;
                block.AsSpan().Clear();
                below.AsSpan(start, Math.Min(block.Length, below.Length - start)).CopyTo(block);
                _sink?.Invoke(block, Shape.PositionOf(level, i));
                hasher.Hash(block, digests.AsSpan(i * Shape.DigestSize, Shape.DigestSize));
            }
            below = digests;
        }
        return below;
    }

    /// <summary>Buffers and hash function of one thread.</summary>
    private sealed class Worker(MerkleBuilder builder)
    {
        private readonly MerkleParameters _parameters = builder._parameters;
        private readonly MerkleShape _shape = builder.Shape;
        private readonly byte[] _data = new byte[Math.Max(builder._parameters.DataBlockSize,
            Math.Min(StepSize, builder._groupSize))];
        private readonly byte[] _block = new byte[builder.Shape.HashBlockSize];
        private readonly BlockHasher _hasher = new(builder._parameters.Algorithm, builder._parameters.Salt,
            Math.Max(builder._parameters.DataBlockSize, builder._parameters.HashBlockSize));

        public void HashGroup(long group)
        {
            int size = _parameters.DataBlockSize, digestSize = _shape.DigestSize;
            long first = group * _shape.PerBlock, end = Math.Min(first + _shape.PerBlock, builder._dataBlocks);
            Span<byte> digests = _block;
            digests.Clear();
            for (long block = first; block < end;)
            {
                int count = (int)Math.Min(end - block, _data.Length / size);
                ReadOnlySpan<byte> data = Read(block * size, count * size);
                for (int i = 0; i < count; i++, block++)
                    _hasher.Hash(data.Slice(i * size, size), digests.Slice((int)(block - first) * digestSize, digestSize));
                builder._progress?.Invoke(data.Length);
            }
            Span<byte> digest = builder._digests.AsSpan((int)(group * digestSize), digestSize);
            if (_shape.Levels == 0)
            {
                digests[..digestSize].CopyTo(digest);
                return;
            }
            builder._sink?.Invoke(digests, _shape.PositionOf(0, group));
            _hasher.Hash(digests, digest);
        }

        private ReadOnlySpan<byte> Read(long position, int length)
        {
            Span<byte> data = _data.AsSpan(0, length);
            int there = (int)Math.Min(length, builder._length - position);
            data[there..].Clear();
            ReadOnlySpan<byte> head = builder._head.Span;
            int fromHead = (int)Math.Clamp(head.Length - position, 0, there);
            if (fromHead > 0)
                head.Slice((int)position, fromHead).CopyTo(data);
            builder._data.ReadExactly(position + fromHead, data[fromHead..there]);
            return data;
        }
    }
}
