using System.Formats.Asn1;

namespace Lamina.Boot.Signatures;

/// <summary>
/// A PKCS#7 SignedData (RFC 5652) as it stands there: nothing in it is believed, and certificates that it brings are not even
/// read.
/// </summary>
/// <param name="ContentType">eContentType: what kind of data was signed, an object identifier.</param>
/// <param name="HasContent">Whether the data are in it.</param>
/// <param name="Signers">signerInfos</param>
internal sealed record SignedMessage(string ContentType, bool HasContent, IReadOnlyList<MessageSigner> Signers)
{
    /// <summary>id-data: bytes that mean nothing in particular.</summary>
    public const string PlainData = "1.2.840.113549.1.7.1";

    private const string SignedData = "1.2.840.113549.1.7.2";

    /// <summary>Reads a message.</summary>
    /// <exception cref="AsnContentException">It is none, or not in DER.</exception>
    public static SignedMessage Parse(ReadOnlyMemory<byte> bytes)
    {
        AsnReader whole = new(bytes, AsnEncodingRules.DER), outer = whole.ReadSequence();
        whole.ThrowIfNotEmpty();
        if (outer.ReadObjectIdentifier() != SignedData)
            throw new AsnContentException();
        AsnReader wrapped = outer.ReadSequence(Tag(0)), message = wrapped.ReadSequence();
        outer.ThrowIfNotEmpty();
        wrapped.ThrowIfNotEmpty();
        _ = message.ReadInteger();      // version
        _ = message.ReadEncodedValue();     // digestAlgorithms: each signer names his own
        AsnReader content = message.ReadSequence();
        string contentType = content.ReadObjectIdentifier();
        bool hasContent = content.HasData;
        Skip(message, 0);       // certificates
        Skip(message, 1);       // crls
        AsnReader signers = message.ReadSetOf(skipSortOrderValidation: true);
        message.ThrowIfNotEmpty();
        List<MessageSigner> list = [];
        while (signers.HasData)
            list.Add(MessageSigner.Read(signers.ReadSequence()));
        return new SignedMessage(contentType, hasContent, list);
    }

    /// <summary>Passes over a field with a tag of its own, if it is there.</summary>
    internal static void Skip(AsnReader reader, int number)
    {
        if (reader.HasData && reader.PeekTag().HasSameClassAndValue(Tag(number)))
            _ = reader.ReadEncodedValue();
    }

    internal static Asn1Tag Tag(int number, bool isConstructed = true) =>
        new(TagClass.ContextSpecific, number, isConstructed);
}
