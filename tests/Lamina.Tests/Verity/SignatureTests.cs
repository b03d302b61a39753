using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lamina.Boot.Signatures;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Verity;

/// <summary>Signatures are those that openssl makes and takes.</summary>
public class SignatureTests
{
    private static readonly byte[] s_root = [.. Enumerable.Range(0, 32).Select(i => (byte)(i * 7))];
    private static readonly DateTimeOffset s_now = new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Openssl_verifies_ours_and_ours_verifies_openssls(bool isElliptic)
    {
        Tools.Require("openssl");
        string folder = Scratch.NewFolder("keys");
        using X509Certificate2 signer = NewSigner("CN=One", isElliptic);
        (string certificate, string key) = Save(folder, signer);
        string[] files = [.. ((string[])["root", "ours", "theirs"]).Select(name => Path.Combine(folder, name))];
        (string content, string ours, string theirs) = (files[0], files[1], files[2]);
        File.WriteAllText(content, Convert.ToHexStringLower(s_root));
        File.WriteAllBytes(ours, RootHashSignature.Sign(s_root, signer));
        Tools.Run("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", ours, "-content", content, "-certfile",
            certificate, "-nointern", "-noverify", "-out", "/dev/null").MustSucceed();
        Tools.Run("openssl", "cms", "-sign", "-nocerts", "-noattr", "-binary", "-in", content, "-inkey", key, "-signer",
            certificate, "-outform", "der", "-out", theirs).MustSucceed();
        using X509Certificate2 trusted = RootHashSignature.LoadCertificate(certificate);
        Assert.Null(RootHashSignature.FindFault(File.ReadAllBytes(theirs), s_root, trusted, s_now));
        Assert.Null(RootHashSignature.FindFault(File.ReadAllBytes(ours), s_root, trusted, s_now));
    }

    [Fact]
    public void What_is_wrong_with_a_signature_is_named()
    {
        using X509Certificate2 one = NewSigner("CN=One"), two = NewSigner("CN=Two"), alike = NewSigner("CN=One", serial: 1);
        byte[] signature = RootHashSignature.Sign(s_root, one);
        Assert.Null(Fault(signature, s_root, one));
        Assert.Equal("it was made with another certificate than that of CN=Two", Fault(signature, s_root, two));
        Assert.Equal("it is not one of this root hash by the key of CN=One", Fault(signature, s_root, alike));
        Assert.Equal("it is not one of this root hash by the key of CN=One", Fault(signature, new byte[32], one));
        Assert.Equal("it is no PKCS#7 signature in DER", Fault([1, 2, 3], s_root, one));
        Assert.Equal("the certificate of CN=One expired on 2027-01-01",
            RootHashSignature.FindFault(signature, s_root, one, s_now.AddYears(1)));
        Assert.Equal("the certificate of CN=One is not valid before 2026-01-01",
            RootHashSignature.FindFault(signature, s_root, one, s_now.AddYears(-1)));
    }

    [Fact]
    public void Keys_are_read_from_PEM_encrypted_PEM_and_PKCS12()
    {
        string folder = Scratch.NewFolder("keys");
        using X509Certificate2 signer = NewSigner("CN=One");
        (string certificate, string key) = Save(folder, signer);
        string encrypted = Path.Combine(folder, "encrypted.pem"), bundle = Path.Combine(folder, "both.p12");
        File.WriteAllText(encrypted, signer.GetRSAPrivateKey()!.ExportEncryptedPkcs8PrivateKeyPem("secret",
            new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)));
        File.WriteAllBytes(bundle, signer.Export(X509ContentType.Pkcs12, "secret"));
        foreach (X509Certificate2 loaded in (X509Certificate2[])[RootHashSignature.LoadSigner(certificate, key),
            RootHashSignature.LoadSigner(certificate, encrypted, "secret"), RootHashSignature.LoadSigner(null, bundle, "secret")])
        {
            Assert.Null(Fault(RootHashSignature.Sign(s_root, loaded), s_root, signer));
            loaded.Dispose();
        }
        Refused("the certificate is needed as well", null, key, null);
        Refused("if it is encrypted, a password is needed", certificate, encrypted, null);
        Refused("with this password", certificate, encrypted, "guess");
        Refused("with this password", null, bundle, "guess");
        using X509Certificate2 other = NewSigner("CN=Two");
        Refused("no private key that fits the certificate", certificate, Save(Scratch.NewFolder("keys"), other).Key, null);
        Assert.Throws<ArgumentException>(() => RootHashSignature.LoadCertificate(key));

        static void Refused(string expected, string? certificate, string key, string? password)
        {
            ArgumentException refusal = Assert.Throws<ArgumentException>(() =>
                RootHashSignature.LoadSigner(certificate, key, password));
            Assert.Contains(expected, refusal.Message);
            Assert.DoesNotContain("PRIVATE", refusal.ToString());
        }
    }

    internal static X509Certificate2 NewSigner(string name, bool isElliptic = false, byte serial = 0)
    {
        DateTimeOffset from = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        X500DistinguishedName subject = new(name);
        // The same serial number for the same name: what tells certificates apart then is their key alone.
        byte[] number = [1, .. SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(name)).AsSpan(0, 8)];
        if (isElliptic)
        {
            using ECDsa curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            CertificateRequest elliptic = new(subject, curve, HashAlgorithmName.SHA256);
            using X509Certificate2 publicPart = elliptic.Create(subject, X509SignatureGenerator.CreateForECDsa(curve), from,
                from.AddYears(1), number);
            return publicPart.CopyWithPrivateKey(curve);
        }
        using RSA key = RSA.Create(serial == 0 ? 2048 : 3072);
        CertificateRequest request = new(subject, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 bare = request.Create(subject,
            X509SignatureGenerator.CreateForRSA(key, RSASignaturePadding.Pkcs1), from, from.AddYears(1), number);
        return bare.CopyWithPrivateKey(key);
    }

    internal static (string Certificate, string Key) Save(string folder, X509Certificate2 signer)
    {
        string certificate = Path.Combine(folder, "certificate.pem"), key = Path.Combine(folder, "key.pem");
        File.WriteAllText(certificate, signer.ExportCertificatePem());
        File.WriteAllText(key, signer.GetRSAPrivateKey()?.ExportPkcs8PrivateKeyPem() ??
            signer.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        return (certificate, key);
    }

    private static string? Fault(byte[] signature, byte[] root, X509Certificate2 certificate) =>
        RootHashSignature.FindFault(signature, root, certificate, s_now);
}
