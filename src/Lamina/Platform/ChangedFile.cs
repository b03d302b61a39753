using Microsoft.Win32.SafeHandles;

namespace Lamina.Platform;

/// <summary>
/// A file or block device that is changed in its place, by one user at a time: from before the first read until it is disposed
/// nobody else can open it so.
/// </summary>
internal sealed class ChangedFile : IDisposable
{
    /// <summary>Holds the lock of the file under a loop device.</summary>
    private readonly SafeFileHandle? _below;

    private ChangedFile(string path, SafeFileHandle handle, bool isDevice)
    {
        (Path, Handle) = (path, handle);
        if (!isDevice)
            return;
        Device = DeviceRoom.Of(path, handle);
        _below = FileLock.TakeBelow(handle, path);
    }

    public string Path { get; }

    public SafeFileHandle Handle { get; }

    /// <summary>The block device this is, whose length nobody changes; null of a file.</summary>
    public DeviceRoom? Device { get; }

    /// <summary>Opens and locks.</summary>
    /// <exception cref="IOException">Another has it, it is mounted, or it cannot be changed.</exception>
    public static ChangedFile Open(string path)
    {
        if (!OperatingSystem.IsLinux())
            return new ChangedFile(path, File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read), false);
        while (true)
        {
            FileStatus status = FileStatus.Of(path);
            bool isDevice = status.Type == FileStatus.BlockDevice;
            if (!isDevice && status.Type != FileStatus.RegularFile)
                throw new IOException($"{path}: is {OutputPlace.Describe(status.Type)}, which cannot be changed in its place");
            SafeFileHandle handle = isDevice ? OpenDevice(path) : OutputPlace.OpenExisting(path, Native.OpenReadWrite);
            try
            {
                FileLock.Take(handle, path);
                // Somebody may have put another file under the name before the lock was there.
                if (FileIdentity.Of(path) == FileIdentity.Of(handle))
                    return new ChangedFile(path, handle, isDevice);
                handle.Dispose();
            }
            catch
            {
                handle.Dispose();
                throw;
            }
        }
    }

    /// <summary>Opens a block device that nobody else has mounted or claimed (O_EXCL).</summary>
    internal static SafeFileHandle OpenDevice(string path)
    {
        try
        {
            return OutputPlace.OpenExisting(path, Native.OpenReadWrite | Native.OpenExclusive);
        }
        catch (IOException failure) when (failure.HResult == Errno.Busy)
        {
            throw new IOException($"{path}: the device is mounted or in use; unmount it first", Errno.Busy);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Handle.Dispose();
        _below?.Dispose();
    }
}
