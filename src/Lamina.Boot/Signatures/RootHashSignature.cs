using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Boot.Signatures;

/// <summary>
/// PKCS#7 signatures of root hashes, detached and in DER, as the kernel takes them (<c>root_hash_sig_key_desc</c>,
/// drivers/md/dm-verity-verify-sig.c) and as systemd makes them: over the root hash in hexadecimal digits, without attributes.
/// </summary>
public static class RootHashSignature
{
    /// <summary>Signs a root hash.</summary>
    /// <param name="rootHash">The root hash.</param>
    /// <param name="signer">A certificate with its private key.</param>
    /// <exception cref="CryptographicException">The key is of a kind that cannot sign.</exception>
    public static byte[] Sign(ReadOnlySpan<byte> rootHash, X509Certificate2 signer)
    {
        SignedCms message = new(new ContentInfo(Content(rootHash)), detached: true);
        message.ComputeSignature(new CmsSigner(SubjectIdentifierType.IssuerAndSerialNumber, signer)
        {
            IncludeOption = X509IncludeOption.None,         // the kernel has the certificate in a keyring, and looks at no other
            DigestAlgorithm = new Oid("2.16.840.1.101.3.4.2.1", "sha256"),
        });
        return message.Encode();
    }

    /// <summary>Signs a root hash into a file.</summary>
    /// <param name="rootHash">The root hash.</param>
    /// <param name="signer">A certificate with its private key.</param>
    /// <param name="output">The file to write.</param>
    /// <param name="overwrite">Whether an existing file may be replaced.</param>
    /// <exception cref="CryptographicException">The key is of a kind that cannot sign.</exception>
    /// <exception cref="IOException">The file exists already, or cannot be written.</exception>
    public static void SignTo(ReadOnlySpan<byte> rootHash, X509Certificate2 signer, string output, bool overwrite = false)
    {
        using OutputFile file = new(output, overwrite);
        file.Write(Sign(rootHash, signer), 0);
        file.Commit();
    }

    /// <summary>
    /// Whether a signature of a root hash was made with a certificate's key, and the certificate is good now and for signing.
    /// That key decides; certificates in the signature, and what its attributes say besides the digest, are not looked at.
    /// </summary>
    /// <param name="signature">The signature.</param>
    /// <param name="rootHash">The root hash.</param>
    /// <param name="certificate">The certificate that is trusted.</param>
    /// <param name="now">The time for which the certificate has to be valid. Kernels do not look at it.</param>
    /// <returns>Null if all is well; else what is not.</returns>
    public static string? FindFault(
        ReadOnlySpan<byte> signature, ReadOnlySpan<byte> rootHash, X509Certificate2 certificate, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        if (SignatureCheck.FindFault(signature.ToArray(), Content(rootHash), certificate) is { } fault)
            return fault;
        if (now < certificate.NotBefore.ToUniversalTime())
            return $"the certificate of {certificate.Subject} is not valid before {Day(certificate.NotBefore)}";
        return now > certificate.NotAfter.ToUniversalTime()
            ? $"the certificate of {certificate.Subject} expired on {Day(certificate.NotAfter)}"
            : SignatureCheck.FindUsageFault(certificate);
    }

    /// <summary>Reads a certificate and its key from PEM files, or both from a PKCS#12 file.</summary>
    /// <param name="certificatePath">A certificate in PEM; null if the key file is PKCS#12.</param>
    /// <param name="keyPath">The private key in PEM, or a PKCS#12 file with key and certificate.</param>
    /// <param name="password">What the key is encrypted with; null if it is not.</param>
    /// <exception cref="ArgumentException">The files are not what they should be; what is in them is never part of the
    /// message.</exception>
    public static X509Certificate2 LoadSigner(string? certificatePath, string keyPath, string? password = null)
    {
        byte[] key = HostFile.ReadAllBytes(keyPath);
        try
        {
            if (!key.AsSpan().StartsWith("-----"u8))
            {
                X509Certificate2 both = X509CertificateLoader.LoadPkcs12(key, password, X509KeyStorageFlags.EphemeralKeySet);
                return both.HasPrivateKey ? both : throw new ArgumentException($"{keyPath}: has no private key");
            }
            if (certificatePath is null)
                throw new ArgumentException($"{keyPath}: is a key alone; the certificate is needed as well");
            string certificate = Encoding.UTF8.GetString(HostFile.ReadAllBytes(certificatePath));
            string text = Encoding.ASCII.GetString(key);
            return password is null ? X509Certificate2.CreateFromPem(certificate, text)
                : X509Certificate2.CreateFromEncryptedPem(certificate, text, password);
        }
        catch (CryptographicException failure)
        {
            string need = password is null ? "; if it is encrypted, a password is needed" : " with this password";
            throw new ArgumentException($"{keyPath}: is no private key that fits the certificate{need}", failure);
        }
    }

    /// <summary>Reads a certificate, in PEM or DER.</summary>
    /// <exception cref="ArgumentException">The file is no certificate.</exception>
    public static X509Certificate2 LoadCertificate(string path)
    {
        try
        {
            return X509CertificateLoader.LoadCertificate(HostFile.ReadAllBytes(path));
        }
        catch (CryptographicException failure)
        {
            throw new ArgumentException($"{path}: is no certificate in PEM or DER", failure);
        }
    }

    private static byte[] Content(ReadOnlySpan<byte> rootHash) => Encoding.ASCII.GetBytes(Convert.ToHexStringLower(rootHash));

    private static string Day(DateTime time) =>
        time.ToUniversalTime().ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
}
