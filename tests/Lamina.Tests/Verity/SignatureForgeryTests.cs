using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lamina.Boot.Signatures;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Verity;

/// <summary>What the key of the trusted certificate has not signed does not pass, whatever it brings along.</summary>
public class SignatureForgeryTests
{
    private const string NotOurs = "it is not one of this root hash by the key of CN=Vendor";
    private const string OtherName = "it was made with another certificate than that of CN=Vendor";
    private const string OtherAttributes = "its signed attributes are not those of this root hash";
    private const string Detached = "it has the content in it; kernels take it detached only (openssl cms without -nodetach)";

    private const string Taken = "SHA-256, SHA-384 and SHA-512 are taken";

    private static readonly byte[] s_root = [.. Enumerable.Range(0, 32).Select(i => (byte)(i * 7))];

    private static readonly Lazy<string> s_folder = new(MakeKeys);

    /// <summary>The key of "limited" as an ordinary one, under the same name and number.</summary>
    private static readonly Lazy<string> s_unlimited = new(MakeUnlimited);

    /// <summary>
    /// Arguments of openssl cms, and what is wrong with what it makes. "vendor" is trusted; "alike" has another key under the
    /// same names, numbers and key identifier; "mallory" is somebody else. Their certificates are in the signatures.
    /// </summary>
    [Theory]
    [InlineData("-noattr -signer alike", NotOurs)]
    [InlineData("-signer alike", NotOurs)]
    [InlineData("-noattr -keyid -signer alike", NotOurs)]
    [InlineData("-keyid -signer alike", NotOurs)]
    [InlineData("-noattr -keyid -signer mallory", OtherName)]
    [InlineData("-noattr -signer mallory", OtherName)]
    [InlineData("-nocerts -noattr -signer alike -certfile vendor", NotOurs)]
    [InlineData("-noattr -signer vendor -signer alike", "it has 2 signers, one is expected")]
    [InlineData("-noattr -signer vendor -nodetach", Detached)]
    [InlineData("-signer vendor -nodetach", Detached)]
    [InlineData("-noattr -signer vendor -nodetach -in other", Detached)]
    [InlineData("-noattr -signer vendor -in other", NotOurs)]
    [InlineData("-signer vendor -in other", OtherAttributes)]
    [InlineData("-signer vendor -econtent_type 1.2.3.4", "it is a signature of something else than plain data, 1.2.3.4")]
    [InlineData("-noattr -signer vendor -md sha1", "it is made with SHA-1, which can be forged; " + Taken)]
    [InlineData("-signer vendor -md md5", "it is made with MD5, which can be forged; " + Taken)]
    [InlineData("-signer vendor -md sha224", "it is made with a digest that is not known, 2.16.840.1.101.3.4.2.4; " + Taken)]
    [InlineData("-noattr -signer vendor -md sha256 -keyopt rsa_padding_mode:pss -keyopt rsa_mgf1_md:sha1",
        "its RSASSA-PSS is with SHA256 and SHA-1, not with SHA256 throughout")]
    public void A_signature_that_the_trusted_key_did_not_make_is_refused(string arguments, string expected)
    {
        Assert.Equal(expected, Fault(Sign(arguments), "vendor"));
    }

    [Theory]
    [InlineData("-noattr -signer vendor")]
    [InlineData("-signer vendor")]
    [InlineData("-nocerts -noattr -signer vendor -md sha512")]
    [InlineData("-keyid -signer vendor -md sha384")]
    [InlineData("-signer vendor -certfile mallory")]
    [InlineData("-signer vendor -keyopt rsa_padding_mode:pss")]
    [InlineData("-noattr -signer vendor -md sha256 -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:32")]
    [InlineData("-noattr -signer vendor -md sha512 -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:0")]
    [InlineData("-noattr -signer odd -md sha384 -keyopt rsa_padding_mode:pss")]
    [InlineData("-noattr -signer curve")]
    [InlineData("-keyid -signer curve -md sha384")]
    public void What_openssl_signs_with_the_trusted_key_passes_and_no_bit_of_it_can_change(string arguments)
    {
        string name = ((string[])["vendor", "odd", "curve"]).Single(arguments.Contains);
        byte[] signature = Sign(arguments);
        Assert.Null(Fault(signature, name));
        // The signature itself is the last thing in it.
        for (int i = 1; i <= 40; i++)
        {
            byte[] altered = [.. signature];
            altered[^i] ^= 4;
            Assert.NotNull(Fault(altered, name));
        }
        Assert.Equal("it is no PKCS#7 signature in DER", Fault([.. signature, 0], name));
        Assert.Equal("it is no PKCS#7 signature in DER", Fault(signature[..^1], name));
    }

