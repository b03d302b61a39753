using Lamina.Format;

namespace Lamina.Reading;

/// <summary>Finds the layer record of an image that Lamina wrote.</summary>
internal static class LayerRecordReader
{
    /// <summary>The record of an image, found through the first bytes of the file; null if there is none.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="end">Where the image ends, in bytes; the record lies before.</param>
    /// <exception cref="CorruptImageException">There is one, but it lies outside the image or has changed.</exception>
    public static LayerRecord? Read(ByteSource bytes, long end) => Find(bytes, end)?.Record;

    /// <summary>The record, and where it lies.</summary>
    public static (HeadRecord Where, LayerRecord Record)? Find(ByteSource bytes, long end)
    {
        byte[] head = new byte[HeadRecord.Size];
        if (bytes.Read(0, head) < head.Length || !HeadRecord.TryParse(head, out HeadRecord where))
            return null;
        if (where.Length is < 0 or > LayerRecord.MaxSize || where.Position < 0 || where.Position > end - where.Length)
            throw new CorruptImageException(bytes.Name, $"the layer record ({where.Length} bytes) lies outside the image",
                null, where.Position);
        byte[] record = new byte[where.Length];
        bytes.ReadExactly(where.Position, record);
        if (Crc32C.Compute(record) != where.Checksum || LayerRecord.Parse(record) is not { } parsed)
            throw new CorruptImageException(bytes.Name, "the layer record does not match its checksum", null, where.Position);
        return (where, parsed);
    }
}
