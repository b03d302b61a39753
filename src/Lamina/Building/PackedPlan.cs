using Lamina.Tree;

namespace Lamina.Building;

/// <summary>A run of a file that goes into the packed file.</summary>
/// <param name="File">The file.</param>
/// <param name="Start">The run's first byte in the file.</param>
/// <param name="Length">Its length in bytes.</param>
internal readonly record struct FragmentPiece(FileToEncode File, long Start, long Length);

/// <summary>What the packed file holds, in order, and where its clusters end.</summary>
internal sealed class PackedPlan : ContentSource
{
    private readonly FragmentPiece[] _pieces;
    private readonly long[] _starts;

    /// <summary>Lays pieces one behind another.</summary>
    public PackedPlan(FragmentPiece[] pieces) : base("packed file", pieces.Sum(piece => piece.Length))
    {
        _pieces = pieces;
        _starts = new long[pieces.Length];
        for (int i = 1; i < pieces.Length; i++)
            _starts[i] = _starts[i - 1] + pieces[i - 1].Length;
    }

    /// <summary>Where a piece begins.</summary>
    public long StartOf(int piece) => _starts[piece];

    /// <summary>
    /// Where clusters end: between files, so that few are read by decoding two clusters. Larger files than a cluster have none.
    /// </summary>
    /// <param name="chunkSize">The file data of one cluster, in bytes, about.</param>
    public IEnumerable<long> Chunks(int chunkSize)
    {
        long start = 0;
        for (int i = 0; i < _pieces.Length; i++)
        {
            long end = _starts[i] + _pieces[i].Length;
            bool isFull = end - start >= chunkSize;
            bool wouldBurst = end - start > chunkSize + chunkSize / 4 && _starts[i] - start >= chunkSize / 2;
            if (wouldBurst)
                yield return start = _starts[i];
            if (isFull && !wouldBurst || i == _pieces.Length - 1)
                yield return start = end;
        }
    }

    /// <inheritdoc/>
    protected override IEnumerable<DataRange> EnumerateParts() => [new DataRange(0, Length)];

    /// <inheritdoc/>
    protected override void ReadWithin(long offset, Span<byte> destination)
    {
        int i = Array.BinarySearch(_starts, offset);
        if (i < 0)
            i = ~i - 1;
        for (; !destination.IsEmpty; i++)
        {
            FragmentPiece piece = _pieces[i];
            long from = offset - _starts[i];
            int count = (int)Math.Min(destination.Length, piece.Length - from);
            piece.File.Open().ReadExactly(piece.Start + from, destination[..count]);
            destination = destination[count..];
            offset += count;
        }
    }
}
