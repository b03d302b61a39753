using System.Runtime.InteropServices;

namespace Lamina.Tests.Compression;

/// <summary>
/// Memory between two pages that nobody may touch: a read or write one byte too far ends the process instead of going unseen.
/// </summary>
internal sealed unsafe partial class GuardedBuffer : IDisposable
{
    private const int None = 0, ReadWrite = 3, PrivateAnonymous = 0x22;

    private readonly nint _map;
    private readonly nint _size;
    private readonly int _page = Environment.SystemPageSize;

    /// <param name="capacity">The most bytes a span may have.</param>
    internal GuardedBuffer(int capacity)
    {
        nint inner = (capacity + _page - 1) / _page * _page;
        _size = inner + (2 * _page);
        _map = Map(0, _size, ReadWrite, PrivateAnonymous, -1, 0);
        if (_map == -1 || Protect(_map, _page, None) != 0 || Protect(_map + _page + inner, _page, None) != 0)
            throw new OutOfMemoryException("no guarded memory can be had");
    }

    /// <summary>Bytes that begin right behind the lower guard.</summary>
    internal Span<byte> AtStart(int length) => new((byte*)_map + _page, length);

    /// <summary>Bytes that end right in front of the upper guard.</summary>
    internal Span<byte> AtEnd(int length) => new((byte*)_map + _size - _page - length, length);

    /// <inheritdoc/>
    public void Dispose() => _ = Unmap(_map, _size);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nint size, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nint size, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nint size);
}
