using System.Runtime.InteropServices;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Layers;

/// <summary>
/// A directory of the host as a layer. The tree is read at once, the data when it is asked for; nothing but metadata is kept.
/// </summary>
internal sealed unsafe class DirectoryLayer
{
    private const int BlockSize = 4096;

    private const ushort PermissionBits = 0xFFF;

    private readonly DescriptorCache _cache = new();
    private readonly LayerOptions _options;
    private readonly PathPatterns _excludes;
    private readonly HostXattrs _xattrs = new();
    private readonly Dictionary<FileIdentity, Node> _linked = [];
    private readonly string _name;
    private FileIdentity _root;
    private bool _hasOpaqueRoot;

    private DirectoryLayer(string path, LayerOptions options)
    {
        _name = path;
        _options = options;
        _excludes = new PathPatterns(options.Excludes);
    }

    /// <summary>Reads a directory.</summary>
    /// <param name="path">The directory; links to it are followed.</param>
    /// <param name="options">What is taken, whose the files are, how they mark what they hide.</param>
    /// <exception cref="IOException">A file cannot be read, or changes meanwhile.</exception>
    /// <exception cref="UnsupportedImageException">It is too deep, or mounted within itself.</exception>
    public static Layer Open(string path, LayerOptions options)
    {
        if (!OperatingSystem.IsLinux())
            throw new UnsupportedImageException(path, "is a directory, which can be a layer on Linux only");
        DirectoryLayer reader = new(path, options);
        try
        {
            return reader.Read();
        }
        catch
        {
            reader._cache.Dispose();
            throw;
        }
    }

    private Layer Read()
    {
        HostFolder root = HostFolder.Open(_name, _cache);
        _root = root.Identity;
        FileStatus status;
        XattrSet xattrs;
        using (DescriptorCache.Lease lease = root.Open())
        {
            status = FileStatus.Find(lease.Descriptor, "."u8) ?? throw SystemFailure.Last($"{_name}: cannot be looked at");
            xattrs = ReadXattrs(lease.Descriptor, "."u8, root);
        }
        WhiteoutRules rules = _options.Rules ?? WhiteoutRules.Overlay;
        return new Layer
        {
            Name = _name,
            Root = MakeDirectory(root, [], status, xattrs),
            HasOpaqueRoot = _hasOpaqueRoot,
            Rules = rules == WhiteoutRules.Oci ? WhiteoutRules.Overlay : rules,     // the marks are translated
            Originals = [],
            BlockSize = BlockSize,
            Resource = _cache,
        };
    }

    private Node MakeDirectory(HostFolder folder, ReadOnlySpan<byte> path, in FileStatus status, XattrSet xattrs)
    {
        bool isOther = folder.Depth > 0 && _options.OneFileSystem && IsOther(status);
        List<Entry> entries = [];
        bool isOpaque = false;
        HashSet<byte[]>? hidden = null;
        foreach (byte[] name in isOther ? [] : ListOf(folder))
        {
            if (_options.Rules == WhiteoutRules.Oci && name.AsSpan().StartsWith(TarMarks.Whiteout))
            {
                isOpaque |= name.AsSpan().SequenceEqual(TarMarks.Opaque);
                if (!name.AsSpan().StartsWith(TarMarks.Bookkeeping) && name.Length > TarMarks.Whiteout.Length)
                    (hidden ??= new HashSet<byte[]>(TreeBuilder.NameComparer.Instance)).Add(name[TarMarks.Whiteout.Length..]);
                continue;
            }
            byte[] below = path.IsEmpty ? name : [.. path, (byte)'/', .. name];
            if (MakeNode(folder, name, below) is { } node)
                entries.Add(new Entry(name, node));
        }
        if (hidden is not null)
            Hide(entries, hidden);
        if (isOpaque && folder.Depth == 0)
            _hasOpaqueRoot = true;
        else if (isOpaque)
            xattrs = TreeBuilder.MarkOpaque(xattrs);
        return Make(status, NodeType.Directory, xattrs, DirectoryListing.Of([.. entries]));
    }

    private static void Hide(List<Entry> entries, HashSet<byte[]> hidden)
    {
        for (int i = 0; i < entries.Count; i++)
        {
            (ReadOnlyMemory<byte> name, Node node) = entries[i];
            if (hidden.Remove(name.ToArray()) && node.IsDirectory)
                entries[i] = new Entry(name, node.With(TreeBuilder.MarkOpaque(node.Xattrs), node.Payload));
        }
        foreach (byte[] name in hidden)
            entries.Add(new Entry(name, TreeBuilder.Whiteout()));
    }

    private List<byte[]> ListOf(HostFolder folder)
    {
        try
        {
            return folder.Names();
        }
        catch (UnauthorizedAccessException failure) when (_options.OnUnreadable is not null)
        {
            _options.OnUnreadable(failure.Message);
            return [];
        }
    }

