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
        RemoveLeftBehind(path);
        string temporary = $"{path}.{Environment.ProcessId}.partial";
        // A new file: what somebody has put there, a link for instance, is never written through.
        return new NamedFile(path, temporary, overwrites,
            File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read));
    }

    /// <inheritdoc/>
    public override void Commit()
    {
        if (OperatingSystem.IsLinux())
            RefuseChanging(_path);
        Handle.Dispose();
        RefuseExisting(_path, _overwrites);
        File.Move(_temporary, _path, _overwrites);
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
        base.Dispose();
        if (!_isCommitted)
            File.Delete(_temporary);
    }

    /// <summary>Removes unfinished files of this name that nobody has open: whoever writes one holds a lock on it.</summary>
    private static void RemoveLeftBehind(string path)
    {
        (string folder, string name) = OperatingSystem.IsLinux() ? Parts(path)
            : (System.IO.Path.GetDirectoryName(path)!, System.IO.Path.GetFileName(path));
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"{path}: there is no directory {folder}");
        const string ending = ".partial";
        foreach (string left in Directory.EnumerateFiles(folder, "*.partial"))
        {
            ReadOnlySpan<char> middle = System.IO.Path.GetFileName(left.AsSpan());
            if (middle.Length <= name.Length + ending.Length || !middle.StartsWith(name + ".", StringComparison.Ordinal))
                continue;
            if (uint.TryParse(middle[(name.Length + 1)..^ending.Length], out _) && IsLeftBehind(left))
                File.Delete(left);
        }
    }

    private static bool IsLeftBehind(string path)
    {
        if (new FileInfo(path).LinkTarget is not null)
            return false;
        try
        {
            using SafeFileHandle unused = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.None);
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static void RefuseExisting(string path, bool overwrites)
    {
        if (Directory.Exists(path))
            throw new IOException($"{path}: is a directory; the output can only be a file");
        if (!overwrites && File.Exists(path))
            throw Exists(path);
    }
}
