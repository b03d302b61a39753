namespace Lamina.Tree;

/// <summary>A stretch of something that has positions.</summary>
internal interface IRun
{
    /// <summary>The position behind its last byte.</summary>
    long End { get; }
}

/// <summary>Stretches in ascending order that do not overlap.</summary>
internal static class SortedRuns
{
    /// <summary>The index of the first that ends behind a position; the count of them if there is none.</summary>
    public static int FirstBehind<T>(ReadOnlySpan<T> runs, long position) where T : struct, IRun
    {
        int low = 0, high = runs.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (runs[middle].End <= position)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
}
