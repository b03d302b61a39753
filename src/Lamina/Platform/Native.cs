using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Platform;

/// <summary>
/// The calls of Linux's C library that .NET has no name for. Nothing here decides anything; callers look at errno.
/// </summary>
internal static unsafe partial class Native
{
    internal const int OpenReadOnly = 0, OpenWriteOnly = 1, OpenReadWrite = 2, OpenCloseOnExec = 0x80000, OpenPath = 0x200000;
    internal const int OpenExclusive = 0x80, OpenCreate = 0x40;
    internal const int CurrentDirectory = -100, NoFollow = 0x100, FollowLink = 0x400, EmptyPath = 0x1000;

    /// <summary>SEEK_END, SEEK_DATA, SEEK_HOLE.</summary>
    internal const int FromEnd = 2, ToData = 3, ToHole = 4;

    /// <summary>PATH_MAX: no kernel call takes or gives a longer path.</summary>
    internal const int PathLimit = 4096;

    private const string Libc = "libc";

    // The mount calls have the same numbers on every architecture, and not every C library wraps them.
    private const nint MoveMountNumber = 429, FsOpenNumber = 430, FsConfigNumber = 431, FsMountNumber = 432;

    [LibraryImport(Libc, EntryPoint = "open", SetLastError = true, StringMarshallingCustomType = typeof(PathMarshaller))]
    internal static partial int Open(string path, int flags, uint mode);

    [LibraryImport(Libc, EntryPoint = "read", SetLastError = true)]
    internal static partial nint Read(int descriptor, byte* buffer, nint count);

    [LibraryImport(Libc, EntryPoint = "close", SetLastError = true)]
    internal static partial int Close(int descriptor);

    [LibraryImport(Libc, EntryPoint = "ioctl", SetLastError = true)]
    internal static partial int Control(int descriptor, nuint request, nint argument);

    [LibraryImport(Libc, EntryPoint = "mknod", SetLastError = true, StringMarshallingCustomType = typeof(PathMarshaller))]
    internal static partial int MakeNode(string path, uint mode, ulong device);

    [LibraryImport(Libc, EntryPoint = "geteuid")]
    internal static partial uint EffectiveUser();

    [LibraryImport(Libc, EntryPoint = "realpath", SetLastError = true, StringMarshallingCustomType = typeof(PathMarshaller))]
    internal static partial nint RealPath(string path, byte* resolved);

    [LibraryImport(Libc, EntryPoint = "mount", SetLastError = true, StringMarshallingCustomType = typeof(PathMarshaller))]
    internal static partial int Mount(string? source, string target, string? type, nuint flags, string? data);

    [LibraryImport(Libc, EntryPoint = "umount2", SetLastError = true, StringMarshallingCustomType = typeof(PathMarshaller))]
    internal static partial int Unmount(string target, int flags);

    [LibraryImport(Libc, EntryPoint = "openat", SetLastError = true, StringMarshallingCustomType = typeof(PathMarshaller))]
    internal static partial int OpenAt(SafeFileHandle directory, string path, int flags, uint mode);

    [LibraryImport(Libc, EntryPoint = "linkat", SetLastError = true, StringMarshallingCustomType = typeof(PathMarshaller))]
    internal static partial int LinkAt(int from, string fromPath, SafeFileHandle to, string toPath, int flags);

    [LibraryImport(Libc, EntryPoint = "renameat", SetLastError = true, StringMarshallingCustomType = typeof(PathMarshaller))]
    internal static partial int RenameAt(SafeFileHandle from, string fromPath, SafeFileHandle to, string toPath);

    [LibraryImport(Libc, EntryPoint = "unlinkat", SetLastError = true, StringMarshallingCustomType = typeof(PathMarshaller))]
    internal static partial int UnlinkAt(SafeFileHandle directory, string path, int flags);

