using System.Buffers.Binary;

namespace Lamina.Format;

/// <summary>
/// The small record in the first bytes of an image that Lamina wrote, which EROFS leaves free: where the layer record lies.
/// </summary>
/// <param name="Position">The layer record's first byte in the file.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="Checksum">CRC-32C of the layer record.</param>
internal readonly record struct HeadRecord(long Position, int Length, uint Checksum)
{
    public const int Size = 40;

    private static ReadOnlySpan<byte> Magic => "Lamina\r\n"u8;

    private const int CurrentVersion = 1;
    private const int VersionAt = 8, LengthAt = 12, PositionAt = 16, ChecksumAt = 24, OwnChecksumAt = 28;

    /// <summary>Reads the record; false if there is none. A version that is not known counts as none.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out HeadRecord record)
    {
        record = default;
        if (bytes.Length < Size || !bytes.StartsWith(Magic) ||
            BinaryPrimitives.ReadInt32LittleEndian(bytes[VersionAt..]) != CurrentVersion ||
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[OwnChecksumAt..]) != Crc32C.Compute(bytes[..OwnChecksumAt]))
        {
            return false;
        }
        record = new HeadRecord(BinaryPrimitives.ReadInt64LittleEndian(bytes[PositionAt..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[LengthAt..]),
                BinaryPrimitives.ReadUInt32LittleEndian(bytes[ChecksumAt..]));
        return true;
    }

    public void WriteTo(Span<byte> bytes)
    {
        bytes[..Size].Clear();
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[VersionAt..], CurrentVersion);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[LengthAt..], Length);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[PositionAt..], Position);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[ChecksumAt..], Checksum);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[OwnChecksumAt..], Crc32C.Compute(bytes[..OwnChecksumAt]));
    }
}

/// <summary>An original as the layer record names it.</summary>
/// <param name="Layer">Which layer it belongs to, lowest 0; a layer with devices has several originals.</param>
/// <param name="Kind">1 EROFS image, 2 device of the one before, 3 tar.</param>
/// <param name="Start">Its first byte in a flat image; -1 if it is not in the file.</param>
/// <param name="Length">In bytes.</param>
/// <param name="Digest">SHA-256, 32 bytes; empty if it was not computed.</param>
/// <param name="Name">The file name it was given by, without folders.</param>
internal sealed record RecordedOriginal(int Layer, byte Kind, long Start, long Length, ReadOnlyMemory<byte> Digest,
    ReadOnlyMemory<byte> Name);

/// <summary>An image before something was appended to it: its length, and the header block that made it one.</summary>
/// <param name="Length">In bytes.</param>
/// <param name="Header">The first bytes of the file, up to the first original.</param>
internal sealed record RecordedState(long Length, ReadOnlyMemory<byte> Header);

/// <summary>
/// What Lamina keeps beside the metadata: the originals of an image, lowest layer first, and the states it had before each
/// append.
/// </summary>
internal sealed record LayerRecord(RecordedOriginal[] Originals, RecordedState[] History)
{
    /// <summary>The largest record that is read, in bytes: tens of thousands of layers, hundreds of appends.</summary>
    public const int MaxSize = 64 << 20;

    private const int DigestSize = 32, FixedSize = 32, StateSize = 16;

    /// <summary>Reads the record; null if it contradicts itself.</summary>
    public static LayerRecord? Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 8)
            return null;
        int count = BinaryPrimitives.ReadInt32LittleEndian(bytes), states = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
        bytes = bytes[8..];
        if (count < 0 || states < 0 || count > bytes.Length / FixedSize || states > bytes.Length / StateSize)
            return null;
        RecordedOriginal[] originals = new RecordedOriginal[count];
        for (int i = 0; i < count; i++)
        {
            if (bytes.Length < FixedSize)
                return null;
            bool hasDigest = bytes[5] != 0;
            int name = BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]);
            int size = FixedSize + (hasDigest ? DigestSize : 0) + name;
            if (bytes.Length < size)
                return null;
            originals[i] = new RecordedOriginal(BinaryPrimitives.ReadInt32LittleEndian(bytes), bytes[4],
                BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]),
                hasDigest ? bytes.Slice(FixedSize, DigestSize).ToArray() : default, bytes.Slice(size - name, name).ToArray());
            bytes = bytes[size..];
        }
        RecordedState[] history = new RecordedState[states];
        for (int i = 0; i < states; i++)
        {
            if (bytes.Length < StateSize)
                return null;
            int header = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
            if (header < 0 || header > bytes.Length - StateSize)
                return null;
            history[i] = new RecordedState(BinaryPrimitives.ReadInt64LittleEndian(bytes),
                bytes.Slice(StateSize, header).ToArray());
            bytes = bytes[(StateSize + header)..];
        }
        return new LayerRecord(originals, history);
    }

    /// <summary>The record as bytes.</summary>
    public byte[] ToBytes()
    {
        byte[] bytes = new byte[8 + Originals.Sum(one => FixedSize + one.Digest.Length + one.Name.Length) +
            History.Sum(state => StateSize + state.Header.Length)];
        Span<byte> rest = bytes;
        BinaryPrimitives.WriteInt32LittleEndian(rest, Originals.Length);
        BinaryPrimitives.WriteInt32LittleEndian(rest[4..], History.Length);
        rest = rest[8..];
        foreach (RecordedOriginal original in Originals)
        {
            BinaryPrimitives.WriteInt32LittleEndian(rest, original.Layer);
            rest[4] = original.Kind;
            rest[5] = original.Digest.IsEmpty ? (byte)0 : (byte)1;
            BinaryPrimitives.WriteUInt16LittleEndian(rest[6..], checked((ushort)original.Name.Length));
            BinaryPrimitives.WriteInt64LittleEndian(rest[8..], original.Start);
            BinaryPrimitives.WriteInt64LittleEndian(rest[16..], original.Length);
            original.Digest.Span.CopyTo(rest[FixedSize..]);
            original.Name.Span.CopyTo(rest[(FixedSize + original.Digest.Length)..]);
            rest = rest[(FixedSize + original.Digest.Length + original.Name.Length)..];
        }
        foreach (RecordedState state in History)
        {
            BinaryPrimitives.WriteInt64LittleEndian(rest, state.Length);
            BinaryPrimitives.WriteInt32LittleEndian(rest[8..], state.Header.Length);
            state.Header.Span.CopyTo(rest[StateSize..]);
            rest = rest[(StateSize + state.Header.Length)..];
        }
        return bytes;
    }
}
