using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>
/// Data that has to be copied into the output, each piece from a block boundary on. It has an address space of its own, the
/// <see cref="Original"/> that content can refer to like any other; where it lies is decided last.
/// </summary>
internal sealed class CopyArea(int blockSize)
{
    private readonly List<Piece> _pieces = [];
    private readonly ByteSource _nothing = ByteSource.FromMemory("copied data", ReadOnlyMemory<byte>.Empty);
    private Original? _original;

    private readonly record struct Piece(ByteSource Source, long Offset, long Length, long At);

    /// <summary>The bytes so far, whole blocks.</summary>
    public long Length { get; private set; }

    /// <summary>What content refers to.</summary>
    public Original Original => _original ??= new Original(_nothing, OriginalKind.Device);

    /// <summary>Adds bytes of a source; where they begin in the area.</summary>
    public long Add(ByteSource source, long offset, long length)
    {
        long at = Length;
        _pieces.Add(new Piece(source, offset, length, at));
        Length += (length + blockSize - 1) / blockSize * blockSize;
        return at;
    }

    /// <summary>Adds bytes in memory.</summary>
    public long Add(byte[] bytes) => Add(ByteSource.FromMemory("copied data", bytes), 0, bytes.Length);

    /// <summary>Writes the area.</summary>
    public void Write(OutputFile output, long position)
    {
        foreach (Piece piece in _pieces)
            output.CopyFrom(piece.Source, piece.Offset, position + piece.At, piece.Length);
    }
}
