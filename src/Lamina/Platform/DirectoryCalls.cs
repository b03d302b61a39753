using System.Runtime.InteropServices;

namespace Lamina.Platform;

/// <summary>
/// The calls of Linux's C library with which names are opened and read below a directory that is open. Nothing here decides
/// anything.
/// </summary>
internal static unsafe partial class DirectoryCalls
{
    /// <summary>O_NONBLOCK: who opens a FIFO that took a file's place does not wait for a writer.</summary>
    internal const int NonBlocking = 0x800;

    /// <summary>The name of an inode's entry in what readdir(3) returns; the same on all 64-bit machines.</summary>
    internal const int EntryName = 19;

    private const string Libc = "libc";

    /// <summary>O_DIRECTORY; x86 has other numbers for these two than the rest.</summary>
    internal static int Directory { get; } = IsX86 ? 0x10000 : 0x4000;

    /// <summary>O_NOFOLLOW.</summary>
    internal static int NoFollow { get; } = IsX86 ? 0x20000 : 0x8000;

    private static bool IsX86 => RuntimeInformation.ProcessArchitecture is not (
        Architecture.Arm64 or Architecture.Arm or Architecture.Ppc64le);

    [LibraryImport(Libc, EntryPoint = "openat", SetLastError = true)]
    internal static partial int OpenAt(int directory, byte* name, int flags, uint mode);

    [LibraryImport(Libc, EntryPoint = "pread", SetLastError = true)]
    internal static partial nint ReadAt(int descriptor, byte* buffer, nint count, long offset);

    [LibraryImport(Libc, EntryPoint = "lseek", SetLastError = true)]
    internal static partial long Seek(int descriptor, long offset, int origin);

    [LibraryImport(Libc, EntryPoint = "readlinkat", SetLastError = true)]
    internal static partial nint ReadLink(int directory, byte* name, byte* target, nint size);

    [LibraryImport(Libc, EntryPoint = "fdopendir", SetLastError = true)]
    internal static partial nint OpenListing(int descriptor);

    [LibraryImport(Libc, EntryPoint = "llistxattr", SetLastError = true)]
    internal static partial nint ListAttributes(byte* path, byte* list, nint size);

    [LibraryImport(Libc, EntryPoint = "lgetxattr", SetLastError = true)]
    internal static partial nint GetAttribute(byte* path, byte* name, byte* value, nint size);
}
