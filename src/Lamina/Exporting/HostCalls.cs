using System.Runtime.InteropServices;
using Lamina.Platform;

namespace Lamina.Exporting;

/// <summary>A time as utimensat(2) takes it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TimeSpec
{
    internal nint Seconds, Nanoseconds;
}

/// <summary>
/// The calls of Linux's C library with which files are made below a directory that is open: all take one name, none a path.
/// </summary>
internal static unsafe partial class HostCalls
{
    internal const int ReadOnly = 0, WriteOnly = 1, Create = 0x40, Exclusive = 0x80, CloseOnExec = 0x80000;

    /// <summary>AT_FDCWD: paths begin at the working directory.</summary>
    internal const int CurrentFolder = -100;

    /// <summary>O_PATH: a place to begin at, which may be one that cannot be read.</summary>
    internal const int PathOnly = 0x200000;

    internal const int LinkNoFollow = 0x100, RemoveDirectory = 0x200, EmptyPath = 0x1000;     // AT_SYMLINK_NOFOLLOW, ...

    /// <summary>STATX_MODE, STATX_UID with STATX_GID, STATX_MTIME: what statx(2) is asked for.</summary>
    internal const uint StatusPermissions = 0x2, StatusOwners = 0x18, StatusTime = 0x40;

    /// <summary>The bytes that statx(2) fills, and where in them is what.</summary>
    internal const int StatusSize = 256, StatusUser = 20, StatusGroup = 24, StatusMode = 28, StatusSeconds = 112;

    /// <summary>The type of an inode's entry in what readdir(3) returns; the same on all 64-bit machines.</summary>
    internal const int DirentType = 18;

    internal const byte DirentIsDirectory = 4;

    private const string Libc = "libc";

    [LibraryImport(Libc, EntryPoint = "open", SetLastError = true, StringMarshallingCustomType = typeof(PathMarshaller))]
    internal static partial int Open(string path, int flags, uint mode);

    [LibraryImport(Libc, EntryPoint = "close", SetLastError = true)]
    internal static partial int Close(int descriptor);

    [LibraryImport(Libc, EntryPoint = "dup", SetLastError = true)]
    internal static partial int Duplicate(int descriptor);

    [LibraryImport(Libc, EntryPoint = "pwrite", SetLastError = true)]
    internal static partial nint Write(int descriptor, byte* bytes, nint count, long offset);

    [LibraryImport(Libc, EntryPoint = "ftruncate", SetLastError = true)]
    internal static partial int SetLength(int descriptor, long length);

    [LibraryImport(Libc, EntryPoint = "mkdirat", SetLastError = true)]
    internal static partial int MakeDirectory(int directory, byte* name, uint mode);

    [LibraryImport(Libc, EntryPoint = "mknodat", SetLastError = true)]
    internal static partial int MakeNode(int directory, byte* name, uint mode, ulong device);

    [LibraryImport(Libc, EntryPoint = "symlinkat", SetLastError = true)]
    internal static partial int MakeSymbolicLink(byte* target, int directory, byte* name);

    [LibraryImport(Libc, EntryPoint = "linkat", SetLastError = true)]
    internal static partial int MakeLink(int fromDirectory, byte* fromName, int toDirectory, byte* toName, int flags);

    [LibraryImport(Libc, EntryPoint = "unlinkat", SetLastError = true)]
    internal static partial int Unlink(int directory, byte* name, int flags);

    [LibraryImport(Libc, EntryPoint = "fchown", SetLastError = true)]
    internal static partial int SetOwner(int descriptor, uint user, uint group);

    [LibraryImport(Libc, EntryPoint = "fchownat", SetLastError = true)]
    internal static partial int SetOwnerAt(int directory, byte* name, uint user, uint group, int flags);

    [LibraryImport(Libc, EntryPoint = "fchmod", SetLastError = true)]
    internal static partial int SetMode(int descriptor, uint mode);

    [LibraryImport(Libc, EntryPoint = "fchmodat", SetLastError = true)]
    internal static partial int SetModeAt(int directory, byte* name, uint mode, int flags);

    [LibraryImport(Libc, EntryPoint = "futimens", SetLastError = true)]
    internal static partial int SetTimes(int descriptor, TimeSpec* accessAndChange);

    [LibraryImport(Libc, EntryPoint = "utimensat", SetLastError = true)]
    internal static partial int SetTimesAt(int directory, byte* name, TimeSpec* accessAndChange, int flags);

    [LibraryImport(Libc, EntryPoint = "fsetxattr", SetLastError = true)]
    internal static partial int SetAttribute(int descriptor, byte* name, byte* value, nint length, int flags);

    [LibraryImport(Libc, EntryPoint = "lsetxattr", SetLastError = true)]
    internal static partial int SetAttributeOfLink(byte* path, byte* name, byte* value, nint length, int flags);

    [LibraryImport(Libc, EntryPoint = "statx", SetLastError = true)]
    internal static partial int Status(int directory, byte* name, int flags, uint mask, byte* status);

    [LibraryImport(Libc, EntryPoint = "readdir", SetLastError = true)]
    internal static partial byte* ReadListing(nint listing);

    [LibraryImport(Libc, EntryPoint = "rewinddir")]
    internal static partial void Rewind(nint listing);

    [LibraryImport(Libc, EntryPoint = "closedir")]
    internal static partial int CloseListing(nint listing);

    [LibraryImport(Libc, EntryPoint = "geteuid")]
    internal static partial uint EffectiveUser();

    [LibraryImport(Libc, EntryPoint = "getegid")]
    internal static partial uint EffectiveGroup();
}

/// <summary>The errno values that something here reacts to, by the numbers they have on Linux.</summary>
internal static class HostError
{
    internal const int NotPermitted = 1, AccessDenied = 13, Exists = 17, OtherDevice = 18, Invalid = 22, FileTooLarge = 27;

    internal const int TooManyLinks = 31, NotSupported = 95;

    internal static int Last => Marshal.GetLastPInvokeError();

    /// <summary>The failure of the call just made on this thread, as the BCL would throw it; HResult holds the errno.</summary>
    internal static Exception Failure(string what) => Failure(what, Last);

    internal static Exception Failure(string what, int errno)
    {
        string message = $"{what}: {Text(errno)}";
        return errno is NotPermitted or AccessDenied
            ? new UnauthorizedAccessException(message) { HResult = errno }
            : new IOException(message, errno);
    }

    internal static string Text(int errno) => Marshal.GetPInvokeErrorMessage(errno);
}
