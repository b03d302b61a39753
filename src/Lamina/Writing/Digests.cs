using System.Diagnostics.CodeAnalysis;
using Lamina.Reading;
using Lamina.Tree;
using Lamina.Trust;

namespace Lamina.Writing;

/// <summary>SHA-256 of originals, computed by other threads while the output is planned and written.</summary>
internal sealed class Digests : IDisposable
{
    /// <summary>
    /// A program that never asks for digests or trees switches them off when it is published, and needs no OpenSSL then.
    /// </summary>
    [FeatureSwitchDefinition("Lamina.Digests")]
    internal static bool IsSupported => !AppContext.TryGetSwitch("Lamina.Digests", out bool isOn) || isOn;

    private readonly CancellationTokenSource _stop = new();
    private readonly Action<long>? _progress;
    private readonly Dictionary<Original, Task<byte[]>> _tasks = new(ReferenceEqualityComparer.Instance);

    /// <summary>Begins with all of them, so many at a time; with none if digests are not wanted.</summary>
    /// <param name="originals">What is to be read.</param>
    /// <param name="isWanted">Whether digests are wanted.</param>
    /// <param name="threads">How many threads work at most.</param>
    /// <param name="progress">Takes bytes as they are read; null if nobody cares.</param>
    public Digests(IEnumerable<Original> originals, bool isWanted, int threads, Action<long>? progress = null)
    {
        _progress = progress;
        if (!isWanted || !IsSupported)
            return;
        SemaphoreSlim turns = new(threads);
        foreach (Original original in originals)
            _tasks.Add(original, Task.Run(() => ComputeInTurn(original, turns)));
    }

    /// <summary>The digest of an original, waiting for it if need be; empty if digests are not wanted.</summary>
    public byte[] Of(Original original) => _tasks.TryGetValue(original, out Task<byte[]>? task) ? task.GetAwaiter().GetResult()
        : [];

    /// <summary>
    /// Waits for those that are being computed, and ends them early if nobody asked: the layers are closed next, and nobody may
    /// be reading them then.
    /// </summary>
    public void Dispose()
    {
        _stop.Cancel();
        Task.WhenAll(_tasks.Values).ContinueWith(static _ => { }, TaskScheduler.Default).Wait();
        _stop.Dispose();
    }

    private async Task<byte[]> ComputeInTurn(Original original, SemaphoreSlim turns)
    {
        await turns.WaitAsync(_stop.Token).ConfigureAwait(false);
        try
        {
            return ContentDigest.Compute(original.Bytes, original.Length, count =>
            {
                _stop.Token.ThrowIfCancellationRequested();
                _progress?.Invoke(count);
            });
        }
        finally
        {
            turns.Release();
        }
    }
}
