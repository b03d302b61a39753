using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lamina.Boot.Signatures;

/// <summary>
/// Authenticode, as firmware checks it under Secure Boot: a PKCS#7 message about the digest of a program, behind the program.
/// No time is in it, so the same program and key give the same bytes.
/// </summary>
internal static class ProgramSigner
{
    private const string SignedData = "1.2.840.113549.1.7.2", IndirectData = "1.3.6.1.4.1.311.2.1.4";
    private const string ImageData = "1.3.6.1.4.1.311.2.1.15", Sha256 = "2.16.840.1.101.3.4.2.1";
    private const string Rsa = "1.2.840.113549.1.1.1";
    private const string ContentType = "1.2.840.113549.1.9.3", MessageDigest = "1.2.840.113549.1.9.4";

    /// <summary>Firmware knows no shorter keys, and some no longer ones than 4096 bits.</summary>
    private const int LeastKeySize = 2048;

    /// <summary>Refuses a signer whose signatures firmware would not take.</summary>
    /// <exception cref="ArgumentException">It is no RSA key with its private part, or a short one.</exception>
    public static void Check(X509Certificate2 signer)
    {
        using RSA? key = signer.GetRSAPrivateKey();
        if (key is null)
            throw new ArgumentException("the key to sign with is no RSA key; firmware takes signatures of these alone");
        if (key.KeySize < LeastKeySize)
            throw new ArgumentException($"the key to sign with has {key.KeySize} bits; firmware takes {LeastKeySize} or more");
    }

    /// <summary>Makes the message about a program.</summary>
    /// <param name="digest">SHA-256 of the program, without what a signature changes.</param>
    /// <param name="signer">The certificate with its RSA key.</param>
    public static byte[] Sign(ReadOnlySpan<byte> digest, X509Certificate2 signer)
    {
        byte[] content = Content(digest);
        byte[] attributes = Attributes(content);
        using RSA key = signer.GetRSAPrivateKey()!;
        byte[] signature = key.SignData(attributes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(SignedData);
            using (writer.PushSequence(Tag(0)))
            using (writer.PushSequence())
            {
                writer.WriteInteger(1);
                using (writer.PushSetOf())
                    WriteAlgorithm(writer, Sha256);
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier(IndirectData);
                    using (writer.PushSequence(Tag(0)))
                        writer.WriteEncodedValue(content);
                }
                using (writer.PushSetOf(Tag(0)))
                    writer.WriteEncodedValue(signer.RawData);
                using (writer.PushSetOf())
                    WriteSigner(writer, signer, attributes, signature);
            }
        }
        return writer.Encode();
    }

    private static void WriteSigner(AsnWriter writer, X509Certificate2 signer, byte[] attributes, byte[] signature)
    {
        using (writer.PushSequence())
        {
            writer.WriteInteger(1);
            using (writer.PushSequence())
            {
                writer.WriteEncodedValue(signer.IssuerName.RawData);
                writer.WriteInteger(signer.SerialNumberBytes.Span);
            }
            WriteAlgorithm(writer, Sha256);
            byte[] tagged = [.. attributes];
            tagged[0] = 0xA0;       // RFC 5652, 5.4: signed as a set, stored under [0]
            writer.WriteEncodedValue(tagged);
            WriteAlgorithm(writer, Rsa);
            writer.WriteOctetString(signature);
        }
    }

    /// <summary>SpcIndirectDataContent: that a PE image has this digest.</summary>
    private static byte[] Content(ReadOnlySpan<byte> digest)
    {
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(ImageData);
                using (writer.PushSequence())
                {
                    writer.WriteBitString([]);                      // flags: the whole image
                    using (writer.PushSequence(Tag(0)))
                    using (writer.PushSequence(Tag(2)))
                        writer.WriteCharacterString(UniversalTagNumber.BMPString, "", new Asn1Tag(TagClass.ContextSpecific, 0));
                }
            }
            using (writer.PushSequence())
            {
                WriteAlgorithm(writer, Sha256);
                writer.WriteOctetString(digest);
            }
        }
        return writer.Encode();
    }

    /// <summary>What is signed, as a set: of which type the content is, and its digest without its head.</summary>
    private static byte[] Attributes(byte[] content)
    {
        AsnDecoder.ReadEncodedValue(content, AsnEncodingRules.DER, out int offset, out int length, out _);
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSetOf())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(ContentType);
                using (writer.PushSetOf())
                    writer.WriteObjectIdentifier(IndirectData);
            }
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(MessageDigest);
                using (writer.PushSetOf())
                    writer.WriteOctetString(SHA256.HashData(content.AsSpan(offset, length)));
            }
        }
        return writer.Encode();
    }

    private static void WriteAlgorithm(AsnWriter writer, string name)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(name);
            writer.WriteNull();
        }
    }

    private static Asn1Tag Tag(int number) => new(TagClass.ContextSpecific, number, isConstructed: true);
}
