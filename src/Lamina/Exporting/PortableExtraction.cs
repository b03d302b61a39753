using System.Text;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>
/// Extraction where Linux's calls are missing: directories, regular files and symbolic links, with permissions and times as
/// far as the system has them. Owners, attributes, hard links (they become copies) and special files are told in warnings. One
/// thread.
/// </summary>
/// <remarks>Safe by order: links are made last, so that nothing can be written through one.</remarks>
internal sealed class PortableExtraction(string name, Node root, string directory, ExtractOptions options)
{
    private readonly Warnings _warnings = new();
    private readonly DataReader _reader = new();
    private readonly List<(string Path, TreeItem Item)> _directories = [];
    private readonly List<(string Path, TreeItem Item)> _symbolicLinks = [];
    private readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase);
    private long _files, _bytes;

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
            Others = _symbolicLinks.Count,
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
            string path = item.Path.Parent is null ? directory : Path.Combine(paths[item.Path.Parent], HostNameOf(item.Path));
            if (!_names.Add(path))
                throw new UnsupportedImageException(name, $"{item.Path}: this system may not tell it from another name");
            if (!item.Node.Xattrs.IsEmpty)
                _warnings.Add(item.Path, "attributes are not set on this system");
            if (item.Node.IsDirectory)
                paths.Add(item.Path, path);
            Make(path, item);
        }
        foreach ((string path, TreeItem item) in _symbolicLinks)
            File.CreateSymbolicLink(path, Encoding.UTF8.GetString(item.Node.Target));
        for (int i = _directories.Count - 1; i >= 0; i--)
            SetMetadata(_directories[i].Path, _directories[i].Item.Node);
    }

    private void Make(string path, TreeItem item)
    {
        switch (item.Node.Type)
        {
            case NodeType.Directory:
                Directory.CreateDirectory(path);
                _directories.Add((path, item));
                break;
            case NodeType.RegularFile:
                using (FileStream file = new(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 0))
                {
                    StreamSink sink = new(file);
                    _reader.Read(item.Node.Content, ref sink);
                    file.SetLength(item.Node.Content.Size);
                }
                SetMetadata(path, item.Node);
                _files++;
                _bytes += item.Node.Content.Size;
                options.Progress?.Report((_bytes, _bytes));
                break;
            case NodeType.SymbolicLink:
                _symbolicLinks.Add((path, item));
                break;
            default:
                _warnings.Add(item.Path, "devices, pipes and sockets are not made on this system");
                break;
        }
    }

    private string HostNameOf(ItemPath path)
    {
        string text = Encoding.UTF8.GetString(path.Name.Span);
        bool isPossible = !text.Contains('\uFFFD') && text.IndexOfAny(Path.GetInvalidFileNameChars()) < 0
            && text.IndexOfAny(['\\', ':', '/', '\0']) < 0 && !text.EndsWith('.') && !text.EndsWith(' ');
        return isPossible ? text : throw new UnsupportedImageException(name, $"{path}: this system has no such names");
    }

    private static void SetMetadata(string path, Node node)
    {
        long ticks = Math.Clamp(node.Modified.Seconds, -10_000_000_000, 200_000_000_000) * TimeSpan.TicksPerSecond;
        DateTime time = DateTime.UnixEpoch.AddTicks(ticks + node.Modified.Nanoseconds / 100);
        if (node.IsDirectory)
            Directory.SetLastWriteTimeUtc(path, time);
        else
            File.SetLastWriteTimeUtc(path, time);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, (UnixFileMode)(node.Permissions & 0x1FF));
    }

    private readonly struct StreamSink(FileStream file) : IDataSink
    {
        public void Take(long offset, ReadOnlySpan<byte> bytes) => RandomAccess.Write(file.SafeFileHandle, bytes, offset);
    }
}
