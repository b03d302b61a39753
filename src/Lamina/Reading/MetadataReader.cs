using System.Buffers;
using System.Diagnostics;
using System.Numerics;
using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>
/// Reads small structures at any position through one cache, so that walking inodes costs few reads. The rule: what surrounds a
/// byte is read with it. Such a window has 8 KiB, and four times as much as the one it continues, up to 128 KiB, as metadata
/// is dense there. A source that takes longer than a millisecond to answer is asked for a mebibyte each time, and more of it is
/// kept.
/// </summary>
/// <remarks>
/// No lock is held while the source reads: whoever needs a window that another thread is reading waits for that one alone. What
/// a window cannot supply, because the source ends or fails within it, is read page by page, so a fault concerns only those who
/// need its bytes.
/// </remarks>
internal sealed class MetadataReader : ByteSource
{
    /// <summary>The smallest window, and what the others consist of.</summary>
    private const int Unit = 8 << 10;

    /// <summary>How many times as large a window is as the one it continues.</summary>
    private const int Growth = 4;

    /// <summary>The largest window where metadata is dense, and the one of a source that is slow to answer.</summary>
    private const int Dense = 128 << 10, Far = 1 << 20;

    /// <summary>
    /// Bytes kept for all readers together, each having the same share, as there may be a thousand images. Inodes may be spread
    /// over a whole image, between the data, so that a walk goes to and fro: most of what is slow to answer is kept as a whole.
    /// </summary>
    private const long KeptNear = 4 << 20, KeptFar = 64 << 20;

    /// <summary>What is read where a window failed.</summary>
    private const int PageSize = 4 << 10;

    /// <summary>
    /// How sources are told apart: four late answers in a row make one slow, as a few may be late because the machine has other
    /// things to do; then five in time make it a quick one again.
    /// </summary>
    private const int ManyLate = 4, MostLate = 8;

    private static readonly long s_late = Stopwatch.Frequency / 1000;

    /// <summary>How many readers there are.</summary>
    private static int s_count;

    private readonly ByteSource _source;
    private readonly Dictionary<long, MetadataWindow> _windows = [];
    private readonly Lock _lock = new();
    private MetadataWindow? _last;
    private readonly LinkedList<MetadataWindow> _byLastUse = [];
    private long _kept;
    private volatile int _late;
    private bool _isDisposed;

    /// <summary>A reader of a source, which is left open.</summary>
    public MetadataReader(ByteSource source)
    {
        _source = source;
        Length = source.Length;
        Interlocked.Increment(ref s_count);
    }

    ~MetadataReader() => Dispose(false);

    public override string Name => _source.Name;

    public override long Length { get; }

    /// <summary>Decoding takes its time for each byte: there nothing is won by more of them.</summary>
    private bool IsFar => _late >= ManyLate && _source is not ContentSource;

    /// <summary>
    /// A span over the bytes, copied only where they are in several windows. It stays valid; who reads much uses a
    /// <see cref="MetadataCursor"/>, so that the memory can be used again.
    /// </summary>
    /// <exception cref="CorruptImageException">They reach past the end.</exception>
    public ReadOnlySpan<byte> Read(long position, int count, ulong? inode = null)
    {
        Check(position, count, inode);
        if (count == 0)
            return [];
        // Nearly always the window before; one reference is read and written as a whole, so that this needs no lock.
        MetadataWindow? window = _last;
        if (window is null || !window.Holds(position, count))
            _last = window = Take(position);                            // and never released
        return window.Holds(position, count) ? Slice(window, position, count) : Join(position, count);
    }

    /// <inheritdoc/>
    public override int Read(long offset, Span<byte> destination)
    {
        if (offset < 0 || offset >= Length)
            return 0;
        destination = destination[..(int)Math.Min(destination.Length, Length - offset)];
        int total = destination.Length;
        if (total >= (IsFar ? Far : Dense))
            return _source.Read(offset, destination);
        while (destination.Length > 0)
        {
            MetadataWindow window = Take(offset);
            try
            {
                int count = (int)Math.Min(destination.Length, window.End - offset);
                Slice(window, offset, count).CopyTo(destination);
                destination = destination[count..];
                offset += count;
            }
            finally
            {
                Release(window);
            }
        }
        return total;
    }

