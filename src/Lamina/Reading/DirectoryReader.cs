using Lamina.Format;
using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>A name in a directory of an image.</summary>
/// <param name="Name">The name.</param>
/// <param name="Nid">The inode it leads to.</param>
/// <param name="Type">What the directory says of the inode's type.</param>
/// <param name="Place">The first byte of its record in the directory.</param>
internal readonly record struct DirectoryItem(ReadOnlyMemory<byte> Name, ulong Nid, DirectoryFileType Type, long Place);

/// <summary>Reads directories, whatever their layout: blocks of records and names.</summary>
internal static class DirectoryReader
{
    /// <summary>
    /// The largest directory that is read, in bytes: over a hundred million names. Beyond, i_size is a lie rather than a
    /// directory.
    /// </summary>
    public const long MaxSize = 1 << 30;

    /// <summary>
    /// What a codec can make of a byte at most, generously: no buffer is made for a size that is merely claimed.
    /// </summary>
    public const long MaxExpansion = 1024;
    /// <summary>
    /// Bytes read at once, a multiple of every block size: a large directory is checked piece by piece, so that none is kept
    /// for a size that is merely claimed.
    /// </summary>
    private const int WindowSize = 1 << 20;

    /// <summary>The same for who looks at each name once; a multiple of every block size as well.</summary>
    private const int SmallWindowSize = 64 << 10;

    /// <summary>The names, sorted, without <c>.</c> and <c>..</c>; the names are slices of a few arrays.</summary>
    /// <exception cref="CorruptImageException">Records or names contradict one another or the order.</exception>
    public static DirectoryItem[] Read(ErofsImage image, in Inode inode) => Read(image, inode, static item => item);

    /// <summary>What a function makes of each name, in the same order.</summary>
    /// <exception cref="CorruptImageException">Records or names contradict one another or the order.</exception>
    public static T[] Read<T>(ErofsImage image, in Inode inode, Func<DirectoryItem, T> make)
    {
        if (inode.Size <= WindowSize)
            return Enumerate(image, inode, WindowSize, make).SingleOrDefault() ?? [];
        List<T> items = [];
        foreach (T[] window in Enumerate(image, inode, WindowSize, make))
            items.AddRange(window);
        return [.. items];
    }

    /// <summary>The names one after another, of which few are in memory at a time.</summary>
    /// <exception cref="CorruptImageException">Records or names contradict one another or the order.</exception>
    public static IEnumerable<DirectoryItem> Enumerate(ErofsImage image, Inode inode) =>
        Enumerate(image, inode, SmallWindowSize, static item => item).SelectMany(static window => window);

    /// <summary>Looks a name up, by way of the first names of a few blocks; null if it is not there.</summary>
    /// <exception cref="CorruptImageException">Records or names of the blocks on the way contradict one another.</exception>
    public static DirectoryItem? Find(ErofsImage image, in Inode inode, ReadOnlySpan<byte> name)
    {
        if (inode.Size > MaxSize)
            throw image.Corrupt(inode, $"a directory of {inode.Size} bytes is too large");
        ContentSource source = image.OpenSource(image.OpenContent(inode));
        byte[] block = new byte[(int)Math.Min(inode.Size, image.BlockSize)];
        long low = 0, high = (inode.Size + image.BlockSize - 1) >> image.SuperBlock.BlockBits;
        while (high - low > 1)                                          // the name is in a block from low on, before high
        {
            long middle = (low + high) / 2;
            Records first = new(image, inode, middle * image.BlockSize, ReadBlock(source, inode, middle, block));
            _ = first.MoveNext();
            if (first.Name.SequenceCompareTo(name) <= 0)
                low = middle;
            else
                high = middle;
        }
        if (low == high)
            return null;
        Records records = new(image, inode, low * image.BlockSize, ReadBlock(source, inode, low, block));
        while (records.MoveNext())
        {
            int order = records.Name.SequenceCompareTo(name);
            if (order == 0 && !IsDotOrDotDot(name))
                return new DirectoryItem(name.ToArray(), records.Record.Nid, records.Record.Type, records.Place);
            if (order >= 0)
                return null;
        }
        return null;
    }

    private static ReadOnlySpan<byte> ReadBlock(ContentSource source, in Inode inode, long number, byte[] block)
    {
        long start = number * block.Length;
        Span<byte> bytes = block.AsSpan(0, (int)Math.Min(block.Length, inode.Size - start));
        source.ReadExactly(start, bytes);
        return bytes;
    }

