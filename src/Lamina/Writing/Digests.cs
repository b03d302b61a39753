using System.Diagnostics.CodeAnalysis;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>SHA-256 of originals, computed by other threads while the output is planned and written.</summary>
internal sealed class Digests
{
    /// <summary>
    /// A program that never asks for digests or trees switches them off when it is published, and needs no OpenSSL then.
    /// </summary>
    [FeatureSwitchDefinition("Lamina.Digests")]
    internal static bool IsSupported => !AppContext.TryGetSwitch("Lamina.Digests", out bool isOn) || isOn;

    private readonly Dictionary<Original, Task<byte[]>> _tasks = new(ReferenceEqualityComparer.Instance);

    /// <summary>Begins with all of them; with none if digests are not wanted.</summary>
    public Digests(IEnumerable<Original> originals, bool isWanted)
    {
        if (!isWanted || !IsSupported)
            return;
        SemaphoreSlim turns = new(Environment.ProcessorCount);
        foreach (Original original in originals)
            _tasks.Add(original, Task.Run(() => ComputeInTurn(original, turns)));
    }

    /// <summary>The digest of an original, waiting for it if need be; empty if digests are not wanted.</summary>
    public byte[] Of(Original original) => _tasks.TryGetValue(original, out Task<byte[]>? task) ? task.GetAwaiter().GetResult()
        : [];

    private static async Task<byte[]> ComputeInTurn(Original original, SemaphoreSlim turns)
    {
        await turns.WaitAsync().ConfigureAwait(false);
        try
        {
            return ContentDigest.Compute(original.Bytes, original.Length);
        }
        finally
        {
            turns.Release();
        }
    }
}
