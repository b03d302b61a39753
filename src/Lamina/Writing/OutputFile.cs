using Microsoft.Win32.SafeHandles;

namespace Lamina.Writing;

/// <summary>
/// A file that appears whole or not at all: written beside its place under another name, flushed, renamed. Disposing it before
/// <see cref="Commit"/> leaves nothing behind.
/// </summary>
internal sealed class OutputFile : ImageOutput
{
    private readonly string _path;
    private readonly string _temporary;
    private readonly bool _overwrites;
    private bool _committed;

    /// <summary>Begins a new file.</summary>
    /// <exception cref="IOException">A file is there already and may not be replaced, or none can be made.</exception>
    public OutputFile(string path, bool overwrites, Action<long>? progress = null) : this(Names(path, overwrites), overwrites,
        progress)
    {
    }

    private OutputFile((string Path, string Temporary) names, bool overwrites, Action<long>? progress)
        : base(Create(names.Temporary), progress)
    {
        (_path, _temporary) = names;
        _overwrites = overwrites;
    }

    /// <summary>Makes the file appear under its name.</summary>
    public void Commit()
    {
        Flush();
        Handle.Dispose();
        RefuseExisting(_path, _overwrites);
        File.Move(_temporary, _path, _overwrites);
        _committed = true;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        if (!_committed)
            File.Delete(_temporary);
    }

    private static (string Path, string Temporary) Names(string path, bool overwrites)
    {
        string full = Path.GetFullPath(path);
        RefuseExisting(full, overwrites);
        return (full, $"{full}.{Environment.ProcessId}.partial");
    }

    /// <summary>
    /// Makes the file, which is new: what somebody has put there under its name, a link for instance, is never written through.
    /// </summary>
    private static SafeFileHandle Create(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read);
        }
        catch (IOException) when (IsLeftBehind(path))
        {
            File.Delete(path);
            return File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read);
        }
    }

    /// <summary>Whether a file is one that a process left when it was killed: a file, and nobody has it open.</summary>
    private static bool IsLeftBehind(string path)
    {
        FileInfo file = new(path);
        if (!file.Exists || file.LinkTarget is not null)
            return false;
        try
        {
            using SafeFileHandle unused = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.None);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static void RefuseExisting(string path, bool overwrites)
    {
        if (Directory.Exists(path))
            throw new IOException($"{path}: is a directory");
        if (!overwrites && File.Exists(path))
            throw new IOException($"{path}: exists already; --force replaces it");
    }
}
