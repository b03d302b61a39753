using Lamina.Format;
using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>A name in a directory of an image.</summary>
internal readonly record struct DirectoryItem(ReadOnlyMemory<byte> Name, ulong Nid, DirectoryFileType Type);

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

    /// <summary>The names, sorted, without <c>.</c> and <c>..</c>; the names are slices of a few arrays.</summary>
    /// <exception cref="CorruptImageException">Records or names contradict one another or the order.</exception>
    public static DirectoryItem[] Read(ErofsImage image, in Inode inode) => Read(image, inode, static (_, item) => item);

    /// <summary>What a function makes of each name and its index, in the same order.</summary>
    /// <exception cref="CorruptImageException">Records or names contradict one another or the order.</exception>
    public static T[] Read<T>(ErofsImage image, in Inode inode, Func<int, DirectoryItem, T> make)
    {
        if (inode.Size > MaxSize)
            throw image.Corrupt(inode, $"a directory of {inode.Size} bytes is too large");
        image.CountData(inode);
        Content content = image.OpenContent(inode);
        ContentSource? source = CanCopy(inode, content) ? null : image.OpenSource(content);
        List<T> items = [];
        ReadOnlyMemory<byte> previous = default;
        for (long start = 0; start < inode.Size; start += WindowSize)
        {
            byte[] bytes = new byte[(int)Math.Min(inode.Size - start, WindowSize)];
            if (source is null)
                Copy(image, inode, (PlacedContent)content, bytes);
            else
                source.ReadExactly(start, bytes);
            T[] window = ReadWindow(image, inode, start, bytes, items.Count, make, ref previous);
            if (inode.Size <= WindowSize)
                return window;
            items.AddRange(window);
        }
        return [.. items];
    }

    private static T[] ReadWindow<T>(
        ErofsImage image, in Inode inode, long at, byte[] bytes, int before, Func<int, DirectoryItem, T> make,
        ref ReadOnlyMemory<byte> previous)
    {
        T[] items = new T[Count(image, inode, at, bytes)];
        int count = 0;
        for (int start = 0; start < bytes.Length; start += image.BlockSize)
        {
            int length = Math.Min(image.BlockSize, bytes.Length - start);
            ReadOnlySpan<byte> block = bytes.AsSpan(start, length);
            int records = RecordCount(block);
            int next = DirectoryRecord.Parse(block).NameOffset;
            for (int i = 0; i < records; i++)
            {
                DirectoryRecord record = DirectoryRecord.Parse(block[(i * DirectoryRecord.Size)..]);
                int end = i + 1 < records ? DirectoryRecord.Parse(block[((i + 1) * DirectoryRecord.Size)..]).NameOffset : length;
                if (record.NameOffset != next || end < next || end > length)
                    throw image.Corrupt(inode,
                        $"name {i} of the block at byte {at + start} is at {record.NameOffset}, ending at {end}");
                next = end;
                int nameLength = end - record.NameOffset;
                if (i + 1 == records && block.Slice(record.NameOffset, nameLength).IndexOf((byte)0) is >= 0 and var zero)
                    nameLength = zero;
                ReadOnlyMemory<byte> name = bytes.AsMemory(start + record.NameOffset, nameLength);
                CheckName(image, inode, name.Span, previous.Span);
                previous = name;
                if (!IsDotOrDotDot(name.Span))
                    items[count] = make(before + count++, new DirectoryItem(name, record.Nid, record.Type));
            }
        }
        if (count < items.Length)
            Array.Resize(ref items, count);
        return items;
    }

    private static bool IsDotOrDotDot(ReadOnlySpan<byte> name) => name.SequenceEqual("."u8) || name.SequenceEqual(".."u8);

    private static int RecordCount(ReadOnlySpan<byte> block) =>
        block.Length < DirectoryRecord.Size ? 0 : DirectoryRecord.Parse(block).NameOffset / DirectoryRecord.Size;

    private static int Count(ErofsImage image, in Inode inode, long at, byte[] bytes)
    {
        int count = 0;
        for (int start = 0; start < bytes.Length; start += image.BlockSize)
        {
            ReadOnlySpan<byte> block = bytes.AsSpan(start, Math.Min(image.BlockSize, bytes.Length - start));
            int records = RecordCount(block);
            if (records == 0 || records * DirectoryRecord.Size != DirectoryRecord.Parse(block).NameOffset ||
                records * DirectoryRecord.Size >= block.Length)
            {
                throw image.Corrupt(inode, $"the directory block at byte {at + start} has no sound first record");
            }
            count += records;
        }
        return count;
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

    /// <summary>
    /// Whether the bytes can be had straight from the metadata, without the way through extents: the common forms.
    /// </summary>
    private static bool CanCopy(in Inode inode, Content content) =>
        content is PlacedContent { Extents.Length: <= 2 } && !inode.IsInMetabox && inode.Size <= WindowSize;

    private static void Copy(ErofsImage image, in Inode inode, PlacedContent content, Span<byte> bytes)
    {
        foreach (PlacedExtent extent in content.Extents)
        {
            Span<byte> part = bytes.Slice((int)extent.Logical, (int)extent.Length);
            if (extent.Original == image.Primary)
                image.MetadataOf(0).Copy(extent.Offset, part, inode.Nid);
            else
                extent.Original.Bytes.ReadExactly(extent.Offset, part);
        }
    }
}
