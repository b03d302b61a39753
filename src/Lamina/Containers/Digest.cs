using System.Security.Cryptography;

namespace Lamina.Containers;

/// <summary>
/// What a blob is called by: an algorithm and the hash of its bytes. Only what is exactly that is one, never a path.
/// </summary>
/// <param name="Algorithm">sha256 or sha512.</param>
/// <param name="Hex">The hash in lower-case hexadecimal.</param>
internal readonly record struct Digest(string Algorithm, string Hex)
{
    private const int BitsPerDigit = 4;

    /// <summary>Reads a digest; null if the text is none.</summary>
    public static Digest? TryParse(string? text)
    {
        if (text?.Split(':') is not [string algorithm, string hex])
            return null;
        int length = algorithm switch { "sha256" => 256 / BitsPerDigit, "sha512" => 512 / BitsPerDigit, _ => -1 };
        return hex.Length == length && !hex.AsSpan().ContainsAnyExcept("0123456789abcdef") ? new Digest(algorithm, hex) : null;
    }

    /// <summary>Where a layout keeps the blob.</summary>
    public string Path => $"blobs/{Algorithm}/{Hex}";

    /// <summary>Makes what hashes bytes to compare.</summary>
    public IncrementalHash Begin() => IncrementalHash.CreateHash(
        Algorithm == "sha512" ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256);

    /// <summary>Makes sure that bytes are those that are called so.</summary>
    /// <param name="hash">What hashed them.</param>
    /// <param name="name">What messages call them.</param>
    /// <param name="what">What is called by the digest, with a verb.</param>
    /// <exception cref="CorruptImageException">They are others.</exception>
    public void Verify(IncrementalHash hash, string name, string what)
    {
        string found = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (found != Hex)
            throw new CorruptImageException(name, $"{what} {Algorithm}:{found}, {this} was expected");
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Algorithm}:{Hex}";
}
