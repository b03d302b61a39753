using Lamina.Format;
using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>
/// The files that a check came upon, in the order in which it did: a million of them in a few bytes each. Their names are not
/// kept but where they stand, as only those of files with faults are wanted.
/// </summary>
internal sealed class CheckedFiles(ErofsImage image)
{
    /// <summary>Longer paths no program can name (PATH_MAX), and all those of a deep tree would fill the memory.</summary>
    private const int MaxPathLength = 4096;

    /// <summary>Paths of directories that are kept, as faults mostly come in neighbourhoods.</summary>
    private const int MaxKeptPaths = 256;

    private const int PageBits = 12, LeastSlots = 1 << 10;

    private readonly List<Row[]> _pages = [];
    private readonly Dictionary<int, byte[]?> _paths = [];
    private readonly Lock _lock = new();
    private (int Directory, long Start, byte[] Bytes) _block = (-1, 0, []);

    /// <summary>Numbers of rows, each plus one, at places that the node number gives; a power of two of them.</summary>
    private int[] _slots = new int[LeastSlots];

    private struct Row
    {
        private const uint Directory = 1u << 31, Data = 1u << 30;

        public ulong Nid;
        public int Parent;
        public uint Names, Links;

        /// <summary>Where its name is; directories have no more than a gibibyte, so two bits are left.</summary>
        private uint _place;

        public long Place
        {
            readonly get => _place & ~(Directory | Data);
            set => _place = (_place & (Directory | Data)) | (uint)value;
        }

        public bool IsDirectory
        {
            readonly get => (_place & Directory) != 0;
            set => _place = value ? _place | Directory : _place & ~Directory;
        }

        public bool HasData
        {
            readonly get => (_place & Data) != 0;
            set => _place = value ? _place | Data : _place & ~Data;
        }
    }

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>Finds a file by its node number; -1 if it was not met yet.</summary>
    public int Find(ulong nid)
    {
        for (uint slot = SlotOf(nid); _slots[slot] != 0; slot = (slot + 1) & (uint)(_slots.Length - 1))
        {
            if (At(_slots[slot] - 1).Nid == nid)
                return _slots[slot] - 1;
        }
        return -1;
    }

    /// <summary>Adds a file that was not met yet.</summary>
    /// <param name="inode">Its inode.</param>
    /// <param name="parent">The directory that names it; -1 for the root and for inodes that have no name.</param>
    /// <param name="place">The first byte of the name's record in that directory.</param>
    /// <param name="hasData">Whether it has data to be read.</param>
    /// <returns>Its number.</returns>
    public int Add(in Inode inode, int parent, long place, bool hasData)
    {
        int number = Count++;
        if (number >> PageBits == _pages.Count)
            _pages.Add(new Row[1 << PageBits]);
        ref Row row = ref At(number);
        row.Nid = inode.Nid;
        row.Parent = parent;
        row.Place = place;
        row.Links = inode.Record.LinkCount;
        row.IsDirectory = inode.Type == NodeType.Directory;
        row.HasData = hasData;
        if (Count <= _slots.Length / 2)
        {
            Enter(number);
            return number;
        }
        _slots = new int[_slots.Length * 2];
        for (int i = 0; i <= number; i++)
            Enter(i);
        return number;
    }

    /// <summary>The file as a whole, read anew.</summary>
    public CheckedFile this[int number] => new(number + 1, At(number).Nid, this) { Inode = image.ReadInode(At(number).Nid) };

    /// <summary>Whether the file has data to be read.</summary>
    public bool HasData(int number) => At(number).HasData;

    /// <summary>Notes a name that leads to a file. Those of a directory are not counted: it has one.</summary>
    public void CountName(int number)
    {
        if (!At(number).IsDirectory)
            At(number).Names++;
    }

    /// <summary>Notes that a file has as many names as its inode says: nobody can count them.</summary>
    public void BelieveNames(int number) => At(number).Names = At(number).Links;

    /// <summary>Notes a directory in a directory.</summary>
    public void CountSubdirectory(int number) => At(number).Names++;

    /// <summary>
    /// What the link count says and what it should be: names of a file; of a directory itself, its name and its subdirectories.
    /// </summary>
    public (uint Said, uint Expected, bool IsDirectory) LinksOf(int number)
    {
        ref Row row = ref At(number);
        return (row.Links, row.IsDirectory ? row.Names + 2 : row.Names, row.IsDirectory);
    }

    /// <summary>The node number of the directory that names a file; its own for the root.</summary>
    public ulong ParentOf(int number) => At(At(number).Parent < 0 ? number : At(number).Parent).Nid;

