using System.Security.Cryptography;

namespace Lamina.Trust;

/// <summary>SHA-256 of sources.</summary>
internal static class ContentDigest
{
    /// <summary>The length of a digest in bytes.</summary>
    public const int Size = SHA256.HashSizeInBytes;

    /// <summary>Bytes a step: large enough to be fast, small enough that progress moves.</summary>
    private const int StepSize = 1 << 20;

    /// <summary>The SHA-256 of the first bytes of a source.</summary>
    /// <param name="source">The source.</param>
    /// <param name="length">How many bytes of it.</param>
    /// <param name="progress">Is told the bytes of each step; what it throws ends the work.</param>
    /// <exception cref="CorruptImageException">The source has become shorter.</exception>
    public static byte[] Compute(ByteSource source, long length, Action<int>? progress = null)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = GC.AllocateUninitializedArray<byte>((int)Math.Clamp(length, 1, StepSize));
        for (long at = 0; at < length;)
        {
            Span<byte> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - at));
            source.ReadExactly(at, part);
            hash.AppendData(part);
            at += part.Length;
            progress?.Invoke(part.Length);
        }
        return hash.GetHashAndReset();
    }
}