    /// <summary>Whether there are such bytes.</summary>
    /// <exception cref="CorruptImageException">They reach past the end.</exception>
    public void Check(long position, int count, ulong? inode)
    {
        if (position < 0 || position > Length - count)
            throw new CorruptImageException(Name, $"{count} bytes expected past the end at byte {Length}", inode, position);
    }

    /// <summary>The window that has a byte. Its memory is not used for another one until it is released.</summary>
    internal MetadataWindow Take(long position)
    {
        lock (_lock)
        {
            if (!_windows.TryGetValue(position / Unit, out MetadataWindow? window))
                window = Add(position / Unit);
            else
                _byLastUse.Remove(window.Place);
            _byLastUse.AddLast(window.Place);
            window.Users++;
            return window;
        }
    }

    internal void Release(MetadataWindow window)
    {
        lock (_lock)
        {
            if (--window.Users == 0 && window.IsDropped)
                window.Recycle();
        }
    }

    /// <summary>Bytes of a window that holds them all.</summary>
    internal ReadOnlySpan<byte> Slice(MetadataWindow window, long position, int count)
    {
        ReadOnlySpan<byte> bytes = BytesOf(window);
        int into = (int)(position - window.Start);
        return into + count <= bytes.Length ? bytes.Slice(into, count) : ReadAlone(position, count);
    }

    /// <summary>What the source has of a window.</summary>
    internal ReadOnlySpan<byte> BytesOf(MetadataWindow window)
    {
        if (!window.IsFilled)
        {
            lock (window.Gate)
            {
                if (!window.IsFilled)
                    Fill(window);
            }
        }
        return window.Bytes;
    }

    /// <summary>A copy of bytes that are in several windows.</summary>
    internal byte[] Join(long position, int count)
    {
        byte[] joined = new byte[count];
        ReadExactly(position, joined);
        return joined;
    }

    private void Fill(MetadataWindow window)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(window.Length);
        int count;
        long start = Stopwatch.GetTimestamp();
        try
        {
            count = _source.Read(window.Start, bytes.AsSpan(0, window.Length));
        }
        catch (Exception fault) when (fault is IOException or CorruptImageException or UnsupportedImageException)
        {
            count = 0;                                                  // whoever needs what is faulty will meet it alone
        }
        // Memory that was not used before takes its time as well.
        long allowed = s_late + Math.Min(window.Length, Dense) * s_late / Dense;
        _late = Stopwatch.GetTimestamp() - start > allowed ? Math.Min(_late + 1, MostLate) : _late < ManyLate ? 0 : _late - 1;
        window.Fill(bytes, count);
    }

    /// <summary>What a window lacks, page by page.</summary>
    private ReadOnlySpan<byte> ReadAlone(long position, int count)
    {
        long start = position & -PageSize, end = Math.Min((position + count + PageSize - 1) & -PageSize, Length);
        byte[] pages = new byte[end - start];
        for (int done = 0; done < pages.Length; done += PageSize)
            _source.ReadExactly(start + done, pages.AsSpan(done, Math.Min(PageSize, pages.Length - done)));
        return pages.AsSpan((int)(position - start), count);
    }

    /// <summary>Adds the window of a unit: as much of what surrounds it as is in no other window.</summary>
    private MetadataWindow Add(long unit)
    {
        bool isFar = IsFar;
        int size = isFar ? Far : !_windows.TryGetValue(unit - 1, out MetadataWindow? before) ? Unit
            : (int)Math.Min(BitOperations.RoundUpToPowerOf2((uint)before.Length * Growth), Dense);
        long least = unit & -(size / Unit), most = least + size / Unit, first = unit, behind = unit + 1;
        while (first > least && !_windows.ContainsKey(first - 1))
            first--;
        while (behind < most && !_windows.ContainsKey(behind))
            behind++;
        MetadataWindow window = new(first * Unit, (int)(Math.Min(behind * Unit, Length) - first * Unit));
        long limit = isFar ? KeptFar : Math.Max(KeptNear / Volatile.Read(ref s_count), Dense);
        while (_kept > 0 && _kept + window.Length > limit)
            DropOldest();
        for (long at = window.Start / Unit; at * Unit < window.End; at++)
            _windows.Add(at, window);
        _kept += window.Length;
        return window;
    }

    protected override void Dispose(bool disposing)
    {
        if (!Interlocked.Exchange(ref _isDisposed, true))
            Interlocked.Decrement(ref s_count);
    }

    private void DropOldest()
    {
        MetadataWindow oldest = _byLastUse.First!.Value;
        _byLastUse.RemoveFirst();
        for (long at = oldest.Start / Unit; at * Unit < oldest.End; at++)
            _windows.Remove(at);
        _kept -= oldest.Length;
        oldest.IsDropped = true;
        if (oldest.Users == 0)
            oldest.Recycle();
    }
}

