using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lamina.Boot.Signatures;
using Lamina.Trust;

namespace Lamina.Tests.Verity;

/// <summary>
/// Attributes signed by the trusted key itself: type and digest of the content must be there once, and right. Openssl makes no
/// others, so these messages are written by hand.
/// </summary>
public class SignedAttributeTests
{
    private const string Data = "1.2.840.113549.1.7.1", SignedData = "1.2.840.113549.1.7.2";
    private const string ContentType = "1.2.840.113549.1.9.3", MessageDigest = "1.2.840.113549.1.9.4", Other = "1.2.3.4";
    private const string Sha256 = "2.16.840.1.101.3.4.2.1", Rsa = "1.2.840.113549.1.1.1";

    private static readonly byte[] s_root = [.. Enumerable.Range(0, 32).Select(i => (byte)(i * 7))];
    private static readonly byte[] s_digest = SHA256.HashData(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(s_root)));
    private static readonly DateTimeOffset s_now = new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Attributes: t for the type, d for the digest, T and D for wrong ones, o for one that nobody knows.</summary>
    [Theory]
    [InlineData("t d", true)]
    [InlineData("d t", true)]
    [InlineData("o t o d", true)]
    [InlineData("t D", false)]
    [InlineData("T d", false)]
    [InlineData("t d D", false)]
    [InlineData("t D d", false)]
    [InlineData("t d d", false)]
    [InlineData("t t d", false)]
    [InlineData("t dD", false)]
    [InlineData("t dd", false)]
    [InlineData("tT d", false)]
    [InlineData("d", false)]
    [InlineData("t", false)]
    [InlineData("o", false)]
    public void Type_and_digest_must_be_there_once_and_right(string attributes, bool isRight)
    {
        using X509Certificate2 signer = SignatureTests.NewSigner("CN=One");
        string? fault = RootHashSignature.FindFault(Message(signer, attributes), s_root, signer, s_now);
        Assert.Equal(isRight ? null : "its signed attributes are not those of this root hash", fault);
    }

    private static byte[] Message(X509Certificate2 signer, string attributes)
    {
        AsnWriter set = new(AsnEncodingRules.BER);
        using (set.PushSetOf())
        {
            foreach (string attribute in attributes.Split(' '))
                WriteAttribute(set, attribute);
        }
        byte[] signed = set.Encode();
        byte[] signature = signer.GetRSAPrivateKey()!.SignData(signed, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        AsnWriter writer = new(AsnEncodingRules.BER);
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(SignedData);
            using AsnWriter.Scope wrapped = writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0));
            using AsnWriter.Scope message = writer.PushSequence();
            writer.WriteInteger(1);
            using (writer.PushSetOf())
                WriteIdentifier(writer, Sha256);
            using (writer.PushSequence())
                writer.WriteObjectIdentifier(Data);
            using AsnWriter.Scope signers = writer.PushSetOf();
            using AsnWriter.Scope one = writer.PushSequence();
            writer.WriteInteger(1);
            using (writer.PushSequence())
            {
                writer.WriteEncodedValue(signer.IssuerName.RawData);
                writer.WriteInteger(signer.SerialNumberBytes.Span);
            }
            WriteIdentifier(writer, Sha256);
            signed[0] = 0xA0;       // in the message the set has a tag of its own
            writer.WriteEncodedValue(signed);
            WriteIdentifier(writer, Rsa);
            writer.WriteOctetString(signature);
        }
        return writer.Encode();
    }

    private static void WriteIdentifier(AsnWriter writer, string name)
    {
        using AsnWriter.Scope identifier = writer.PushSequence();
        writer.WriteObjectIdentifier(name);
        writer.WriteNull();
    }

    /// <summary>Writes an attribute with a value for each letter.</summary>
    private static void WriteAttribute(AsnWriter writer, string values)
    {
        using AsnWriter.Scope attribute = writer.PushSequence();
        writer.WriteObjectIdentifier(char.ToLowerInvariant(values[0]) switch
        {
            't' => ContentType,
            'd' => MessageDigest,
            _ => Other,
        });
        using AsnWriter.Scope set = writer.PushSetOf();
        foreach (char value in values)
        {
            if (value is 't' or 'T')
                writer.WriteObjectIdentifier(value == 't' ? Data : Other);
            else
                writer.WriteOctetString(value == 'd' ? s_digest : new byte[32]);
        }
    }
}
