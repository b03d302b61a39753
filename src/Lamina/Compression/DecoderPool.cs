using System.Collections.Concurrent;

namespace Lamina.Compression;

/// <summary>
/// Working memory of a codec, kept between clusters: as many as threads decode at once, and no more than the limit.
/// </summary>
internal sealed class DecoderPool<T>(Func<T> create) where T : class
{
    /// <summary>What is kept when nobody decodes. More threads than cores gain nothing, so more is not worth keeping.</summary>
    private static readonly int MaxKept = Environment.ProcessorCount;

    private readonly ConcurrentBag<T> _kept = [];

    public T Rent() => _kept.TryTake(out T? item) ? item : create();

    public void Return(T item)
    {
        if (_kept.Count < MaxKept)
            _kept.Add(item);
        else
            (item as IDisposable)?.Dispose();
    }
}
