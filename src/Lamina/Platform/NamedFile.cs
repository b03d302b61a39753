using Microsoft.Win32.SafeHandles;

namespace Lamina.Platform;

/// <summary>
/// A file written beside its place under another name, <c>NAME.PROCESS.partial</c>, and renamed when it is whole: for systems
/// and file systems that have no files without a name. What killed processes left under such names goes when the next one begins.
/// </summary>
internal sealed class NamedFile : OutputPlace
{
    private readonly string _path, _shown, _temporary;
    private readonly bool _overwrites;
    private bool _isCommitted;

    private NamedFile(string path, string shown, string temporary, bool overwrites, SafeFileHandle handle) : base(handle) =>
        (_path, _shown, _temporary, _overwrites) = (path, shown, temporary, overwrites);

    /// <summary>Begins a file.</summary>
    /// <param name="path">The name it is to have, at the end of all links.</param>
    /// <param name="shown">The name the user gave, for messages.</param>
    /// <param name="overwrites">Whether a file of that name may be replaced.</param>
    public static NamedFile Begin(string path, string shown, bool overwrites)
    {
        RefuseExisting(path, shown, overwrites);
        (string folder, string name) = HostFile.Parts(path);
        if (!HostFile.IsDirectory(folder))
            throw new DirectoryNotFoundException($"{shown}: there is no directory {folder}");
        string temporary = $"{path}.{Environment.ProcessId}.partial";
        while (true)
        {
            LeftBehind.Remove(folder, name + ".");
            // A new file: what somebody has put there, a link for instance, is never written through.
            SafeFileHandle handle = Create(temporary, shown);
            if (LeftBehind.TryUse(handle, temporary))
                return new NamedFile(path, shown, temporary, overwrites, handle);
            handle.Dispose();
        }
    }

    /// <inheritdoc/>
    public override void Commit()
    {
        if (OperatingSystem.IsLinux())
            RefuseChanging(_path);
        else
            Handle.Dispose();                                           // what is open cannot be renamed there
        RefuseExisting(_path, _shown, _overwrites);
        if (!OperatingSystem.IsLinux())
        {
            File.Move(_temporary, _path, _overwrites);
            _isCommitted = true;
            return;
        }
        (string name, string file) = HostFile.Parts(_path);
        using SafeFileHandle folder = OpenExisting(name, Native.OpenReadOnly);
        Place(folder, file);
        _isCommitted = true;
        if (Native.Flush(folder) != 0)
            throw SystemFailure.Last($"{_shown}: its directory cannot be flushed");
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (!_isCommitted && OperatingSystem.IsLinux())
            HostFile.Remove(_temporary);                                // while the lock says whose it is
        base.Dispose();
        if (!_isCommitted && !OperatingSystem.IsLinux())
            HostFile.Remove(_temporary);
    }

    private static SafeFileHandle Create(string path, string shown)
    {
        if (!OperatingSystem.IsLinux())
            return File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read);
        const uint readAndWrite = 0x1B6;                                // 0666, less what umask takes away
        int descriptor = Native.Open(path, Native.OpenReadWrite | Native.OpenCreate | Native.OpenExclusive |
            Native.OpenCloseOnExec, readAndWrite);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true)
            : throw SystemFailure.Last($"{shown}: cannot be made");
    }

    /// <summary>Gives the file its name. A link replaces nothing, a rename does; not every file system has links.</summary>
    private void Place(SafeFileHandle folder, string name)
    {
        if (!_overwrites)
        {
            if (Native.LinkAt(Native.CurrentDirectory, _temporary, folder, name, 0) == 0)
            {
                HostFile.Remove(_temporary);
                return;
            }
            if (System.Runtime.InteropServices.Marshal.GetLastPInvokeError() == Errno.Exists)
                throw Exists(_shown);
        }
        if (Native.Rename(_temporary, _path) != 0)
            throw SystemFailure.Last($"{_shown}: cannot be put in place");
    }

    private static void RefuseExisting(string path, string shown, bool overwrites)
    {
        if (HostFile.IsDirectory(path))
            throw new IOException($"{shown}: is a directory; the output can only be a file");
        if (!overwrites && HostFile.Exists(path))
            throw Exists(shown);
    }
}
