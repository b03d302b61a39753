namespace Lamina.Tree;

/// <summary>Sums of sizes. A sparse file's size may be anything up to the largest number, and so is the sum then.</summary>
internal static class ByteCounts
{
    public static long Add(long a, long b) => a > long.MaxValue - b ? long.MaxValue : a + b;

    public static long Multiply(long bytes, int count) =>
        count > 0 && bytes > long.MaxValue / count ? long.MaxValue : bytes * count;

    public static long Sum(IEnumerable<long> sizes) => sizes.Aggregate(0L, Add);
}
