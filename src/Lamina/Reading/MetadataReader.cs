namespace Lamina.Reading;

/// <summary>
/// Reads small structures at any position through a cache of pages, so that walking inodes costs few system calls. A span that is
/// handed out stays valid: pages are dropped, never reused.
/// </summary>
internal sealed class MetadataReader(ByteSource source, long start, long length)
{
    /// <summary>Bytes a page: dozens of inodes, and little of the data that may lie beside them.</summary>
    private const int PageSize = 4 << 10;

    /// <summary>Pages kept at once: 1 MiB an image, as there may be a thousand images. All are dropped when there are more.</summary>
    private const int MaxPages = 256;

    private readonly Dictionary<long, Page> _pages = [];
    private readonly Lock _lock = new();
    private Page _last = new(-1, []);

    private sealed record Page(long Number, byte[] Bytes);

    /// <summary>What messages call the bytes.</summary>
    public string Name => source.Name;

    /// <summary>The count of bytes that can be read.</summary>
    public long Length => length;

    /// <summary>The source's byte for one of ours, for messages.</summary>
    public long PositionInFile(long position) => start + position;

    /// <summary>A span over the bytes, copied only where they lie across pages.</summary>
    /// <exception cref="CorruptImageException">They reach past the end.</exception>
    public ReadOnlySpan<byte> Read(long position, int count, ulong? inode = null)
    {
        if (position < 0 || position > length - count)
            throw new CorruptImageException(Name, $"{count} bytes expected past the end at byte {length}", inode, PositionInFile(position));
        long number = position / PageSize;
        int into = (int)(position % PageSize);
        if (into + count <= PageSize)
            return PageAt(number).AsSpan(into, count);
        byte[] joined = new byte[count];
        Copy(position, joined);
        return joined;
    }

    /// <summary>Copies bytes that are known to exist; large runs go past the cache.</summary>
    public void Copy(long position, Span<byte> destination, ulong? inode = null)
    {
        if (position < 0 || position > length - destination.Length)
        {
            throw new CorruptImageException(
                Name, $"{destination.Length} bytes expected past the end at byte {length}", inode, PositionInFile(position));
        }
        while (destination.Length > 0)
        {
            long number = position / PageSize;
            int into = (int)(position % PageSize);
            if (destination.Length >= 4 * PageSize)
            {
                source.ReadExactly(start + position, destination);
                return;
            }
            int count = Math.Min(destination.Length, PageSize - into);
            PageAt(number).AsSpan(into, count).CopyTo(destination);
            destination = destination[count..];
            position += count;
        }
    }

    private byte[] PageAt(long number)
    {
        // Nearly always the page before; one reference is read and written as a whole, so that this needs no lock.
        Page last = _last;
        if (last.Number == number)
            return last.Bytes;
        lock (_lock)
        {
            if (!_pages.TryGetValue(number, out Page? page))
            {
                if (_pages.Count >= MaxPages)
                    _pages.Clear();
                long position = number * PageSize;
                byte[] bytes = GC.AllocateUninitializedArray<byte>((int)Math.Min(PageSize, length - position));
                source.ReadExactly(start + position, bytes);
                _pages.Add(number, page = new Page(number, bytes));
            }
            _last = page;
            return page.Bytes;
        }
    }
}