    private bool IsOther(in FileStatus status) =>
        (status.FileSystemMajor, status.FileSystemMinor) != (_root.Major, _root.Minor);

    private Node? MakeNode(HostFolder folder, byte[] name, byte[] path)
    {
        using DescriptorCache.Lease lease = folder.Open();
        if (FileStatus.Find(lease.Descriptor, name) is not { } status)
            throw SystemFailure.Last($"{folder.PathOf(name)}: cannot be looked at, though it was listed");
        FileIdentity identity = new(false, status.FileSystemMajor, status.FileSystemMinor, status.Inode);
        bool isDirectory = status.Type == FileStatus.Directory;
        if (_options.Output == identity || _excludes.Fit(path, isDirectory)
            || (_options.OneFileSystem && !isDirectory && IsOther(status)))
        {
            return null;
        }
        if (isDirectory)
            return MakeBelow(folder, name, path, status);
        if (status.Links > 1 && _linked.TryGetValue(identity, out Node? known))
            return known;
        if (status.Type == FileStatus.RegularFile && !IsReadable(folder, name))
            return null;
        object? payload = status.Type switch
        {
            FileStatus.RegularFile => new HostContent(_cache, folder, name, status),
            FileStatus.SymbolicLink => ReadTarget(lease.Descriptor, folder, name),
            _ => null,
        };
        Node node = Make(status, (NodeType)status.Type, ReadXattrs(lease.Descriptor, name, folder), payload);
        if (status.Links > 1)
            _linked.Add(identity, node);
        return node;
    }

    private Node? MakeBelow(HostFolder folder, byte[] name, byte[] path, in FileStatus status)
    {
        HostFolder child = folder.Child(name, status);
        if (folder.Ancestor(child.Identity) is { } above)
        {
            throw new UnsupportedImageException(_name, $"{child.Path} is {above.Path} once more, mounted within itself",
                "Leave it out with --exclude or --one-file-system.");
        }
        if (child.Depth > TarPath.MaxDepth)
            throw new UnsupportedImageException(_name, $"{child.Path}: is more than {TarPath.MaxDepth} directories deep");
        XattrSet xattrs;
        try
        {
            using DescriptorCache.Lease lease = child.Open();
            xattrs = ReadXattrs(lease.Descriptor, "."u8, child);
        }
        catch (UnauthorizedAccessException failure) when (_options.OnUnreadable is not null)
        {
            _options.OnUnreadable(failure.Message);
            return null;
        }
        return MakeDirectory(child, path, status, xattrs);
    }

    /// <summary>Opens a file, so that one that may not be read is found before anything is written.</summary>
    private bool IsReadable(HostFolder folder, byte[] name)
    {
        int descriptor = folder.TryOpen(name, 0);
        if (descriptor >= 0)
        {
            _ = Native.Close(descriptor);
            return true;
        }
        Exception failure = SystemFailure.Make($"{folder.PathOf(name)}: cannot be opened", -descriptor);
        if (failure is not UnauthorizedAccessException || _options.OnUnreadable is null)
            throw failure;
        _options.OnUnreadable(failure.Message);
        return false;
    }

    private static byte[] ReadTarget(int directory, HostFolder folder, byte[] name)
    {
        byte[] target = new byte[Native.PathLimit];
        nint length;
        fixed (byte* text = (byte[])[.. name, 0], bytes = target)
            length = DirectoryCalls.ReadLink(directory, text, bytes, target.Length);
        return length > 0 ? target[..(int)length] : throw SystemFailure.Last($"{folder.PathOf(name)}: the link cannot be read");
    }

    private XattrSet ReadXattrs(int directory, ReadOnlySpan<byte> name, HostFolder folder)
    {
        byte[] kept = name.ToArray();
        return _xattrs.Read(directory, name, (attribute, errno) =>
        {
            string path = kept is [(byte)'.'] ? folder.Path : folder.PathOf(kept);
            string which = attribute.Length == 0 ? "attributes" : $"attribute {attribute}";
            Exception failure = SystemFailure.Make($"{path}: its {which} cannot be read", errno);
            if (failure is not UnauthorizedAccessException || _options.OnUnreadable is null)
                throw failure;
            _options.OnUnreadable(failure.Message);
        });
    }

    private Node Make(in FileStatus status, NodeType type, XattrSet xattrs, object? payload) => new()
    {
        Type = type,
        Permissions = (ushort)(status.Mode & PermissionBits),
        UserId = _options.UserOf(status.User),
        GroupId = _options.GroupOf(status.Group),
        Modified = new Timestamp(status.ModifiedSeconds, status.ModifiedNanoseconds),
        Xattrs = xattrs,
        HasSingleName = status.Links == 1 && type != NodeType.Directory,
        Device = type is NodeType.CharacterDevice or NodeType.BlockDevice
            ? DeviceNumber.Of(status.DeviceMajor, status.DeviceMinor) : default,
        Payload = payload,
    };
}
