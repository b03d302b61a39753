namespace Lamina.Tests.Generators;

/// <summary>Another source, each read of which takes a while and is written down.</summary>
internal sealed class WatchedSource(ByteSource inner, int milliseconds) : ByteSource
{
    private const int PageSize = 4096;

    private readonly List<(long Offset, int Length)> _reads = [];

    /// <summary>How many reads there were.</summary>
    public int Reads => _reads.Count;

    public override string Name => inner.Name;

    public override long Length => inner.Length;

    /// <summary>Pages, of the count from one on, that were read more than once.</summary>
    public IEnumerable<long> PagesReadAgain(long first) => _reads
        .SelectMany(read => Range(read.Offset / PageSize, (read.Offset + read.Length - 1) / PageSize))
        .Where(page => page >= first)
        .GroupBy(page => page).Where(group => group.Count() > 1).Select(group => group.Key);

    public override int Read(long offset, Span<byte> destination)
    {
        lock (_reads)
            _reads.Add((offset, destination.Length));
        Thread.Sleep(milliseconds);
        return inner.Read(offset, destination);
    }

    private static IEnumerable<long> Range(long first, long last)
    {
        for (long page = first; page <= last; page++)
            yield return page;
    }

    protected override void Dispose(bool disposing) => inner.Dispose();
}
