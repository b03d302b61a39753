using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace Lamina.Boot.Signatures;

/// <summary>A SignerInfo of a PKCS#7 message (RFC 5652, 5.3).</summary>
internal sealed record MessageSigner
{
    private const string ContentTypeAttribute = "1.2.840.113549.1.9.3", DigestAttribute = "1.2.840.113549.1.9.4";
    private const byte SetTag = 0x31;

    /// <summary>issuer, as it is encoded; empty if the key is named instead.</summary>
    public ReadOnlyMemory<byte> Issuer { get; private init; }

    /// <summary>serialNumber</summary>
    public ReadOnlyMemory<byte> SerialNumber { get; private init; }

    /// <summary>subjectKeyIdentifier; empty if issuer and number are named instead.</summary>
    public ReadOnlyMemory<byte> KeyIdentifier { get; private init; }

    /// <summary>digestAlgorithm, encoded.</summary>
    public ReadOnlyMemory<byte> DigestAlgorithm { get; private init; }

    /// <summary>signatureAlgorithm, encoded.</summary>
    public ReadOnlyMemory<byte> SignatureAlgorithm { get; private init; }

    /// <summary>
    /// signedAttrs, encoded as the set that is signed; null if the content itself is. Nothing of them is used but type and
    /// digest of the content.
    /// </summary>
    public ReadOnlyMemory<byte>? Attributes { get; private init; }

    /// <summary>signature</summary>
    public ReadOnlyMemory<byte> Signature { get; private init; }

    /// <summary>Reads a signer.</summary>
    /// <exception cref="AsnContentException">It is none, or not in DER.</exception>
    public static MessageSigner Read(AsnReader reader)
    {
        _ = reader.ReadInteger();       // version
        MessageSigner signer = ReadName(reader) with { DigestAlgorithm = reader.ReadEncodedValue() };
        Asn1Tag attributes = SignedMessage.Tag(0);
        if (reader.PeekTag() == attributes)
        {
            // RFC 5652, 5.4: what is signed is the set under its own tag, not the one it has in the message.
            byte[] set = reader.ReadEncodedValue().ToArray();
            set[0] = SetTag;
            signer = signer with { Attributes = set };
        }
        signer = signer with { SignatureAlgorithm = reader.ReadEncodedValue(), Signature = reader.ReadOctetString() };
        SignedMessage.Skip(reader, 1);      // unsigned attributes, which anybody can put there
        reader.ThrowIfNotEmpty();
        return signer;
    }

    /// <summary>Whether a certificate is the one that the signer names. Anybody can name any: this proves nothing.</summary>
    public bool Names(X509Certificate2 certificate)
    {
        if (KeyIdentifier.IsEmpty)
        {
            return Issuer.Span.SequenceEqual(certificate.IssuerName.RawData) &&
                SerialNumber.Span.SequenceEqual(certificate.SerialNumberBytes.Span);
        }
        return certificate.Extensions.OfType<X509SubjectKeyIdentifierExtension>().Any(identifier =>
            KeyIdentifier.Span.SequenceEqual(identifier.SubjectKeyIdentifierBytes.Span));
    }

    /// <summary>Whether the signed attributes, which are there, say that they are of plain data with this digest.</summary>
    /// <exception cref="AsnContentException">They are not in DER.</exception>
    public bool AttributesAreOf(ReadOnlySpan<byte> digest)
    {
        AsnReader set = new AsnReader(Attributes!.Value, AsnEncodingRules.DER).ReadSetOf(skipSortOrderValidation: true);
        int types = 0, digests = 0;
        bool isRight = true;
        while (set.HasData)
        {
            AsnReader attribute = set.ReadSequence();
            string name = attribute.ReadObjectIdentifier();
            AsnReader values = attribute.ReadSetOf(skipSortOrderValidation: true);
            attribute.ThrowIfNotEmpty();
            if (name == ContentTypeAttribute)
                isRight &= ++types == 1 && values.ReadObjectIdentifier() == SignedMessage.PlainData && !values.HasData;
            else if (name == DigestAttribute)
                isRight &= ++digests == 1 && digest.SequenceEqual(values.ReadOctetString()) && !values.HasData;
        }
        return isRight && types == 1 && digests == 1;
    }

    private static MessageSigner ReadName(AsnReader reader)
    {
        Asn1Tag keyIdentifier = SignedMessage.Tag(0, isConstructed: false);
        if (reader.PeekTag() == keyIdentifier)
        {
            byte[] identifier = reader.ReadOctetString(keyIdentifier);
            return identifier.Length > 0 ? new MessageSigner { KeyIdentifier = identifier } : throw new AsnContentException();
        }
        AsnReader name = reader.ReadSequence();
        MessageSigner signer = new() { Issuer = name.ReadEncodedValue(), SerialNumber = name.ReadIntegerBytes() };
        name.ThrowIfNotEmpty();
        return signer;
    }
}