/// <summary>A run of bytes that is read at once.</summary>
internal sealed class MetadataWindow
{
    private readonly long _start;
    private readonly int _length;
    private volatile byte[]? _bytes;
    private int _count;

    public MetadataWindow(long start, int length)
    {
        _start = start;
        _length = length;
        Place = new LinkedListNode<MetadataWindow>(this);
    }

    public long Start => _start;

    public long End => _start + _length;

    public int Length => _length;

    /// <summary>Held by the thread that reads the window.</summary>
    public Lock Gate { get; } = new();

    /// <summary>How many are using its bytes. This and what follows is the reader's to change, under its lock.</summary>
    public long Users { get; set; }

    /// <summary>Its place among all, the one that was asked for last behind the others.</summary>
    public LinkedListNode<MetadataWindow> Place { get; }

    /// <summary>Whether it is in the cache no longer.</summary>
    public bool IsDropped { get; set; }

    /// <summary>Whether it was read.</summary>
    public bool IsFilled => _bytes is not null;

    /// <summary>What its bytes are at the start of, when it was read.</summary>
    public byte[] Array => _bytes ?? [];

    /// <summary>What there was to read.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _count);

    public bool Holds(long position, int count) => position >= _start && position + count <= _start + _length;

    public void Fill(byte[] bytes, int count)
    {
        _count = count;
        _bytes = bytes;
    }

    /// <summary>Gives the memory back, when nobody will ask for it any more.</summary>
    public void Recycle()
    {
        if (_bytes is { } bytes)
            ArrayPool<byte>.Shared.Return(bytes);
        _bytes = null;
    }
}

/// <summary>
/// Reads one structure after another, most of them near the one before. For one thread; a span is valid until the next one is
/// asked for.
/// </summary>
internal sealed class MetadataCursor(MetadataReader reader) : IDisposable
{
    private MetadataWindow? _window;
    private byte[] _bytes = [];
    private long _start, _end;

    /// <summary>What is read.</summary>
    public MetadataReader Reader => reader;

    /// <summary>A span over the bytes, copied only where they are in several windows.</summary>
    /// <exception cref="CorruptImageException">They reach past the end.</exception>
    public ReadOnlySpan<byte> Read(long position, int count, ulong? inode = null) =>
        position >= _start && position + count <= _end ? _bytes.AsSpan((int)(position - _start), count)
            : Move(position, count, inode);

    /// <summary>Lets the memory go that the last span was in.</summary>
    public void Dispose()
    {
        _end = 0;
        _bytes = [];
        if (_window is { } window)
            reader.Release(window);
        _window = null;
    }

    private ReadOnlySpan<byte> Move(long position, int count, ulong? inode)
    {
        reader.Check(position, count, inode);
        if (count == 0)
            return [];
        Dispose();
        MetadataWindow window = _window = reader.Take(position);
        if (!window.Holds(position, count))
            return reader.Join(position, count);
        ReadOnlySpan<byte> found = reader.Slice(window, position, count);
        (_bytes, _start, _end) = (window.Array, window.Start, window.Start + window.Bytes.Length);
        return found;
    }
}
