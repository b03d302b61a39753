using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>Compares the data of two files, step by step, and only where one of them has any. For one thread.</summary>
internal sealed class DataComparer(string firstName, string secondName)
{
    private const int StepSize = 1 << 20;

    private readonly byte[] _first = GC.AllocateUninitializedArray<byte>(StepSize);
    private readonly byte[] _second = GC.AllocateUninitializedArray<byte>(StepSize);

    /// <summary>How many bytes the last comparison looked at.</summary>
    public long Compared { get; private set; }

    /// <summary>The byte of the first file where they differ, for messages.</summary>
    public string FirstByte { get; private set; } = "";

    /// <summary>The byte of the second file where they differ, for messages.</summary>
    public string SecondByte { get; private set; } = "";

    /// <summary>The first byte in which two files of one size differ, or null.</summary>
    public long? Compare(Content first, Content second, CancellationToken cancellation)
    {
        ContentSource firstSource = first.Open(firstName), secondSource = second.Open(secondName);
        Compared = 0;
        foreach (DataRange run in Union([.. firstSource.EnumerateDataRanges()], [.. secondSource.EnumerateDataRanges()]))
        {
            for (long at = run.Offset; at < run.End;)
            {
                cancellation.ThrowIfCancellationRequested();
                int count = (int)Math.Min(StepSize, run.End - at);
                Span<byte> ours = _first.AsSpan(0, count), theirs = _second.AsSpan(0, count);
                firstSource.ReadExactly(at, ours);
                secondSource.ReadExactly(at, theirs);
                int same = ours.CommonPrefixLength(theirs);
                Compared += count;
                if (same < count)
                {
                    (FirstByte, SecondByte) = ($"0x{ours[same]:x2}", $"0x{theirs[same]:x2}");
                    return at + same;
                }
                at += count;
            }
        }
        return null;
    }

    private static IEnumerable<DataRange> Union(List<DataRange> first, List<DataRange> second)
    {
        int i = 0, j = 0;
        while (i < first.Count || j < second.Count)
        {
            bool takesFirst = j == second.Count || (i < first.Count && first[i].Offset <= second[j].Offset);
            DataRange run = takesFirst ? first[i++] : second[j++];
            long end = run.End;
            while (true)
            {
                if (i < first.Count && first[i].Offset <= end)
                    end = Math.Max(end, first[i++].End);
                else if (j < second.Count && second[j].Offset <= end)
                    end = Math.Max(end, second[j++].End);
                else
                    break;
            }
            yield return new DataRange(run.Offset, end - run.Offset);
        }
    }
}
