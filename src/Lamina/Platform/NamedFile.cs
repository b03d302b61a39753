using Microsoft.Win32.SafeHandles;

namespace Lamina.Platform;

/// <summary>
/// A file written beside its place under another name, <c>NAME.PROCESS.partial</c>, and renamed when it is whole: for systems
/// and file systems that have no files without a name. What killed processes left under such names goes when the next one begins.
/// </summary>
internal sealed class NamedFile : OutputPlace
{
    private readonly string _path, _temporary;
    private readonly bool _overwrites;
    private bool _isCommitted;

    private NamedFile(string path, string temporary, bool overwrites, SafeFileHandle handle) : base(handle) =>
        (_path, _temporary, _overwrites) = (path, temporary, overwrites);

    /// <summary>Begins a file.</summary>
    /// <param name="path">The name it is to have, at the end of all links.</param>
    /// <param name="overwrites">Whether a file of that name may be replaced.</param>
    public static NamedFile Begin(string path, bool overwrites)
    {
        RefuseExisting(path, overwrites);
        (string folder, string name) = OperatingSystem.IsLinux() ? Parts(path)
            : (System.IO.Path.GetDirectoryName(path)!, System.IO.Path.GetFileName(path));
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"{path}: there is no directory {folder}");
        string temporary = $"{path}.{Environment.ProcessId}.partial";
        while (true)
        {
            LeftBehind.Remove(folder, name + ".");
            // A new file: what somebody has put there, a link for instance, is never written through.
            SafeFileHandle handle = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read);
            if (LeftBehind.TryUse(handle, temporary))
                return new NamedFile(path, temporary, overwrites, handle);
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
        RefuseExisting(_path, _overwrites);
        try
        {
            File.Move(_temporary, _path, _overwrites);
        }
        catch (IOException failure)
        {
            throw new IOException($"{_path}: cannot be put in place: {failure.Message}", failure.HResult);
        }
        _isCommitted = true;
        if (!OperatingSystem.IsLinux())
            return;
        using SafeFileHandle folder = OpenExisting(Parts(_path).Folder, Native.OpenReadOnly);
        if (Native.Flush(folder) != 0)
            throw SystemFailure.Last($"{_path}: its directory cannot be flushed");
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (!_isCommitted && OperatingSystem.IsLinux())
            File.Delete(_temporary);                                    // while the lock says whose it is
        base.Dispose();
        if (!_isCommitted && !OperatingSystem.IsLinux())
            File.Delete(_temporary);
    }

    private static void RefuseExisting(string path, bool overwrites)
    {
        if (Directory.Exists(path))
            throw new IOException($"{path}: is a directory; the output can only be a file");
        if (!overwrites && File.Exists(path))
            throw Exists(path);
    }
}
