using System.Security.Cryptography;

namespace Lamina.Trust;

/// <summary>The hash functions of trees that Lamina makes and checks. dm-verity knows more; those are refused by name.</summary>
public enum VerityAlgorithm
{
    /// <summary>SHA-256: 32 bytes, the usual one.</summary>
    Sha256,

    /// <summary>SHA-512: 64 bytes.</summary>
    Sha512,
}

/// <summary>What the kernel and other tools call the hash functions, and how long their digests are.</summary>
internal static class VerityAlgorithms
{
    public const int LargestDigest = SHA512.HashSizeInBytes;

    /// <summary>The name in superblocks, device-mapper tables and on command lines.</summary>
    public static string NameOf(VerityAlgorithm algorithm) => algorithm == VerityAlgorithm.Sha256 ? "sha256" : "sha512";

    public static VerityAlgorithm? Find(string name) => name switch
    {
        "sha256" => VerityAlgorithm.Sha256,
        "sha512" => VerityAlgorithm.Sha512,
        _ => null,
    };

    /// <summary>The length of a digest in bytes; a power of two, so digests fill a block without padding between them.</summary>
    public static int DigestSize(VerityAlgorithm algorithm) =>
        algorithm == VerityAlgorithm.Sha256 ? SHA256.HashSizeInBytes : SHA512.HashSizeInBytes;

    /// <summary>The block that the function works on, in bytes: what fs-verity pads a salt to.</summary>
    public static int InnerBlockSize(VerityAlgorithm algorithm) => algorithm == VerityAlgorithm.Sha256 ? 64 : 128;

    public static void Hash(VerityAlgorithm algorithm, ReadOnlySpan<byte> bytes, Span<byte> digest)
    {
        if (algorithm == VerityAlgorithm.Sha256)
            SHA256.HashData(bytes, digest);
        else
            SHA512.HashData(bytes, digest);
    }
}