    [LibraryImport(Libc, EntryPoint = "mkdir", SetLastError = true, StringMarshallingCustomType = typeof(PathMarshaller))]
    internal static partial int MakeDirectory(string path, uint mode);

    [LibraryImport(Libc, EntryPoint = "rmdir", SetLastError = true, StringMarshallingCustomType = typeof(PathMarshaller))]
    internal static partial int RemoveDirectory(string path);

    [LibraryImport(Libc, EntryPoint = "unlink", SetLastError = true, StringMarshallingCustomType = typeof(PathMarshaller))]
    internal static partial int Unlink(string path);

    [LibraryImport(Libc, EntryPoint = "rename", SetLastError = true, StringMarshallingCustomType = typeof(PathMarshaller))]
    internal static partial int Rename(string from, string to);

    [LibraryImport(Libc, EntryPoint = "opendir", SetLastError = true, StringMarshallingCustomType = typeof(PathMarshaller))]
    internal static partial nint OpenListing(string path);

    [LibraryImport(Libc, EntryPoint = "readdir", SetLastError = true)]
    internal static partial byte* ReadListing(nint listing);

    [LibraryImport(Libc, EntryPoint = "closedir")]
    internal static partial int CloseListing(nint listing);

    [LibraryImport(Libc, EntryPoint = "fallocate", SetLastError = true)]
    internal static partial int Allocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport(Libc, EntryPoint = "fsync", SetLastError = true)]
    internal static partial int Flush(SafeFileHandle file);

    [LibraryImport(Libc, EntryPoint = "lseek", SetLastError = true)]
    internal static partial long Seek(SafeFileHandle file, long offset, int origin);

    [LibraryImport(Libc, EntryPoint = "fcntl", SetLastError = true)]
    internal static partial int Lock(SafeFileHandle file, int command, LockRequest* request);

    /// <summary>fcntl(2) with F_GETFD: the flags of a descriptor, or less than 0 if it is closed.</summary>
    [LibraryImport(Libc, EntryPoint = "fcntl", SetLastError = true)]
    internal static partial int Descriptor(int descriptor, int command);

    [LibraryImport(Libc, EntryPoint = "readlink", SetLastError = true, StringMarshallingCustomType = typeof(PathMarshaller))]
    internal static partial nint ReadLink(string path, byte* target, nint size);

    [LibraryImport(Libc, EntryPoint = "copy_file_range", SetLastError = true)]
    internal static partial nint CopyFileRange(
        SafeFileHandle from, ref long fromOffset, SafeFileHandle to, ref long toOffset, nint length, uint flags);

    [LibraryImport(Libc, EntryPoint = "statx", SetLastError = true)]
    internal static partial int Status(int directory, byte* path, int flags, uint mask, FileStatus* status);

    internal static int FsOpen(string type, uint flags) => (int)CallText(FsOpenNumber, type, (nint)flags);

    internal static int FsConfig(int context, uint command, string? key, string? value) =>
        (int)CallConfig(FsConfigNumber, context, (nint)command, key, value, 0);

    internal static int FsMount(int context, uint flags, uint attributes) =>
        (int)CallNumbers(FsMountNumber, context, (nint)flags, (nint)attributes);

    internal static int MoveMount(int from, string fromPath, int to, string toPath, uint flags) =>
        (int)CallPaths(MoveMountNumber, from, fromPath, to, toPath, (nint)flags);

    [LibraryImport(Libc, EntryPoint = "syscall", SetLastError = true, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial nint CallText(nint number, string text, nint flags);

    [LibraryImport(Libc, EntryPoint = "syscall", SetLastError = true, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial nint CallConfig(nint number, nint context, nint command, string? key, string? value, nint extra);

    [LibraryImport(Libc, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint CallNumbers(nint number, nint first, nint second, nint third);

    [LibraryImport(Libc, EntryPoint = "syscall", SetLastError = true, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial nint CallPaths(nint number, nint from, string fromPath, nint to, string toPath, nint flags);
}
