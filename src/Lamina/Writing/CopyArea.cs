using System.Runtime.InteropServices;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>
/// Data that has to be copied into the output, each piece from a block boundary on. It has an address space of its own, the
/// <see cref="Original"/> that content can refer to like any other; where it lies is decided last.
/// </summary>
internal sealed class CopyArea
{
    private readonly int _blockSize;
    private readonly List<Segment> _pieces = [];

    public CopyArea(int blockSize)
    {
        _blockSize = blockSize;
        Original = new Original(new AreaSource(this), OriginalKind.Device);
    }

    /// <summary>The bytes so far, whole blocks.</summary>
    public long Length { get; private set; }

    /// <summary>What content refers to. Its bytes can be read before they are written.</summary>
    public Original Original { get; }

    /// <summary>Adds bytes of a source; where they begin in the area.</summary>
    public long Add(ByteSource source, long offset, long length)
    {
        long at = Length;
        _pieces.Add(new Segment(at, length, source, offset));
        Length += (length + _blockSize - 1) / _blockSize * _blockSize;
        return at;
    }

    /// <summary>Adds bytes in memory.</summary>
    public long Add(byte[] bytes) => Add(ByteSource.FromMemory("copied data", bytes), 0, bytes.Length);

    /// <summary>
    /// The area as runs of an image, from an address on. What rounds a piece up to whole blocks is in none of them: zeros.
    /// </summary>
    public IEnumerable<Segment> At(long address) =>
        _pieces.Select(piece => piece with { Address = address + piece.Address });

    /// <summary>The area as bytes, for data that is copied once more in another form.</summary>
    private sealed class AreaSource(CopyArea area) : ByteSource
    {
        public override string Name => "copied data";

        public override long Length => area.Length;

        public override int Read(long offset, Span<byte> destination)
        {
            destination = destination[..(int)Math.Clamp(Length - offset, 0, destination.Length)];
            LayoutSource.Read(CollectionsMarshal.AsSpan(area._pieces), offset, destination);
            return destination.Length;
        }
    }
}
