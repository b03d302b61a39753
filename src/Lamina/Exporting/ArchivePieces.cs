using Lamina.Archives;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>Takes the data of a file and writes those pieces of it that the archive holds, zeros included.</summary>
internal struct ArchivePieces(ArchiveStream archive, IReadOnlyList<DataRange> pieces) : IDataSink
{
    private int _piece;
    private long _position = pieces.Count > 0 ? pieces[0].Offset : long.MaxValue;

    public void Take(long offset, ReadOnlySpan<byte> bytes)
    {
        FillTo(offset);
        archive.Write(bytes);                                       // data never lies outside a piece
        Advance(bytes.Length);
    }

    public void FillTo(long offset)
    {
        while (_position < offset)
        {
            long count = Math.Min(offset, pieces[_piece].End) - _position;
            archive.WriteZeros(count);
            Advance(count);
        }
    }

    private void Advance(long count)
    {
        _position += count;
        while (_position == pieces[_piece].End)
        {
            if (++_piece == pieces.Count)
            {
                _position = long.MaxValue;
                return;
            }
            _position = pieces[_piece].Offset;
        }
    }
}
