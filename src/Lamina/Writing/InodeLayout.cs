using Lamina.Format;

namespace Lamina.Writing;

/// <summary>
/// Gives inodes their places: one behind another at multiples of 32 bytes, so that data that stands with an inode lies within one
/// block. The room that is left over before such data is filled with small inodes that come later.
/// </summary>
internal sealed class InodeLayout(int blockSize)
{
    private const int Slot = 1 << InodeRecord.SlotBits;

    /// <summary>
    /// Left-over room that is kept in mind; older room is given up, so that an inode is not far from its directory.
    /// </summary>
    private const int MaxGaps = 64;

    private readonly List<(long Start, long End)> _gaps = [];

    /// <summary>The first byte that is free. The first slot stays empty: a node number 0 is taken for none.</summary>
    public long End { get; private set; } = Slot;

    public void Place(PlannedInode inode)
    {
        if (inode.InlineSize == 0)
        {
            inode.Position = TakeGap(inode.TotalSize) ?? Append(End, inode.TotalSize);
            return;
        }
        for (int i = 0; i < _gaps.Count; i++)
        {
            (long start, long end) = _gaps[i];
            if (start + inode.TotalSize <= end && Fits(start, inode))
            {
                inode.Position = start;
                Shrink(i, start + inode.TotalSize);
                return;
            }
        }
        long position = End;
        while (!Fits(position, inode))
            position += Slot;
        if (position > End)
            AddGap(End, position);
        inode.Position = Append(position, inode.TotalSize);
    }

    private bool Fits(long position, PlannedInode inode) => inode.IsWithinOneBlock
        ? position % blockSize + inode.TotalSize <= blockSize
        : (position + inode.InlineAt) % blockSize + inode.InlineSize <= blockSize;

    private long Append(long position, int size)
    {
        End = Align(position + size);
        return position;
    }

    private long? TakeGap(int size)
    {
        for (int i = 0; i < _gaps.Count; i++)
        {
            long start = _gaps[i].Start;
            if (start + size > _gaps[i].End)
                continue;
            Shrink(i, start + size);
            return start;
        }
        return null;
    }

    private void AddGap(long start, long end)
    {
        if (_gaps.Count == MaxGaps)
            _gaps.RemoveAt(0);
        _gaps.Add((start, end));
    }

    private void Shrink(int gap, long start)
    {
        start = Align(start);
        if (start >= _gaps[gap].End)
            _gaps.RemoveAt(gap);
        else
            _gaps[gap] = (start, _gaps[gap].End);
    }

    private static long Align(long position) => (position + Slot - 1) & ~(Slot - 1L);
}
