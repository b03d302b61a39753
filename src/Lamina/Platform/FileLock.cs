using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Platform;

/// <summary>A lock as fcntl(2) takes it (<c>struct flock</c> with 64-bit offsets).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LockRequest
{
    internal short Type, Origin;
    internal long Start, Length;
    internal int Process;
}

/// <summary>
/// The lock of those who change a file in its place. It belongs to the open file (F_OFD_SETLK), so it holds between two users in
/// one process as well, and ends with the handle, however the process ends.
/// </summary>
internal static unsafe class FileLock
{
    private const int TestLock = 36, SetLock = 37;                      // F_OFD_GETLK, F_OFD_SETLK
    /// <summary>
    /// The byte that marks an unfinished file as in use: beyond those that say that a file is being changed, as it may have its
    /// name for a moment before the mark goes.
    /// </summary>
    private const long MarkOffset = 1L << 62;

    private const short ReadLock = 0, WriteLock = 1, NoLock = 2;

    /// <summary>Takes the lock, or says that another has it. Nobody waits.</summary>
    /// <param name="file">The file, open for writing; for <paramref name="isShared"/>, for reading.</param>
    /// <param name="path">Its name, for messages.</param>
    /// <param name="isShared">Whether others may read it, too, as long as nobody writes.</param>
    /// <exception cref="IOException">Another has it, or the file system has no locks.</exception>
    public static void Take(SafeFileHandle file, string path, bool isShared = false)
    {
        if (!OperatingSystem.IsLinux())
            return;                                                     // FileShare is a lock there
        LockRequest request = new() { Type = isShared ? ReadLock : WriteLock, Length = MarkOffset };
        if (Native.Lock(file, SetLock, &request) == 0)
            return;
        int errno = Marshal.GetLastPInvokeError();
        throw errno is Errno.Again or Errno.AccessDenied
            ? new IOException($"{path}: is being changed by somebody else; try again when that is done", errno)
            : SystemFailure.Make($"{path}: cannot be locked", errno);
    }

    /// <summary>
    /// Takes the lock of the file that a loop device shows, so that the device and the file are not changed at once. Null if the
    /// device shows none that can be reached and opened: a disk, or a file of somebody else.
    /// </summary>
    /// <param name="device">The device, open.</param>
    /// <param name="path">Its name, for messages.</param>
    /// <exception cref="IOException">Another has it.</exception>
    public static SafeFileHandle? TakeBelow(SafeFileHandle device, string path)
    {
        if (FileIdentity.Of(device) is not { } identity || identity.BackingFile() is not { } backing ||
            Native.Open(backing, Native.OpenReadWrite | Native.OpenCloseOnExec, 0) is not (>= 0 and int descriptor))
            return null;
        SafeFileHandle file = new(descriptor, ownsHandle: true);
        try
        {
            Take(file, path);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Marks an unfinished file as in use until its handle is closed. False if it is already, or the file system has no locks.
    /// </summary>
    public static bool TryMark(SafeFileHandle file)
    {
        LockRequest request = new() { Type = WriteLock, Start = MarkOffset, Length = 1 };
        return Native.Lock(file, SetLock, &request) == 0;
    }

    /// <summary>Whether somebody holds the lock.</summary>
    public static bool IsTaken(SafeFileHandle file)
    {
        LockRequest request = new() { Type = ReadLock, Length = MarkOffset };
        return OperatingSystem.IsLinux() && Native.Lock(file, TestLock, &request) == 0 && request.Type != NoLock;
    }
}
