using Lamina.Compression;
using Lamina.Tree;

namespace Lamina.Building;

/// <summary>Cuts runs of file data into clusters and encodes them, in one of two shapes. One thread's working memory.</summary>
/// <param name="shape">The shape of the output.</param>
internal sealed class PartEncoder(EncodeShape shape) : IDisposable
{
    /// <summary>
    /// The part of a cluster that encoding must save at least, as a divisor: below, decoding costs more than reading.
    /// </summary>
    private const int LeastGain = 32;

    /// <summary>
    /// The largest encoded end that stands with its inode, in bytes. Larger ones leave gaps between inodes.
    /// </summary>
    private const int MaxTail = 2048;

    /// <summary>Blocks that are stored plain before data that would not be encoded is tried again, at most.</summary>
    private const int MaxPlainRun = 64;

    private readonly IClusterEncoder _encoder = shape.CreateEncoder();
    private readonly ClusterEncoding _encoding = (ClusterEncoding)shape.Options.Codec!.Value;
    private readonly byte[] _cluster = new byte[shape.Options.ClusterSize];
    private byte[] _data = [];

    /// <inheritdoc/>
    public void Dispose() => _encoder.Dispose();

    /// <summary>Room for a run of file data, to be read into.</summary>
    public Span<byte> Data(int length)
    {
        if (_data.Length < length)
            _data = GC.AllocateUninitializedArray<byte>(length);
        return _data.AsSpan(0, length);
    }

    /// <summary>Encodes a run as clusters that lie at any byte.</summary>
    /// <param name="part">What takes them.</param>
    /// <param name="logical">The run's position in the file.</param>
    /// <param name="data">The run.</param>
    /// <param name="chunks">Where clusters end within the run; the last is the end of the run.</param>
    public void Pack(EncodedPart part, long logical, ReadOnlySpan<byte> data, IEnumerable<int> chunks)
    {
        _encoder.Reset();
        int start = 0;
        foreach (int end in chunks)
        {
            ReadOnlySpan<byte> chunk = data[start..end];
            int most = chunk.Length - Math.Max(chunk.Length / LeastGain, 1);
            int size = most <= 0 ? 0 : _encoder.Encode(chunk, part.Room(chunk.Length)[..most]);
            if (size > 0)
            {
                part.Add(logical + start, chunk.Length, size, _encoding);
            }
            else
            {
                chunk.CopyTo(part.Room(chunk.Length));
                part.Add(logical + start, chunk.Length, chunk.Length, ClusterEncoding.Shifted);
            }
            start = end;
        }
    }

    /// <summary>Where clusters end that lie at any byte: at equal distances, and a small rest goes with the last one.</summary>
    public static IEnumerable<int> EqualChunks(int length, int chunkSize)
    {
        int end = 0;
        while (length - end >= chunkSize + chunkSize / 4)
            yield return end += chunkSize;
        if (length > end)
            yield return length;
    }

    /// <summary>Encodes a run as clusters of whole blocks.</summary>
    /// <param name="part">What takes them.</param>
    /// <param name="logical">The run's position in the file.</param>
    /// <param name="data">The run.</param>
    /// <param name="isLast">Whether the file ends with it.</param>
    /// <param name="leavesRest">Whether data that does not fill a cluster is left for the packed file.</param>
    public void Fill(EncodedPart part, long logical, ReadOnlySpan<byte> data, bool isLast, bool leavesRest)
    {
        _encoder.Reset();
        int block = shape.BlockSize, at = 0, plainRun = 4;
        while (at < data.Length)
        {
            ReadOnlySpan<byte> rest = data[at..];
            int size = _encoder.Fill(rest, _cluster, out int consumed);
            bool isEnd = size > 0 && consumed == rest.Length;
            if (isEnd && isLast && leavesRest)
                break;
            int blocks = (size + block - 1) / block * block;
            if (isEnd && isLast && shape.Options.HasInlineTails && size <= MaxTail && size < consumed)
            {
                part.Tail = _cluster.AsSpan(0, size).ToArray();
                part.Pieces.Add(new EncodedPiece(logical + at, consumed, 0, size, _encoding));
                at = data.Length;
            }
            else if (size > 0 && blocks < consumed)
            {
                Span<byte> room = part.Room(blocks);
                room[..(blocks - size)].Clear();
                _cluster.AsSpan(0, size).CopyTo(room[(blocks - size)..]);
                part.Add(logical + at, consumed, blocks, _encoding);
                at += consumed;
                plainRun = 4;
            }
            else if (isLast && rest.Length < block && leavesRest)
            {
                break;
            }
            else if (isLast && rest.Length <= MaxTail && shape.Options.HasInlineTails)
            {
                part.Tail = rest.ToArray();
                part.Pieces.Add(new EncodedPiece(logical + at, rest.Length, 0, rest.Length, ClusterEncoding.Shifted));
                at = data.Length;
            }
            else
            {
                for (int i = 0; i < plainRun && at < data.Length; i++)
                    at += AddPlainBlock(part, logical + at, data[at..]);
                plainRun = Math.Min(plainRun * 2, MaxPlainRun);
            }
        }
        part.FragmentStart = logical + at;
    }

    /// <summary>
    /// Up to a block of data as it is. Where it does not begin at a block's boundary of the file, it is rotated so that each byte
    /// is at its place within a block.
    /// </summary>
    private int AddPlainBlock(EncodedPart part, long logical, ReadOnlySpan<byte> data)
    {
        int block = shape.BlockSize, count = Math.Min(block, data.Length), into = (int)(logical & (block - 1));
        Span<byte> room = part.Room(block);
        room.Clear();
        int first = Math.Min(count, block - into);
        data[..first].CopyTo(room[into..]);
        data[first..count].CopyTo(room);
        part.Add(logical, count, block, into == 0 ? ClusterEncoding.Shifted : ClusterEncoding.Interlaced);
        return count;
    }
}
