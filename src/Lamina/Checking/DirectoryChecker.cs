using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Checking;

/// <summary>
/// Looks at every record of a directory and tells of all faults, where <see cref="DirectoryReader"/> stops at the first. Names
/// that are usable are handed on in spite of faults around them.
/// </summary>
internal sealed class DirectoryChecker(ErofsImage image, FaultList faults)
{
    /// <summary>
    /// Takes a name: which inode it leads to, what type the directory says that has, and the first byte of the record in the
    /// directory.
    /// </summary>
    public delegate void OnName(ReadOnlySpan<byte> name, ulong nid, DirectoryFileType type, long place);

    public void Check(CheckedFile directory, OnName onName)
    {
        Inode inode = directory.Inode;
        if (inode.Size > DirectoryReader.MaxSize || inode.Size / DirectoryReader.MaxExpansion > image.Primary.Length)
        {
            Fault(directory, $"a directory of {inode.Size} bytes is more than the image can hold");
            return;
        }
        ContentSource? source = null;
        bool isOpen = faults.Try(directory, () =>
        {
            source = image.OpenSource(image.OpenContent(inode));
            source.Prepare();
        });
        if (!isOpen)
            return;
        byte[] block = new byte[image.BlockSize];
        Walk walk = new(this, directory, onName);
        for (long start = 0; start < inode.Size && !faults.IsFull; start += block.Length)
        {
            int length = (int)Math.Min(block.Length, inode.Size - start);
            long at = start;
            if (faults.Try(directory, () => source!.ReadExactly(at, block.AsSpan(0, length))))
                walk.CheckBlock(start, block.AsSpan(0, length));
        }
        walk.Finish();
    }

    private void Fault(CheckedFile directory, string message) => faults.Add(directory, message, OffsetOf(directory.Inode));

    private static long? OffsetOf(in Inode inode) => inode.IsInMetabox ? null : inode.Position;

    private sealed class Walk(DirectoryChecker checker, CheckedFile directory, OnName onName)
    {
        private readonly byte[] _previous = new byte[Entry.MaxNameLength];
        private int _previousLength;
        private bool _hasDot, _hasDotDot;

        public void CheckBlock(long start, ReadOnlySpan<byte> block)
        {
            int first = block.Length < DirectoryRecord.Size ? 0 : DirectoryRecord.Parse(block).NameOffset;
            if (first < DirectoryRecord.Size || first % DirectoryRecord.Size != 0 || first >= block.Length)
            {
                Fault($"the directory block at byte {start} begins its names at {first}");
                return;
            }
            int records = first / DirectoryRecord.Size, next = first;
            for (int i = 0; i < records; i++)
            {
                DirectoryRecord record = DirectoryRecord.Parse(block[(i * DirectoryRecord.Size)..]);
                int behind = (i + 1) * DirectoryRecord.Size;
                int end = i + 1 < records ? DirectoryRecord.Parse(block[behind..]).NameOffset : block.Length;
                if (record.NameOffset != next || end <= next || end > block.Length)
                {
                    Fault($"name {i} of the directory block at byte {start} is at {record.NameOffset}, ending at {end}");
                    return;
                }
                next = end;
                ReadOnlySpan<byte> name = block[record.NameOffset..end];
                if (i + 1 == records && name.IndexOf((byte)0) is >= 0 and var zero)
                {
                    if (name[zero..].IndexOfAnyExcept((byte)0) >= 0)
                        Fault($"behind the last name of the directory block at byte {start} is something other than zeros");
                    name = name[..zero];
                }
                CheckRecord(record, name, start + i * DirectoryRecord.Size);
            }
        }

        public void Finish()
        {
            if (!_hasDot && !directory.Inode.Record.IsSingleLinkOrDotOmitted)
                Fault("has no entry \".\"");
            if (_hasDot && directory.Inode.Record.IsSingleLinkOrDotOmitted)
                Fault("has an entry \".\", and says that it has none: kernels show it twice");
            if (!_hasDotDot)
                Fault("has no entry \"..\"");
        }

        private void CheckRecord(in DirectoryRecord record, ReadOnlySpan<byte> name, long place)
        {
            if (name.Length is 0 or > Entry.MaxNameLength)
            {
                Fault($"a name has {name.Length} bytes, 1 to {Entry.MaxNameLength} are possible");
                return;
            }
            if (name.IndexOfAny((byte)0, (byte)'/') >= 0)
            {
                Fault($"the name \"{ShownBytes.Of(name)}\" holds a slash or a NUL");
                return;
            }
            ReadOnlySpan<byte> previous = _previous.AsSpan(0, _previousLength);
            int order = previous.SequenceCompareTo(name);
            if (order >= 0)
                Fault($"the name \"{ShownBytes.Of(name)}\" does not come after \"{ShownBytes.Of(previous)}\"");
            name.CopyTo(_previous);
            _previousLength = name.Length;
            if (name.SequenceEqual("."u8))
                CheckDot(record, ".", directory.Nid, ref _hasDot);
            else if (name.SequenceEqual(".."u8))
                CheckDot(record, "..", directory.ParentNid, ref _hasDotDot);
            else if (order != 0) // a name that is there twice is looked up as one of the two
                onName(name, record.Nid, record.Type, place);
        }

        private void CheckDot(in DirectoryRecord record, string name, ulong expected, ref bool isFound)
        {
            isFound = true;
            if (record.Nid != expected)
                Fault($"the entry \"{name}\" leads to inode {ShownBytes.OfNid(record.Nid)}, not to {ShownBytes.OfNid(expected)}");
            if (record.Type is not (DirectoryFileType.Directory or DirectoryFileType.Unknown))
                Fault($"the entry \"{name}\" says {record.Type}");
        }

        private void Fault(string message) => checker.Fault(directory, message);
    }
}