    [Fact]
    public void A_message_without_signers_is_refused()
    {
        string message = In("none.p7b");
        Tools.Run("openssl", "crl2pkcs7", "-nocrl", "-certfile", In("vendor.pem"), "-outform", "der", "-out", message)
            .MustSucceed();
        Assert.Equal("it has 0 signers, one is expected", Fault(File.ReadAllBytes(message), "vendor"));
    }

    /// <summary>What the certificate says about its key, as extensions for openssl, and how a refusal begins.</summary>
    [Theory]
    [InlineData("keyUsage=digitalSignature", null)]
    [InlineData("keyUsage=critical,nonRepudiation,keyCertSign", null)]
    [InlineData("extendedKeyUsage=codeSigning,1.2.3.4", null)]
    [InlineData("extendedKeyUsage=anyExtendedKeyUsage", null)]
    [InlineData("keyUsage=keyCertSign,cRLSign",
        "the certificate of CN=Use is not for signatures: its key usage is CrlSign, KeyCertSign")]
    [InlineData("keyUsage=keyEncipherment", "the certificate of CN=Use is not for signatures: its key usage is KeyEncipherment")]
    [InlineData("extendedKeyUsage=serverAuth", "the certificate of CN=Use is not for signing code: its extended key usage is ")]
    public void A_certificate_whose_key_is_for_other_uses_is_refused(string extension, string? expected)
    {
        string name = extension.Replace(',', '-');
        MakeKey(s_folder.Value, name, "rsa:2048", "/CN=Use", "-addext", extension);
        string? fault = Fault(Sign($"-noattr -signer {name}"), name);
        if (expected is null)
            Assert.Null(fault);
        else
            Assert.StartsWith(expected, fault);
    }

    /// <summary>Keys that are for RSASSA-PSS alone (RFC 4055, 3.1): one without limits, one with SHA-384 and 48 bytes.</summary>
    [Theory]
    [InlineData("pss", "-md sha256 -keyopt rsa_padding_mode:pss", null)]
    [InlineData("pss", "-md sha512 -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:0", null)]
    [InlineData("limited", "-md sha384 -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:48", null)]
    [InlineData("limited", "-md sha384 -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:60", null)]
    [InlineData("unlimited", "-md sha256 -keyopt rsa_padding_mode:pss",
        "the key of CN=Pss is for RSASSA-PSS with SHA384 and a salt of 48 bytes at least, and it is with SHA256 and ")]
    [InlineData("unlimited", "-md sha384 -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:47",
        "the key of CN=Pss is for RSASSA-PSS with SHA384 and a salt of 48 bytes at least, and it is with SHA384 and 47 bytes")]
    [InlineData("unlimited", "-md sha384", "the key of CN=Pss is for RSASSA-PSS alone, and it says that it is none ")]
    public void A_key_for_RSASSA_PSS_alone_makes_nothing_else_and_keeps_its_limits(string key, string arguments, string? expected)
    {
        // The same key under a certificate that has no limits makes what the other must not.
        string signer = key == "unlimited" ? s_unlimited.Value : key, trusted = key == "unlimited" ? "limited" : key;
        byte[] signature = Sign($"-noattr -signer {signer} {arguments}");
        string? fault = Fault(signature, trusted);
        if (expected is null)
        {
            Assert.Null(fault);
            signature[^1] ^= 1;
            Assert.Equal("it is not one of this root hash by the key of CN=Pss", Fault(signature, trusted));
        }
        else
        {
            Assert.StartsWith(expected, fault);
        }
    }

    /// <summary>An identifier of a kind that has no parameters, with some; and one with bytes behind them.</summary>
    [Fact]
    public void Identifiers_of_algorithms_hold_nothing_else()
    {
        byte[] sha256 = Convert.FromHexString("300b0609608648016503040201");
        foreach (string wrong in (string[])[
            "300d06092a864886f70d01010b020101",                                         // sha256WithRSAEncryption, an INTEGER
            "300f06092a864886f70d01010b05000500",                                       // two NULLs
            "300d06092a864886f70d01010a3000" + "0500"])
        {
            byte[] bytes = Convert.FromHexString(wrong);
            bytes[1] = (byte)(bytes.Length - 2);
            Assert.Throws<AsnContentException>(() => SignatureAlgorithm.Read(sha256, bytes, out _));
        }
        byte[] trailer = Convert.FromHexString("3041" + "06092a864886f70d01010a" + "3034" +
            "a00f300d06096086480165030402010500" + "a11c301a06092a864886f70d010108300d06096086480165030402010500" + "a303020102");
        trailer[1] = (byte)(trailer.Length - 2);
        trailer[14] = (byte)(trailer.Length - 15);
        Assert.Null(SignatureAlgorithm.Read(sha256, trailer, out string? fault));
        Assert.Equal("its RSASSA-PSS has a salt of 20 bytes and trailer 2, which cannot be", fault);
    }

