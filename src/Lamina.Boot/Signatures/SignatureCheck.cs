using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lamina.Boot.Signatures;

/// <summary>
/// Whether a PKCS#7 signature is one of some bytes by the key of one certificate. That key alone decides: who signed, which
/// certificates come along and what attributes say can be written by anybody.
/// </summary>
internal static class SignatureCheck
{
    /// <summary>codeSigning and anyExtendedKeyUsage.</summary>
    private static readonly string[] s_uses = ["1.3.6.1.5.5.7.3.3", "2.5.29.37.0"];

    /// <summary>Gives what is wrong with a signature; null if nothing is.</summary>
    public static string? FindFault(ReadOnlyMemory<byte> signature, byte[] content, X509Certificate2 certificate)
    {
        try
        {
            return FindFault(SignedMessage.Parse(signature), content, certificate);
        }
        catch (AsnContentException)
        {
            return "it is no PKCS#7 signature in DER";
        }
    }

    /// <summary>Gives why a certificate's key must not sign; null if it may.</summary>
    public static string? FindUsageFault(X509Certificate2 certificate)
    {
        const X509KeyUsageFlags signs = X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.NonRepudiation;
        string subject = certificate.Subject;
        try
        {
            foreach (X509Extension extension in certificate.Extensions)
            {
                if (extension is X509KeyUsageExtension usage && (usage.KeyUsages & signs) == 0)
                    return $"the certificate of {subject} is not for signatures: its key usage is {usage.KeyUsages}";
                if (extension is not X509EnhancedKeyUsageExtension uses)
                    continue;
                string[] names = [.. uses.EnhancedKeyUsages.Cast<Oid>().Select(use => use.Value ?? "")];
                if (!names.Intersect(s_uses).Any())
                {
                    return $"the certificate of {subject} is not for signing code: " +
                        $"its extended key usage is {string.Join(", ", uses.EnhancedKeyUsages.Cast<Oid>().Select(Name))}";
                }
            }
        }
        catch (CryptographicException)
        {
            return $"the certificate of {subject} has a key usage that cannot be read";
        }
        return null;
    }

    private static string? FindFault(SignedMessage message, byte[] content, X509Certificate2 certificate)
    {
        if (message.ContentType != SignedMessage.PlainData)
            return $"it is a signature of something else than plain data, {message.ContentType}";
        if (message.HasContent)
            return "it has the content in it; kernels take it detached only (openssl cms without -nodetach)";
        if (message.Signers.Count != 1)
            return $"it has {message.Signers.Count} signers, one is expected";
        MessageSigner signer = message.Signers[0];
        if (!signer.Names(certificate))
            return $"it was made with another certificate than that of {certificate.Subject}";
        SignatureAlgorithm? how = SignatureAlgorithm.Read(signer.DigestAlgorithm, signer.SignatureAlgorithm, out string? fault);
        if (how is null)
            return fault;
        if (FindKeyFault(certificate, how) is { } keyFault)
            return keyFault;
        byte[] digest = CryptographicOperations.HashData(how.Digest, content);
        if (signer.Attributes is { } attributes)
        {
            if (!signer.AttributesAreOf(digest))
                return "its signed attributes are not those of this root hash";
            digest = CryptographicOperations.HashData(how.Digest, attributes.Span);
        }
        return IsBy(certificate, how, digest, signer.Signature.Span) ? null
            : $"it is not one of this root hash by the key of {certificate.Subject}";
    }

    /// <summary>Why a key must not have made such a signature: one that is for RSASSA-PSS alone says with what.</summary>
    private static string? FindKeyFault(X509Certificate2 certificate, SignatureAlgorithm how)
    {
        if (certificate.PublicKey.Oid.Value != SignatureAlgorithm.Pss)
            return null;
        string key = $"the key of {certificate.Subject} is for RSASSA-PSS";
        if (how.Kind != SignatureKind.RsaPss)
            return $"{key} alone, and it says that it is none (openssl cms with -keyopt rsa_padding_mode:pss)";
        byte[] parameters = certificate.PublicKey.EncodedParameters?.RawData ?? [];
        if (parameters.Length == 0)
            return null;
        if (SignatureAlgorithm.ReadKey(parameters, out string? fault) is not { } limits)
            return $"{key} of a kind that is not taken: {fault}";
        return limits.Digest == how.Digest && how.SaltLength >= limits.SaltLength ? null
            : $"{key} with {limits.Digest} and a salt of {limits.SaltLength} bytes at least, and it is with {how.Digest} and " +
                $"{how.SaltLength} bytes";
    }

    /// <summary>The RSA key of a certificate, whichever paddings it is for.</summary>
    private static RSA? RsaKeyOf(X509Certificate2 certificate)
    {
        if (certificate.PublicKey.Oid.Value != SignatureAlgorithm.Pss)
            return certificate.GetRSAPublicKey();
        RSA key = RSA.Create();
        try
        {
            key.ImportRSAPublicKey(certificate.PublicKey.EncodedKeyValue.RawData, out _);
            return key;
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    private static bool IsBy(
        X509Certificate2 certificate, SignatureAlgorithm how, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature)
    {
        try
        {
            if (how.Kind == SignatureKind.Ecdsa)
            {
                using ECDsa? curve = certificate.GetECDsaPublicKey();
                return curve is not null && curve.VerifyHash(digest, signature, DSASignatureFormat.Rfc3279DerSequence);
            }
            using RSA? key = RsaKeyOf(certificate);
            if (key is null)
                return false;
            return how.Kind == SignatureKind.RsaPss ? PssSignature.IsOf(digest, signature, key.ExportParameters(false), how)
                : key.VerifyHash(digest, signature, how.Digest, RSASignaturePadding.Pkcs1);
        }
        catch (CryptographicException)
        {
            return false;       // a key or a signature that cannot be: such as r and s that are no DER
        }
    }

    private static string Name(Oid use) => use.FriendlyName ?? use.Value ?? "";
}
