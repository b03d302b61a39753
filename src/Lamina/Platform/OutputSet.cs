namespace Lamina.Platform;

/// <summary>
/// Outputs that belong together: all of them appear when all are written, or none does. Only what was there under such a name and
/// was to be replaced cannot come back.
/// </summary>
internal sealed class OutputSet : IDisposable
{
    private readonly List<(OutputFile Output, string Path, bool Replaces)> _files = [];
    private readonly List<string> _folders = [];
    private int _committed;
    private bool _isDone;

    /// <summary>Makes a folder for the outputs, which goes with them if they do not appear.</summary>
    public void MakeFolder(string path)
    {
        if (HostFile.IsDirectory(path))
            return;
        HostFile.MakeDirectory(path);
        _folders.Add(path);
    }

    /// <summary>Takes an output, to be closed with the others.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="begin">Begins it.</param>
    public OutputFile Add(string path, Func<OutputFile> begin)
    {
        bool replaces = HostFile.Exists(path);
        OutputFile output = begin();
        _files.Add((output, path, replaces));
        return output;
    }

    /// <summary>Makes all of them appear; returns their names.</summary>
    public IReadOnlyList<string> Commit()
    {
        foreach ((OutputFile output, _, _) in _files)
            output.Flush();                                             // what fails for lack of room fails here
        for (; _committed < _files.Count; _committed++)
            _files[_committed].Output.Commit();
        _isDone = true;
        return [.. _files.Select(file => file.Path)];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((OutputFile output, _, _) in _files)
            output.Dispose();
        if (_isDone)
            return;
        _isDone = true;
        foreach ((_, string path, bool replaces) in _files.Take(_committed))
        {
            if (!replaces)
                HostFile.Remove(path);
        }
        foreach (string folder in _folders)
        {
            if (HostFile.Names(folder).Count == 0)
                HostFile.RemoveDirectory(folder);
        }
    }
}