    private static IEnumerable<T[]> Enumerate<T>(ErofsImage image, Inode inode, int windowSize, Func<DirectoryItem, T> make)
    {
        if (inode.Size > MaxSize)
            throw image.Corrupt(inode, $"a directory of {inode.Size} bytes is too large");
        image.CountData(inode);
        Content content = image.OpenContent(inode);
        ContentSource? source = content is PlacedContent && inode.Size <= windowSize ? null : image.OpenSource(content);
        ReadOnlyMemory<byte> previous = default;
        for (long start = 0; start < inode.Size; start += windowSize)
        {
            byte[] bytes = new byte[(int)Math.Min(inode.Size - start, windowSize)];
            if (source is null)
                image.ReadSmall(content, bytes);
            else
                source.ReadExactly(start, bytes);
            yield return ReadWindow(image, inode, start, bytes, make, ref previous);
        }
    }

    private static T[] ReadWindow<T>(
        ErofsImage image, in Inode inode, long at, byte[] bytes, Func<DirectoryItem, T> make, ref ReadOnlyMemory<byte> previous)
    {
        T[] items = new T[Count(image, inode, at, bytes)];
        int count = 0;
        for (int start = 0; start < bytes.Length; start += image.BlockSize)
        {
            int length = Math.Min(image.BlockSize, bytes.Length - start);
            Records records = new(image, inode, at + start, bytes.AsSpan(start, length));
            while (records.MoveNext())
            {
                ReadOnlyMemory<byte> name = bytes.AsMemory(start + records.Record.NameOffset, records.Name.Length);
                CheckName(image, inode, name.Span, previous.Span);
                previous = name;
                if (!IsDotOrDotDot(name.Span))
                    items[count++] = make(new DirectoryItem(name, records.Record.Nid, records.Record.Type, records.Place));
            }
        }
        if (count < items.Length)
            Array.Resize(ref items, count);
        return items;
    }

    private static bool IsDotOrDotDot(ReadOnlySpan<byte> name) => name.SequenceEqual("."u8) || name.SequenceEqual(".."u8);

    private static int RecordCount(ErofsImage image, in Inode inode, long at, ReadOnlySpan<byte> block)
    {
        int first = block.Length < DirectoryRecord.Size ? 0 : DirectoryRecord.Parse(block).NameOffset;
        if (first < DirectoryRecord.Size || first % DirectoryRecord.Size != 0 || first >= block.Length)
            throw image.Corrupt(inode, $"the directory block at byte {at} has no sound first record");
        return first / DirectoryRecord.Size;
    }

    private static int Count(ErofsImage image, in Inode inode, long at, byte[] bytes)
    {
        int count = 0;
        for (int start = 0; start < bytes.Length; start += image.BlockSize)
        {
            ReadOnlySpan<byte> block = bytes.AsSpan(start, Math.Min(image.BlockSize, bytes.Length - start));
            count += RecordCount(image, inode, at + start, block);
        }
        return count;
    }

    /// <summary>The records of one block, one after another, each with its name.</summary>
    private ref struct Records(ErofsImage image, Inode inode, long at, ReadOnlySpan<byte> block)
    {
        private readonly ReadOnlySpan<byte> _block = block;
        private readonly int _count = RecordCount(image, inode, at, block);
        private int _next;
        private int _nameAt = DirectoryRecord.Parse(block).NameOffset;

        public DirectoryRecord Record { get; private set; }

        public ReadOnlySpan<byte> Name { get; private set; }

        /// <summary>The record's first byte in the directory.</summary>
        public readonly long Place => at + (_next - 1) * DirectoryRecord.Size;

        public bool MoveNext()
        {
            if (_next == _count)
                return false;
            int i = _next++;
            DirectoryRecord record = DirectoryRecord.Parse(_block[(i * DirectoryRecord.Size)..]);
            int end = i + 1 < _count ? DirectoryRecord.Parse(_block[((i + 1) * DirectoryRecord.Size)..]).NameOffset
                : _block.Length;
            if (record.NameOffset != _nameAt || end < _nameAt || end > _block.Length)
                throw image.Corrupt(inode, $"name {i} of the block at byte {at} is at {record.NameOffset}, ending at {end}");
            _nameAt = end;
            Name = _block[record.NameOffset..end];
            if (i + 1 == _count && Name.IndexOf((byte)0) is >= 0 and var zero)
                Name = Name[..zero];
            Record = record;
            return true;
        }
    }

    private static void CheckName(ErofsImage image, in Inode inode, ReadOnlySpan<byte> name, ReadOnlySpan<byte> previous)
    {
        if (name.Length is 0 or > Entry.MaxNameLength)
            throw image.Corrupt(inode, $"a name has {name.Length} bytes, 1 to {Entry.MaxNameLength} are possible");
        if (name.IndexOfAny((byte)0, (byte)'/') >= 0)
            throw image.Corrupt(inode, $"the name \"{Printable(name)}\" holds a slash or a NUL");
        if (previous.Length > 0 && previous.SequenceCompareTo(name) >= 0)
            throw image.Corrupt(inode, $"the name \"{Printable(name)}\" does not come after \"{Printable(previous)}\"");
    }

    private static string Printable(ReadOnlySpan<byte> name) => System.Text.Encoding.Latin1.GetString(name).Replace("\0", "\\0");
}
