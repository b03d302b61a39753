using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Platform;

/// <summary>
/// A file that has no name until it is whole (O_TMPFILE): whatever ends the process, SIGKILL or the power, leaves nothing. Not
/// every file system can make one.
/// </summary>
internal sealed class UnnamedFile : OutputPlace
{
    private const int Mode = 0x1B6;                                     // 0666, less what umask takes away

    private readonly SafeFileHandle _folder;
    private readonly string _name, _path;
    private readonly bool _overwrites;

    private UnnamedFile(SafeFileHandle handle, SafeFileHandle folder, string name, string path, bool overwrites) : base(handle) =>
        (_folder, _name, _path, _overwrites) = (folder, name, path, overwrites);

    /// <summary>O_TMPFILE, which has O_DIRECTORY in it.</summary>
    private static int OpenUnnamed => 0x400000 | DirectoryCalls.Directory;

    /// <summary>Begins a file; null where the file system, or a system without /proc, cannot do it this way.</summary>
    /// <param name="target">The name it is to have, at the end of all links.</param>
    /// <param name="path">The name the user gave, for messages.</param>
    /// <param name="overwrites">Whether a file of that name may be replaced.</param>
    public static UnnamedFile? TryBegin(string target, string path, bool overwrites)
    {
        if (!HostFile.IsDirectory("/proc/self/fd"))
            return null;
        (string folderName, string name) = HostFile.Parts(target);
        if (name.Length == 0)
            throw new IOException($"{path}: is no name of a file");
        SafeFileHandle folder;
        try
        {
            folder = OpenExisting(folderName, Native.OpenReadOnly | DirectoryCalls.Directory);
        }
        catch (IOException failure) when (failure.HResult is Errno.NoEntry or Errno.NotDirectory)
        {
            throw new DirectoryNotFoundException($"{path}: there is no directory {folderName}");
        }
        int descriptor = Native.OpenAt(folder, ".", OpenUnnamed | Native.OpenReadWrite | Native.OpenCloseOnExec, Mode);
        if (descriptor >= 0)
            return new UnnamedFile(new SafeFileHandle(descriptor, ownsHandle: true), folder, name, path, overwrites);
        int errno = Marshal.GetLastPInvokeError();
        folder.Dispose();
        return errno is Errno.NotSupported or Errno.IsDirectory or Errno.Invalid or Errno.NoEntry or Errno.NotImplemented ? null
            : throw SystemFailure.Make($"{path}: cannot be made", errno);
    }

    /// <inheritdoc/>
    public override void Commit()
    {
        string unnamed = $"/proc/self/fd/{Handle.DangerousGetHandle()}";
        if (Native.LinkAt(Native.CurrentDirectory, unnamed, _folder, _name, Native.FollowLink) != 0)
        {
            if (Marshal.GetLastPInvokeError() != Errno.Exists)
                throw SystemFailure.Last($"{_path}: cannot be put in place");
            if (!_overwrites)
                throw Exists(_path);
            Replace(unnamed);
        }
        if (Native.Flush(_folder) != 0)
            throw SystemFailure.Last($"{_path}: its directory cannot be flushed");
    }

    /// <summary>A link replaces nothing, a rename does: the file gets another name for a moment.</summary>
    private void Replace(string unnamed)
    {
        RefuseChanging(_path);
        LeftBehind.Remove($"/proc/self/fd/{_folder.DangerousGetHandle()}", $".{_name}.");
        _ = FileLock.TryMark(Handle);
        for (int attempt = 0; ; attempt++)
        {
            string between = $".{_name}.{Environment.ProcessId}-{attempt}.partial";
            if (between.Length > 255)
                between = $".{Environment.ProcessId}-{attempt}.partial";
            if (Native.LinkAt(Native.CurrentDirectory, unnamed, _folder, between, Native.FollowLink) == 0)
            {
                if (Native.RenameAt(_folder, between, _folder, _name) == 0)
                    return;
                Exception failure = SystemFailure.Last($"{_path}: cannot be put in place");
                _ = Native.UnlinkAt(_folder, between, 0);
                throw failure;
            }
            if (Marshal.GetLastPInvokeError() != Errno.Exists || attempt == 1000)
                throw SystemFailure.Last($"{_path}: cannot be put in place");
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _folder.Dispose();
    }
}
