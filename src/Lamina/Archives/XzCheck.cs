using System.Buffers.Binary;
using System.IO.Hashing;
using System.Security.Cryptography;

namespace Lamina.Archives;

/// <summary>The check sum of a block of xz.</summary>
internal sealed class XzCheck
{
    private const int None = 0, OfCrc32 = 1, OfCrc64 = 4, OfSha256 = 10;

    private readonly NonCryptographicHashAlgorithm? _crc;
    private readonly IncrementalHash? _sha;

    /// <param name="kind">Its number in the format.</param>
    public XzCheck(int kind)
    {
        _crc = kind switch { OfCrc32 => new Crc32(), OfCrc64 => new Crc64(s_crc64), _ => null };
        _sha = kind == OfSha256 ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
        Name = kind switch { OfCrc32 => "CRC-32", OfCrc64 => "CRC-64", _ => "SHA-256" };
    }

    private static readonly Crc64ParameterSet s_crc64 =
        Crc64ParameterSet.Create(0x42F0E1EBA9EA3693, ulong.MaxValue, ulong.MaxValue, reflectValues: true);

    /// <summary>What it is called.</summary>
    public string Name { get; }

    /// <summary>Its bytes in the file.</summary>
    public int Size => _crc?.HashLengthInBytes ?? _sha?.HashLengthInBytes ?? 0;

    public static bool IsKnown(int kind) => kind is None or OfCrc32 or OfCrc64 or OfSha256;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        _crc?.Append(bytes);
        _sha?.AppendData(bytes);
    }

    /// <summary>What is different from what was expected, in words; null if nothing is.</summary>
    public string? Compare(ReadOnlySpan<byte> expected)
    {
        byte[] found = _crc?.GetCurrentHash() ?? _sha?.GetHashAndReset() ?? [];
        return found.AsSpan().SequenceEqual(expected) ? null
            : $"{Name} {Convert.ToHexStringLower(found)}, {Convert.ToHexStringLower(expected)} was expected";
    }
}
