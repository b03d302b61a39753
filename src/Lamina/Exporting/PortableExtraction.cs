using System.Text;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>
/// Extraction where Linux's calls are missing: directories, regular files and symbolic links, with permissions and times as
/// far as the system has them; times to 100 nanoseconds. Owners (if they were to be set), set-user-id, set-group-id, sticky,
/// attributes, hard links (they become copies), special files, times and links that cannot be made are told in warnings. What
/// has a name that the system does not have, or cannot tell from another, is left out and told. One thread.
/// </summary>
/// <remarks>Safe by order: links are made last, so that nothing can be written through one.</remarks>
internal sealed class PortableExtraction(string name, Node root, string directory, ExtractOptions options)
{
    /// <summary>Times that every system here holds, as seconds since 1970: about the years 1653 to 8307.</summary>
    private const long LeastSeconds = -10_000_000_000, MostSeconds = 200_000_000_000;

    private readonly Warnings _warnings = new();
    private readonly DataReader _reader = new();
    private readonly List<(string Path, TreeItem Item)> _directories = [];
    private readonly List<(string Path, TreeItem Item)> _symbolicLinks = [];
    private readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<Node, ItemPath> _first = new(ReferenceEqualityComparer.Instance);
    private readonly bool _setsOwners = options.SetsOwners ?? Environment.IsPrivilegedProcess;
    private long _files, _bytes, _links;

    public ExtractResult Run()
    {
        bool isNew = !Directory.Exists(directory);
        // What is there may be links, and there is no way here to write without following them.
        if (!isNew && Directory.EnumerateFileSystemEntries(directory).Any())
            throw new IOException($"{directory} is not empty; on this system it has to be");
        Directory.CreateDirectory(directory);
        try
        {
            ExtractAll();
        }
        catch
        {
            Directory.Delete(directory, recursive: true);
            if (!isNew)
                Directory.CreateDirectory(directory);
            throw;
        }
        return new ExtractResult
        {
            Files = _files,
            Directories = _directories.Count,
            Others = _links,
            Links = 0,
            Bytes = _bytes,
            Warnings = _warnings.ToList(),
        };
    }

    private void ExtractAll()
    {
        Dictionary<ItemPath, string> paths = new(ReferenceEqualityComparer.Instance);
        foreach (TreeItem item in TreeWalk.Walk(name, root, PathSelection.FilterOf(options.Paths)))
        {
            options.Cancellation.ThrowIfCancellationRequested();
            if (PathOf(item.Path, paths) is not { } path)
                continue;
            if (item.Node.IsDirectory)
                paths.Add(item.Path, path);
            Make(path, item);
        }
        foreach ((string path, TreeItem item) in _symbolicLinks)
            MakeLink(path, item);
        for (int i = _directories.Count - 1; i >= 0; i--)
            SetMetadata(_directories[i].Path, _directories[i].Item);
    }

    private void Make(string path, TreeItem item)
    {
        switch (item.Node.Type)
        {
            case NodeType.Directory:
                Directory.CreateDirectory(path);
                WarnOfLosses(item);
                _directories.Add((path, item));
                break;
            case NodeType.RegularFile:
                using (FileStream file = new(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 0))
                {
                    StreamSink sink = new(file);
                    _reader.Read(item.Node.Content, ref sink);
                    file.SetLength(item.Node.Content.Size);
                }
                SetMetadata(path, item);
                WarnOfLosses(item);
                WarnOfCopy(item);
                _files++;
                _bytes += item.Node.Content.Size;
                options.Progress?.Report(new Progress(_bytes, _bytes));
                break;
            case NodeType.SymbolicLink:
                _symbolicLinks.Add((path, item));
                break;
            case NodeType.CharacterDevice or NodeType.BlockDevice when !options.MakesDevices:
                break;
            default:
                _warnings.Add(item.Path, "devices, pipes and sockets are not made on this system");
                break;
        }
    }

    private void MakeLink(string path, TreeItem item)
    {
        string target = Encoding.UTF8.GetString(item.Node.Target);
        if (!Encoding.UTF8.GetBytes(target).AsSpan().SequenceEqual(item.Node.Target))
        {
            _warnings.Add(item.Path, "the link is not made: on this system its target has to be text");
            return;
        }
        try
        {
            File.CreateSymbolicLink(path, target);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException && OperatingSystem.IsWindows())
        {
            // Windows grants links to few; what else is extracted is of use without them.
            _warnings.Add(item.Path, "the link is not made: this system does not allow it");
            return;
        }
        _links++;
        SetTime(path, item);
        WarnOfLosses(item);
        WarnOfCopy(item);
    }

    /// <summary>Tells what a file that was made does not have of what it has in the tree.</summary>
    private void WarnOfLosses(TreeItem item)
    {
        Node node = item.Node;
        if (_setsOwners)
            _warnings.Add(item.Path, "owners are not set on this system");
        if (!node.Xattrs.IsEmpty)
            _warnings.Add(item.Path, "attributes are not set on this system");
        if (node.Type != NodeType.SymbolicLink && (node.Permissions & 0xE00) != 0 && options.SetsOwners != false)
            _warnings.Add(item.Path, "set-user-id, set-group-id and sticky are not set on this system");
        if (node.Type != NodeType.SymbolicLink && OperatingSystem.IsWindows())
            _warnings.Add(item.Path, "permissions are not set on this system");
    }

    private void WarnOfCopy(TreeItem item)
    {
        if (!item.Node.HasSingleName && !_first.TryAdd(item.Node, item.Path))
            _warnings.Add(item.Path, "hard links are not made on this system; it is a copy of its own");
    }

    /// <summary>Where a file comes to lie; null if there is no such place, which is told.</summary>
    private string? PathOf(ItemPath item, Dictionary<ItemPath, string> directories)
    {
        if (item.Parent is null)
            return _names.Add(directory) ? directory : null;
        if (!directories.TryGetValue(item.Parent, out string? parent))
            return null;                                                // left out together with its directory
        string? text = PortableName.Of(item.Name.Span, PortableName.Current);
        if (text is null)
            _warnings.Add(item, "it is left out, with all below it: this system has no such names");
        else if (!_names.Add(Path.Combine(parent, text)))
            _warnings.Add(item, "it is left out, with all below it: this system may not tell it from another name");
        else
            return Path.Combine(parent, text);
        return null;
    }

    private void SetMetadata(string path, TreeItem item)
    {
        SetTime(path, item);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, (UnixFileMode)(item.Node.Permissions & 0x1FF));
    }

    private void SetTime(string path, TreeItem item)
    {
        Timestamp time = item.Node.Modified;
        long seconds = Math.Clamp(time.Seconds, LeastSeconds, MostSeconds);
        if (seconds != time.Seconds)
            _warnings.Add(item.Path, "this system cannot hold a time so long ago or so far ahead");
        DateTime shown = DateTime.UnixEpoch.AddTicks(seconds * TimeSpan.TicksPerSecond + time.Nanoseconds / 100);
        FileSystemInfo file = item.Node.IsDirectory ? new DirectoryInfo(path) : new FileInfo(path);
        file.LastWriteTimeUtc = shown;                                  // of a link: its own, not that of what it leads to
    }

    private readonly struct StreamSink(FileStream file) : IDataSink
    {
        public void Take(long offset, ReadOnlySpan<byte> bytes) => RandomAccess.Write(file.SafeFileHandle, bytes, offset);
    }
}
