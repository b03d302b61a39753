using System.Formats.Asn1;
using System.Security.Cryptography;

namespace Lamina.Boot.Signatures;

/// <summary>The kinds of signatures that are known.</summary>
internal enum SignatureKind
{
    /// <summary>RSASSA-PKCS1-v1_5</summary>
    RsaPkcs1,

    /// <summary>RSASSA-PSS</summary>
    RsaPss,

    /// <summary>ECDSA over a named curve, r and s in DER.</summary>
    Ecdsa,
}

/// <summary>How a signature was made: AlgorithmIdentifiers of a SignerInfo (RFC 5652, 5.3) as far as they are taken.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Digest">What data and attributes are hashed with.</param>
/// <param name="SaltLength">Of RSASSA-PSS, in bytes.</param>
internal sealed record SignatureAlgorithm(SignatureKind Kind, HashAlgorithmName Digest, int SaltLength = 0)
{
    /// <summary>What messages call those that are taken.</summary>
    private const string Taken = "SHA-256, SHA-384 and SHA-512 are taken";

    private const string Pss = "1.2.840.113549.1.1.10", MaskGeneration = "1.2.840.113549.1.1.8";

    private static readonly Dictionary<string, HashAlgorithmName> s_digests = new()
    {
        ["2.16.840.1.101.3.4.2.1"] = HashAlgorithmName.SHA256,
        ["2.16.840.1.101.3.4.2.2"] = HashAlgorithmName.SHA384,
        ["2.16.840.1.101.3.4.2.3"] = HashAlgorithmName.SHA512,
    };

    /// <summary>Of these two contents with one digest can be, or are soon, made.</summary>
    private static readonly Dictionary<string, string> s_weak = new()
    {
        ["1.2.840.113549.2.2"] = "MD2",
        ["1.2.840.113549.2.4"] = "MD4",
        ["1.2.840.113549.2.5"] = "MD5",
        ["1.3.14.3.2.26"] = "SHA-1",
        ["1.3.36.3.2.1"] = "RIPEMD-160",
    };

    /// <summary>Kind and digest; without a digest any, as the identifier names the key alone.</summary>
    private static readonly Dictionary<string, (SignatureKind Kind, HashAlgorithmName? Digest)> s_kinds = new()
    {
        ["1.2.840.113549.1.1.1"] = (SignatureKind.RsaPkcs1, null),
        ["1.2.840.113549.1.1.11"] = (SignatureKind.RsaPkcs1, HashAlgorithmName.SHA256),
        ["1.2.840.113549.1.1.12"] = (SignatureKind.RsaPkcs1, HashAlgorithmName.SHA384),
        ["1.2.840.113549.1.1.13"] = (SignatureKind.RsaPkcs1, HashAlgorithmName.SHA512),
        ["1.2.840.10045.4.3.2"] = (SignatureKind.Ecdsa, HashAlgorithmName.SHA256),
        ["1.2.840.10045.4.3.3"] = (SignatureKind.Ecdsa, HashAlgorithmName.SHA384),
        ["1.2.840.10045.4.3.4"] = (SignatureKind.Ecdsa, HashAlgorithmName.SHA512),
    };

    /// <summary>Reads the two identifiers of a signer.</summary>
    /// <param name="digest">digestAlgorithm</param>
    /// <param name="signature">signatureAlgorithm</param>
    /// <param name="fault">What is not taken; null if all is.</param>
    /// <exception cref="AsnContentException">They are not what they should be.</exception>
    public static SignatureAlgorithm? Read(ReadOnlyMemory<byte> digest, ReadOnlyMemory<byte> signature, out string? fault)
    {
        if (ReadDigest(digest, out fault) is not { } hash)
            return null;
        AsnReader reader = new AsnReader(signature, AsnEncodingRules.DER).ReadSequence();
        string name = reader.ReadObjectIdentifier();
        if (name == Pss)
            return ReadPss(reader, hash, out fault);
        if (!s_kinds.TryGetValue(name, out (SignatureKind Kind, HashAlgorithmName? Digest) known))
            fault = $"it is a kind of signature that is not known, {name}; RSA and ECDSA with SHA-256, SHA-384 or SHA-512 are";
        else if (known.Digest is { } named && named != hash)
            fault = $"it names two digests, {hash} and {named}";
        else
            return new SignatureAlgorithm(known.Kind, hash);
        return null;
    }

    private static HashAlgorithmName? ReadDigest(ReadOnlyMemory<byte> identifier, out string? fault)
    {
        AsnReader reader = new AsnReader(identifier, AsnEncodingRules.DER).ReadSequence();
        string name = reader.ReadObjectIdentifier();
        if (reader.HasData)
            reader.ReadNull();
        reader.ThrowIfNotEmpty();
        bool isTaken = s_digests.TryGetValue(name, out HashAlgorithmName digest);
        fault = isTaken ? null
            : s_weak.TryGetValue(name, out string? weak) ? $"it is made with {weak}, which can be forged; {Taken}"
            : $"it is made with a digest that is not known, {name}; {Taken}";
        return isTaken ? digest : null;
    }

    /// <summary>RSASSA-PSS-params (RFC 8017, A.2.3): what is left out stands for SHA-1 and 20 bytes of salt.</summary>
    private static SignatureAlgorithm? ReadPss(AsnReader identifier, HashAlgorithmName digest, out string? fault)
    {
        const string sha1 = "SHA-1";
        HashAlgorithmName? hash = new(sha1), mask = new(sha1);
        int salt = 20, trailer = 1;
        fault = null;
        AsnReader reader = identifier.ReadSequence();
        if (Next(reader, 0) is { } first)
            hash = ReadDigest(first.ReadEncodedValue(), out fault);
        if (fault is null && Next(reader, 1) is { } second)
        {
            AsnReader generation = second.ReadSequence();
            mask = generation.ReadObjectIdentifier() == MaskGeneration ? ReadDigest(generation.ReadEncodedValue(), out fault)
                : null;
        }
        if (fault is null && Next(reader, 2) is { } third && !third.TryReadInt32(out salt))
            throw new AsnContentException();
        if (fault is null && Next(reader, 3) is { } fourth && !fourth.TryReadInt32(out trailer))
            throw new AsnContentException();
        if (fault is null && (hash != digest || mask != digest || trailer != 1 || salt < 0 || reader.HasData))
            fault = $"its RSASSA-PSS is with {hash} and {mask?.Name ?? "another mask"}, not with {digest} throughout";
        return fault is null ? new SignatureAlgorithm(SignatureKind.RsaPss, digest, salt) : null;
    }

    private static AsnReader? Next(AsnReader reader, int number)
    {
        Asn1Tag tag = new(TagClass.ContextSpecific, number, isConstructed: true);
        return reader.HasData && reader.PeekTag() == tag ? reader.ReadSequence(tag) : null;
    }
}
