using System.Buffers;

namespace Lamina.Reading;

/// <summary>
/// Reads small structures at any position through a cache of pages, so that walking inodes costs few system calls. A span that is
/// handed out stays valid: pages are dropped, never reused.
/// </summary>
internal sealed class MetadataReader(ByteSource source, long start, long length)
{
    /// <summary>Bytes a page: dozens of inodes, and little of the data that may lie beside them.</summary>
    private const int PageSize = 4 << 10;

    /// <summary>
    /// Pages kept at once: 1 MiB an image, as there may be a thousand images. All are dropped when there are more.
    /// </summary>
    private const int MaxPages = 256;

    /// <summary>From this many bytes on a run is not worth keeping.</summary>
    private const int LargeRun = 2 * PageSize;

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
        Check(position, count, inode);
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
        Check(position, destination.Length, inode);
        while (destination.Length > 0)
        {
            long number = position / PageSize;
            int into = (int)(position % PageSize);
            if (destination.Length >= LargeRun)
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

    /// <summary>Whether there are such bytes.</summary>
    /// <exception cref="CorruptImageException">They reach past the end.</exception>
    public void Check(long position, int count, ulong? inode)
    {
        if (position < 0 || position > length - count)
            throw new CorruptImageException(Name, $"{count} bytes expected past the end at byte {length}", inode,
                PositionInFile(position));
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

/// <summary>
/// Reads the inodes of one directory, which mostly lie together: straight from the file into one buffer, used again and again.
/// For one thread; a span is valid until the next one is asked for.
/// </summary>
internal sealed class MetadataWindow(MetadataReader reader) : IDisposable
{
    /// <summary>Directories of fewer bytes have so few inodes that pages kept for several directories serve better.</summary>
    public const int LeastDirectory = 1 << 10;

    private const int Size = 8 << 10, Alignment = 4 << 10;

    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(Size);
    private long _start;
    private int _count;

    /// <summary>What is read.</summary>
    public MetadataReader Reader => reader;

    /// <summary>Some bytes, far fewer than <see cref="Alignment"/>.</summary>
    /// <exception cref="CorruptImageException">They reach past the end.</exception>
    public ReadOnlySpan<byte> Read(long position, int count, ulong inode)
    {
        if (position < _start || position + count > _start + _count)
            Fill(position, count, inode);
        return _buffer.AsSpan((int)(position - _start), count);
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    private void Fill(long position, int count, ulong inode)
    {
        _count = 0;
        reader.Check(position, count, inode);
        _start = position & -Alignment;
        int wanted = (int)Math.Min(Size, reader.Length - _start);
        reader.Copy(_start, _buffer.AsSpan(0, wanted), inode);
        _count = wanted;
    }
}
