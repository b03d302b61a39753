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

    /// <summary>id-RSASSA-PSS, of signatures and of keys.</summary>
    public const string Pss = "1.2.840.113549.1.1.10";

    private const string MaskGeneration = "1.2.840.113549.1.1.8";

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
        if (fault is not null)
            return null;
        if (reader.HasData)
            reader.ReadNull();
        reader.ThrowIfNotEmpty();
        return new SignatureAlgorithm(known.Kind, hash);
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

    /// <summary>
    /// The parameters of a key that is for RSASSA-PSS alone: digest and least salt that its signatures may have (RFC 4055, 3.1).
    /// </summary>
    /// <param name="parameters">The parameters, encoded.</param>
    /// <param name="fault">What is not taken; null if all is.</param>
    /// <exception cref="AsnContentException">They are not what they should be.</exception>
    public static SignatureAlgorithm? ReadKey(ReadOnlyMemory<byte> parameters, out string? fault) =>
        ReadPss(new AsnReader(parameters, AsnEncodingRules.DER), null, out fault);

    /// <summary>RSASSA-PSS-params (RFC 8017, A.2.3): what is left out stands for SHA-1 and 20 bytes of salt.</summary>
    /// <param name="identifier">What ends with them.</param>
    /// <param name="digest">The digest they have to name; null for any that is taken.</param>
    /// <param name="fault">What is not taken; null if all is.</param>
    private static SignatureAlgorithm? ReadPss(AsnReader identifier, HashAlgorithmName? digest, out string? fault)
    {
        const string sha1 = "SHA-1";
        HashAlgorithmName? hash = new(sha1), mask = new(sha1);
        int salt = 20, trailer = 1;
        fault = null;
        AsnReader reader = identifier.ReadSequence();
        identifier.ThrowIfNotEmpty();
        if (Next(reader, 0) is { } first)
            hash = ReadDigest(Whole(first), out fault);
        if (fault is null && Next(reader, 1) is { } second)
        {
            AsnReader generation = new AsnReader(Whole(second), AsnEncodingRules.DER).ReadSequence();
            mask = generation.ReadObjectIdentifier() == MaskGeneration ? ReadDigest(Whole(generation), out fault) : null;
        }
        if (fault is not null)
            return null;
        if (Next(reader, 2) is { } third && (!third.TryReadInt32(out salt) || third.HasData))
            throw new AsnContentException();
        if (Next(reader, 3) is { } fourth && (!fourth.TryReadInt32(out trailer) || fourth.HasData))
            throw new AsnContentException();
        reader.ThrowIfNotEmpty();
        HashAlgorithmName expected = digest ?? hash!.Value;
        if (hash != expected || mask != expected || expected.Name == sha1)
            fault = $"its RSASSA-PSS is with {hash} and {mask?.Name ?? "another mask"}, not with {Named(digest)} throughout";
        else if (salt < 0 || trailer != 1)
            fault = $"its RSASSA-PSS has a salt of {salt} bytes and trailer {trailer}, which cannot be";
        return fault is null ? new SignatureAlgorithm(SignatureKind.RsaPss, expected, salt) : null;
    }

    private static string Named(HashAlgorithmName? digest) => digest?.Name ?? "one of SHA-256, SHA-384 and SHA-512";

    /// <summary>The one value that is left.</summary>
    private static ReadOnlyMemory<byte> Whole(AsnReader reader)
    {
        ReadOnlyMemory<byte> value = reader.ReadEncodedValue();
        reader.ThrowIfNotEmpty();
        return value;
    }

    private static AsnReader? Next(AsnReader reader, int number)
    {
        Asn1Tag tag = new(TagClass.ContextSpecific, number, isConstructed: true);
        return reader.HasData && reader.PeekTag() == tag ? reader.ReadSequence(tag) : null;
    }
}
