using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>Takes the data of a file, in order; what is left out between two calls, or at the end, is zeros.</summary>
internal interface IDataSink
{
    void Take(long offset, ReadOnlySpan<byte> bytes);
}

/// <summary>
/// Reads files from end to end, one after the other: clusters are decoded once each, straight into one buffer that is handed
/// on when it is full. For one thread.
/// </summary>
internal sealed class DataReader
{
    /// <summary>Bytes handed on at once. A larger cluster still goes in one piece.</summary>
    private const int BufferSize = 1 << 20;

    private byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferSize);

    /// <summary>Reads a whole file.</summary>
    public void Read<TSink>(Content content, ref TSink sink) where TSink : struct, IDataSink
    {
        ContentSource source = content.Open();
        foreach (DataRange range in source.EnumerateDataRanges())
            Copy(source, range.Offset, range.End, ref sink);
    }

    /// <summary>Reads a part of a file: all units that begin in it.</summary>
    /// <param name="source">The file.</param>
    /// <param name="ranges">Where it has data.</param>
    /// <param name="part">The part.</param>
    /// <param name="sink">Who takes the data.</param>
    public void Read<TSink>(ContentSource source, DataRange[] ranges, DataRange part, ref TSink sink) where TSink : struct,
        IDataSink
    {
        int first = SortedRuns.FirstBehind<DataRange>(ranges, part.Offset);
        for (int i = first; i < ranges.Length && ranges[i].Offset < part.End; i++)
        {
            long start = ranges[i].Offset < part.Offset ? UnitFrom(source, part.Offset) : ranges[i].Offset;
            long end = part.End < ranges[i].End ? UnitFrom(source, part.End) : ranges[i].End;
            Copy(source, start, end, ref sink);
        }
    }

    private void Copy<TSink>(ContentSource source, long start, long end, ref TSink sink) where TSink : struct, IDataSink
    {
        while (start < end)
        {
            int count = StepFrom(source, start, end);
            if (count > _buffer.Length)
                _buffer = GC.AllocateUninitializedArray<byte>(count);   // the map was checked: no cluster decodes to much
            Span<byte> part = _buffer.AsSpan(0, count);
            source.ReadExactly(start, part);
            sink.Take(start, part);
            start += count;
        }
    }

    /// <summary>As many whole units as the buffer holds, one at least.</summary>
    private static int StepFrom(ContentSource source, long start, long end)
    {
        if (end - start <= BufferSize)
            return (int)(end - start);
        DataRange last = source.UnitAt(start + BufferSize);
        return (int)((last.Offset > start ? last.Offset : last.End) - start);
    }

    /// <summary>The first unit that begins at a position or behind it.</summary>
    private static long UnitFrom(ContentSource source, long offset) =>
        source.UnitAt(offset) is var unit && unit.Offset == offset ? offset : unit.End;
}
