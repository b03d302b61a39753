using Lamina.Platform;

namespace Lamina.Exporting;

/// <summary>The directory that is extracted into, open, and what all threads share.</summary>
internal sealed class ExtractTarget : IDisposable
{
    /// <summary>Bytes between two reports of progress.</summary>
    private const long ProgressStep = 8 << 20;

    private readonly ExtractOptions _options;
    private uint? _formerMode;
    private long _done;
    private long _found;
    private long _reported;

    private ExtractTarget(string path, int root, ExtractOptions options, bool isNew)
    {
        Path = path;
        Root = root;
        IsNew = isNew;
        _options = options;
        foreach (ByteSource input in options.Inputs)
            Inputs.Add(input);
        bool setsOwners = options.SetsOwners ?? HostCalls.EffectiveUser() == 0;
        Metadata = new MetadataSetter(path, setsOwners, options.SetsOwners != false, Warnings);
    }

    /// <summary>The path as messages begin with it: without a slash behind.</summary>
    public string Path { get; }

    /// <summary>The descriptor of the directory.</summary>
    public int Root { get; }

    /// <summary>Whether this run made the directory.</summary>
    public bool IsNew { get; }

    public bool Overwrite => _options.Overwrite;

    /// <summary>What is not to be removed.</summary>
    public InputFiles Inputs { get; } = new();

    public Warnings Warnings { get; } = new();

    public MetadataSetter Metadata { get; }

    /// <summary>Makes the directory, or opens it after making sure that it may be used.</summary>
    /// <exception cref="IOException">It is no directory, or holds files that were not to be touched.</exception>
    public static ExtractTarget Open(string path, ExtractOptions options)
    {
        string trimmed = System.IO.Path.TrimEndingDirectorySeparator(path);
        const uint ownerOnly = 0x1C0;                                   // 0700
        if (HostFile.Exists(path))
            throw new IOException($"{path} is a file, not a directory");
        bool isNew = !HostFile.IsDirectory(path);
        if (isNew)
            HostFile.MakeDirectory(path, ownerOnly);
        uint? formerMode = isNew || !options.Overwrite ? null : DirectoryRights.Widen(path);
        int root = HostCalls.Open(path, HostCalls.ReadOnly | DirectoryCalls.Directory | HostCalls.CloseOnExec, 0);
        if (root < 0)
            throw HostError.Failure($"{path} cannot be opened");
        ExtractTarget target = new(trimmed == "/" ? "" : trimmed, root, options, isNew) { _formerMode = formerMode };
        try
        {
            if (!isNew && !options.Overwrite && TreeRemoval.Names(root, path).Count > 0)
                throw new IOException($"{path} is not empty; nothing in it was touched");
        }
        catch
        {
            target.Dispose();
            throw;
        }
        return target;
    }

    /// <summary>Notes bytes that were found to be there to extract.</summary>
    public void Find(long bytes) => Interlocked.Add(ref _found, bytes);

    /// <summary>Notes bytes that were extracted.</summary>
    public void Advance(long bytes)
    {
        if (_options.Progress is not { } progress)
            return;
        long done = Interlocked.Add(ref _done, bytes);
        long reported = Interlocked.Read(ref _reported);
        if (done - reported >= ProgressStep && Interlocked.CompareExchange(ref _reported, done, reported) == reported)
            progress.Report(new Progress(done, Interlocked.Read(ref _found)));
    }

    /// <summary>Notes that the directory has got the permissions that it is to have, which is the last of it.</summary>
    public void FinishRoot()
    {
        _formerMode = null;
        _options.Progress?.Report(new Progress(_done, _done));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_formerMode is { } mode)
            _ = HostCalls.SetMode(Root, mode);
        _ = HostCalls.Close(Root);
    }
}