    /// <summary>The path by which the check came to a file; null for what has no name, or none that a program can use.</summary>
    public ReadOnlyMemory<byte>? PathOf(int number)
    {
        if (number < Count && At(number).Nid == image.SuperBlock.RootNid)
            return "/"u8.ToArray();
        if (number >= Count || At(number).Parent < 0)
            return null;
        lock (_lock)
            return PathBelow(number) is { } path ? path : default(ReadOnlyMemory<byte>?);
    }

    /// <summary>The path of a named file, and on the way those of the directories above it.</summary>
    private byte[]? PathBelow(int number)
    {
        List<int> way = [];
        int length = 0;
        byte[]? path = [];
        for (int at = number; At(at).Parent >= 0 && !_paths.TryGetValue(at, out path); at = At(at).Parent)
        {
            way.Add(at);
            path = [];
            if ((length += 2) > MaxPathLength)
                return null;                                            // as many names alone are too long
        }
        for (int i = way.Count - 1; i >= 0 && path is not null; i--)
        {
            byte[] name = NameOf(way[i]);
            path = path.Length + 1 + name.Length > MaxPathLength ? null : [.. path, (byte)'/', .. name];
            if (i == 0)
                break;
            if (_paths.Count >= MaxKeptPaths)
                _paths.Clear();
            _paths[way[i]] = path;
        }
        return path;
    }

    /// <summary>The node number.</summary>
    public ulong NidOf(int number) => At(number).Nid;

    /// <summary>Whether a directory names it, or it is the root.</summary>
    public bool IsNamed(int number) => At(number).Parent >= 0 || At(number).Nid == image.SuperBlock.RootNid;

    /// <summary>Reads a name again, where it was found to be sound.</summary>
    public byte[] NameOf(int number)
    {
        long place = At(number).Place, start = place & -image.BlockSize;
        byte[] block = BlockOf(At(number).Parent, start);
        int record = (int)(place - start), next = record + DirectoryRecord.Size;
        int first = DirectoryRecord.Parse(block).NameOffset, from = DirectoryRecord.Parse(block.AsSpan(record)).NameOffset;
        ReadOnlySpan<byte> name = next < first ? block.AsSpan(from..DirectoryRecord.Parse(block.AsSpan(next)).NameOffset)
            : block.AsSpan(from);
        return name.IndexOf((byte)0) is >= 0 and var zero ? name[..zero].ToArray() : name.ToArray();
    }

    /// <summary>A block of a directory; neighbours are asked for one after another.</summary>
    private byte[] BlockOf(int number, long start)
    {
        if (_block.Directory == number && _block.Start == start)
            return _block.Bytes;
        Inode directory = image.ReadInode(At(number).Nid);
        byte[] bytes = new byte[(int)Math.Min(image.BlockSize, directory.Size - start)];
        image.OpenSource(image.OpenContent(directory)).ReadExactly(start, bytes);
        _block = (number, start, bytes);
        return bytes;
    }

    private ref Row At(int number) => ref _pages[number >> PageBits][number & ((1 << PageBits) - 1)];

    private uint SlotOf(ulong nid) => (uint)((nid * 0x9E3779B97F4A7C15) >> 32) & (uint)(_slots.Length - 1);

    private void Enter(int number)
    {
        uint slot = SlotOf(At(number).Nid);
        while (_slots[slot] != 0)
            slot = (slot + 1) & (uint)(_slots.Length - 1);
        _slots[slot] = number + 1;
    }
}

/// <summary>A file that a check looks at: its place in the walk, and how it was reached.</summary>
/// <param name="number">Its place, from 1 on; 0 for the image as a whole.</param>
/// <param name="nid">Its node number.</param>
/// <param name="files">All of them; null for the image as a whole.</param>
internal sealed class CheckedFile(int number, ulong nid, CheckedFiles? files)
{
    public int Number => number;

    public ulong Nid => nid;

    /// <summary>What the image has of it; default if that could not be read.</summary>
    public Inode Inode { get; set; }

    /// <summary>For a file that is not among the others: the directory and the name by which it was met.</summary>
    public (CheckedFile Directory, byte[] Name)? Met { get; init; }

    /// <summary>The node number of the directory that names it; its own for the root.</summary>
    public ulong ParentNid => files?.ParentOf(number - 1) ?? nid;

    /// <summary>The path, made when it is needed: in a deep tree all paths together are far longer than all names.</summary>
    public ReadOnlyMemory<byte>? Path()
    {
        if (Met is not { } met)
            return files is null ? "/"u8.ToArray() : files.PathOf(number - 1);
        if (met.Directory.Path() is not { } above)
            return null;
        ReadOnlySpan<byte> start = above.Span.SequenceEqual("/"u8) ? default : above.Span;
        return (byte[])[.. start, (byte)'/', .. met.Name];
    }
}
