using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>SHA-256 of originals, computed by other threads while the output is planned and written.</summary>
internal sealed class Digests
{
    private const int StepSize = 1 << 20;

    /// <summary>A program that never asks for digests switches them off when it is published, and needs no OpenSSL then.</summary>
    [FeatureSwitchDefinition("Lamina.Digests")]
    private static bool IsSupported => !AppContext.TryGetSwitch("Lamina.Digests", out bool isOn) || isOn;

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
    public byte[] Of(Original original) => _tasks.TryGetValue(original, out Task<byte[]>? task) ? task.GetAwaiter().GetResult() : [];

    /// <summary>The SHA-256 of all bytes of a source.</summary>
    public static byte[] Compute(ByteSource source)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = GC.AllocateUninitializedArray<byte>((int)Math.Clamp(source.Length, 1, StepSize));
        for (long at = 0; at < source.Length;)
        {
            Span<byte> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, source.Length - at));
            source.ReadExactly(at, part);
            hash.AppendData(part);
            at += part.Length;
        }
        return hash.GetHashAndReset();
    }

    private static async Task<byte[]> ComputeInTurn(Original original, SemaphoreSlim turns)
    {
        await turns.WaitAsync().ConfigureAwait(false);
        try
        {
            return Compute(original.Bytes);
        }
        finally
        {
            turns.Release();
        }
    }
}
