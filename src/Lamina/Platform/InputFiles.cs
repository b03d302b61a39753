namespace Lamina.Platform;

/// <summary>
/// The files that something is made of. None of them may be what is written: an index over an image that was overwritten, or a
/// signature in the place of its key, is no use to anybody.
/// </summary>
internal sealed class InputFiles
{
    private readonly List<(FileIdentity Identity, string Name)> _files = [];

    /// <summary>Adds a source that is open. What lies in memory alone is no file.</summary>
    public InputFiles Add(ByteSource source)
    {
        if (source.Identity is { } identity)
            _files.Add((identity, source.Name));
        return this;
    }

    /// <summary>Adds a file by its name, if there is one.</summary>
    public InputFiles Add(string? path)
    {
        if (path is not null && FileIdentity.Of(path) is { } identity)
            _files.Add((identity, path));
        return this;
    }

    /// <summary>Makes sure that an output is none of the files.</summary>
    /// <param name="path">The output.</param>
    /// <exception cref="ArgumentException">It is one of them.</exception>
    public void Refuse(string path)
    {
        if (_files.Count > 0 && FileIdentity.Of(path) is { } output)
            Refuse(output, path);
    }

    /// <summary>Makes sure that what standard output leads to is none of the files.</summary>
    public void RefuseStandardOutput()
    {
        if (_files.Count > 0 && FileIdentity.Of("/dev/stdout") is { } output)
            Refuse(output, "standard output");
    }

    /// <summary>
    /// Makes sure that what has a name in an open directory, a link itself and not its target, is none of the files.
    /// </summary>
    public unsafe void Refuse(int directory, byte* name, string path)
    {
        if (_files.Count > 0 && FileStatus.Find(directory, name) is { } status)
            Refuse(FileIdentity.Of(status), path);
    }

    private void Refuse(FileIdentity output, string path)
    {
        foreach ((FileIdentity identity, string name) in _files)
        {
            if (identity.Touches(output))
            {
                throw new ArgumentException(name == path ? $"{path}: is an input, and cannot be the output as well"
                    : $"{path}: is the input {name}, and cannot be the output as well");
            }
        }
    }
}