    private static byte[] Sign(string arguments)
    {
        Tools.Require("openssl");
        string result = Scratch.NewPath("signature.p7s");
        List<string> words = ["cms", "-sign", "-binary", "-outform", "der", "-out", result];
        if (!arguments.Contains("-in ", StringComparison.Ordinal))
            words.AddRange(["-in", In("content")]);
        string before = "";
        foreach (string word in arguments.Split(' '))
        {
            bool isSigner = before == "-signer";
            words.Add(isSigner || before == "-certfile" ? In($"{word}.pem") : before == "-in" ? In(word) : word);
            if (isSigner)
                words.AddRange(["-inkey", In($"{word}.key")]);
            before = word;
        }
        Tools.Run("openssl", [.. words]).MustSucceed();
        return File.ReadAllBytes(result);
    }

    private static string? Fault(byte[] signature, string trusted)
    {
        using X509Certificate2 certificate = RootHashSignature.LoadCertificate(In($"{trusted}.pem"));
        return RootHashSignature.FindFault(signature, s_root, certificate, certificate.NotBefore.AddHours(1));
    }

    private static string In(string name) => Path.Combine(s_folder.Value, name);

    private static string MakeKeys()
    {
        Tools.Require("openssl");
        string folder = Scratch.NewFolder("keys");
        File.WriteAllText(Path.Combine(folder, "content"), Convert.ToHexStringLower(s_root));
        File.WriteAllText(Path.Combine(folder, "other"), new string('a', 64), Encoding.ASCII);
        string[] same = ["-set_serial", "0x1234", "-addext", "subjectKeyIdentifier=0102030405060708"];
        MakeKey(folder, "vendor", "rsa:2048", "/CN=Vendor", same);
        MakeKey(folder, "alike", "rsa:2048", "/CN=Vendor", same);
        MakeKey(folder, "mallory", "rsa:2048", "/CN=Mallory");
        // A modulus whose length is no multiple of eight bits, of which one more begins the padded message.
        MakeKey(folder, "odd", "rsa:2049", "/CN=Odd");
        MakeKey(folder, "curve", "ec", "/CN=Curve", "-pkeyopt", "ec_paramgen_curve:P-384");
        string[] limits = ["-pkeyopt", "rsa_pss_keygen_md:sha384", "-pkeyopt", "rsa_pss_keygen_mgf1_md:sha384", "-pkeyopt",
            "rsa_pss_keygen_saltlen:48", "-set_serial", "0x77"];
        MakeKey(folder, "pss", "rsa-pss", "/CN=Pss", "-pkeyopt", "rsa_keygen_bits:2048");
        MakeKey(folder, "limited", "rsa-pss", "/CN=Pss", ["-pkeyopt", "rsa_keygen_bits:2048", .. limits]);
        return folder;
    }

    private static string MakeUnlimited()
    {
        using X509Certificate2 limited = RootHashSignature.LoadCertificate(In("limited.pem"));
        byte[] key = new AsnReader(Convert.FromBase64String(string.Concat(File.ReadAllLines(In("limited.key"))
            .Where(line => !line.StartsWith('-')))), AsnEncodingRules.DER) is var whole && whole.ReadSequence() is var parts
            && parts.ReadInteger() >= 0 && parts.ReadSequence() is not null ? parts.ReadOctetString() : [];
        using RSA rsa = RSA.Create();
        rsa.ImportRSAPrivateKey(key, out _);
        CertificateRequest request = new(limited.SubjectName, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 bare = request.Create(limited.SubjectName, X509SignatureGenerator.CreateForRSA(rsa,
            RSASignaturePadding.Pkcs1), limited.NotBefore, limited.NotAfter, limited.SerialNumberBytes.Span);
        File.WriteAllText(In("unlimited.pem"), bare.ExportCertificatePem());
        File.WriteAllText(In("unlimited.key"), rsa.ExportPkcs8PrivateKeyPem());
        return "unlimited";
    }

    private static void MakeKey(string folder, string name, string kind, string subject, params string[] more)
    {
        Tools.Run("openssl", ["req", "-x509", "-newkey", kind, "-nodes", "-keyout", Path.Combine(folder, $"{name}.key"), "-out",
            Path.Combine(folder, $"{name}.pem"), "-days", "30", "-subj", subject, .. more]).MustSucceed();
    }
}
