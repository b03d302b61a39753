using System.Buffers.Binary;
using Lamina.Tree;

namespace Lamina.Building;

/// <summary>A run of file data and how it is encoded.</summary>
/// <param name="Logical">The first byte's position in the file.</param>
/// <param name="Length">The count of file bytes.</param>
/// <param name="At">Where the encoded bytes begin among those of the part.</param>
/// <param name="EncodedLength">Their count.</param>
/// <param name="Encoding">How they are encoded.</param>
internal readonly record struct EncodedPiece(long Logical, long Length, int At, int EncodedLength, ClusterEncoding Encoding);

/// <summary>A run of file data that is stored once, however often it comes.</summary>
/// <param name="Key">What tells it from others; null where it is never shared.</param>
/// <param name="Logical">The first byte's position in the file.</param>
/// <param name="Length">The count of file bytes.</param>
/// <param name="FirstPiece">The first of its clusters among those of the part; they end where those of the next run
/// begin.</param>
internal readonly record struct EncodedRun(RunKey? Key, long Logical, int Length, int FirstPiece);

/// <summary>The SHA-256 of a run.</summary>
internal readonly record struct RunKey(UInt128 High, UInt128 Low)
{
    /// <summary>Of a hash of 32 bytes.</summary>
    public static RunKey Of(ReadOnlySpan<byte> hash) =>
        new(BinaryPrimitives.ReadUInt128BigEndian(hash), BinaryPrimitives.ReadUInt128BigEndian(hash[16..]));
}

/// <summary>What a run of a file became: filled by one thread, taken by another.</summary>
internal sealed class EncodedPart
{
    private byte[] _bytes = [];

    /// <summary>The clusters, by position in the file.</summary>
    public List<EncodedPiece> Pieces { get; } = [];

    /// <summary>The runs that may be stored already; empty where none is looked for.</summary>
    public List<EncodedRun> Runs { get; } = [];

    /// <summary>The count of encoded bytes.</summary>
    public int Length { get; private set; }

    /// <summary>The encoded bytes.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

    /// <summary>
    /// Where clusters fill whole blocks: the first byte of the file that was left for the packed file; the end of the part where
    /// none was.
    /// </summary>
    public long FragmentStart { get; set; }

    /// <summary>The encoded end of the file that is to stand with the inode; empty without. It is the last piece.</summary>
    public byte[] Tail { get; set; } = [];

    /// <summary>Room for bytes behind those that are there; <see cref="Add"/> makes them count.</summary>
    public Span<byte> Room(int count)
    {
        if (_bytes.Length < Length + count)
            Array.Resize(ref _bytes, Math.Max(Length + count, _bytes.Length * 2));
        return _bytes.AsSpan(Length, count);
    }

    /// <summary>Makes bytes count that were written to the room, as one piece.</summary>
    public void Add(long logical, long length, int encodedLength, ClusterEncoding encoding)
    {
        Pieces.Add(new EncodedPiece(logical, length, Length, encodedLength, encoding));
        Length += encodedLength;
    }
}
