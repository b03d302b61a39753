using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>Makes the files of one thread: where nothing is yet, and under one name of a directory that is open.</summary>
internal sealed unsafe class FileMaker(ExtractTarget target) : IDisposable
{
    /// <summary>Only its owner may use a file before it has the permissions of the tree.</summary>
    private const uint PrivateFile = 0x180, PrivateDirectory = 0x1C0;                  // 0600, 0700

    private readonly DirectoryCursor _cursor = new(target.Path, target.Root);
    private readonly DataReader _reader = new();

    /// <summary>Makes a regular file with all its data and metadata.</summary>
    public void MakeFile(TreeItem item)
    {
        int file = Create(item.Path);
        try
        {
            FileSink sink = new(target, file, item.Path);
            _reader.Read(item.Node.Content, ref sink);
            if (sink.End < item.Node.Content.Size)
                SetLength(file, item);
            target.Metadata.Set(file, item);
        }
        finally
        {
            _ = HostCalls.Close(file);
        }
    }

    /// <summary>Begins a regular file whose parts several threads write.</summary>
    public LargeFile BeginLarge(TreeItem item, ContentSource source, DataRange[] ranges, int parts)
    {
        int file = Create(item.Path);
        LargeFile large = new(file, item, source, ranges, parts);
        try
        {
            SetLength(file, item);
        }
        catch
        {
            large.Close();
            throw;
        }
        return large;
    }

    /// <summary>Writes a part of a large file; who writes the last one finishes it.</summary>
    public void WritePart(LargeFile large, DataRange part)
    {
        FileSink sink = new(target, large.Descriptor, large.Item.Path);
        _reader.Read(large.Source, large.Ranges, part, ref sink);
        if (!large.FinishPart())
            return;
        target.Metadata.Set(large.Descriptor, large.Item);
        large.Close();
    }

    /// <summary>Makes a directory, or takes the one that is there. It gets its metadata when all else is done.</summary>
    public void MakeDirectory(ItemPath path)
    {
        byte* name = stackalloc byte[HostName.BufferSize];
        int directory = Locate(path, name);
        if (HostCalls.MakeDirectory(directory, name, PrivateDirectory) == 0)
            return;
        if (HostError.Last != HostError.Exists || !target.Overwrite)
            throw HostError.Failure($"{target.Path}{path}: the directory cannot be made");
        int flags = HostCalls.ReadOnly | DirectoryCalls.Directory | DirectoryCalls.NoFollow | HostCalls.CloseOnExec;
        int existing = DirectoryCalls.OpenAt(directory, name, HostCalls.PathOnly | flags, 0);
        if (existing >= 0)
        {
            _ = HostCalls.Close(existing);
            DirectoryRights.Widen(directory, name, HostCalls.LinkNoFollow);
            return;
        }
        Remove(directory, name, path);
        if (HostCalls.MakeDirectory(directory, name, PrivateDirectory) != 0)
            throw HostError.Failure($"{target.Path}{path}: the directory cannot be made");
    }

    /// <summary>Makes what has no data: a link, a device, a pipe, a socket. Returns whether it is there now.</summary>
    public bool MakeOther(TreeItem item)
    {
        byte* name = stackalloc byte[HostName.BufferSize];
        int directory = Locate(item.Path, name);
        int result = TryMake(directory, name, item.Node);
        if (result != 0 && HostError.Last == HostError.Exists && target.Overwrite)
        {
            Remove(directory, name, item.Path);
            result = TryMake(directory, name, item.Node);
        }
        if (result != 0)
        {
            int errno = HostError.Last;
            if (errno != HostError.NotPermitted)
                throw HostError.Failure($"{target.Path}{item.Path}: the {Describe(item.Node.Type)} cannot be made", errno);
            string right = item.Node.Type is NodeType.CharacterDevice or NodeType.BlockDevice ? "; it takes root, or CAP_MKNOD"
                : "";
            target.Warnings.Add(item.Path, $"a {Describe(item.Node.Type)} cannot be made: {HostError.Text(errno)}{right}");
            return false;
        }
        target.Metadata.Set(directory, name, item);
        return true;
    }

    /// <summary>
    /// Gives a file a further name. False if the file system has no more names for it, or none for any file: then nothing is
    /// under that name yet.
    /// </summary>
    public bool TryMakeLink(ItemPath path, ItemPath first, DirectoryCursor firstCursor)
    {
        byte* name = stackalloc byte[HostName.BufferSize];
        byte* firstName = stackalloc byte[HostName.BufferSize];
        int directory = Locate(path, name);
        int firstDirectory = firstCursor.MoveTo(first.Parent!);
        HostName.Copy(first.Name.Span, firstName);
        int result = HostCalls.MakeLink(firstDirectory, firstName, directory, name, 0);
        if (result != 0 && HostError.Last == HostError.Exists && target.Overwrite)
        {
            Remove(directory, name, path);
            result = HostCalls.MakeLink(firstDirectory, firstName, directory, name, 0);
        }
        if (result == 0)
            return true;
        // EPERM is what file systems without links say.
        return HostError.Last is HostError.TooManyLinks or HostError.NotSupported or HostError.NotPermitted or
            HostError.OtherDevice ? false : throw HostError.Failure($"{target.Path}{path}: the link to {first} cannot be made");
    }

    /// <summary>Gives a directory its metadata.</summary>
    public void FinishDirectory(TreeItem item) => target.Metadata.Set(_cursor.MoveTo(item.Path), item);

    /// <inheritdoc/>
    public void Dispose() => _cursor.Dispose();

    private static string Describe(NodeType type) => type switch
    {
        NodeType.SymbolicLink => "symbolic link",
        NodeType.CharacterDevice => "character device",
        NodeType.BlockDevice => "block device",
        NodeType.Fifo => "named pipe",
        _ => "socket",
    };

    private static int TryMake(int directory, byte* name, Node node)
    {
        if (node.Type != NodeType.SymbolicLink)
            return HostCalls.MakeNode(directory, name, (uint)node.Type | PrivateFile, Packed(node.Device));
        Span<byte> text = stackalloc byte[node.Target.Length + 1];
        node.Target.CopyTo(text);
        text[^1] = 0;
        fixed (byte* bytes = text)
            return HostCalls.MakeSymbolicLink(bytes, directory, name);
    }

    /// <summary>A device number as the C library takes it (<c>makedev</c>).</summary>
    private static ulong Packed(DeviceNumber device) =>
        (device.Minor & 0xFF) | ((ulong)(device.Major & 0xFFF) << 8) | ((ulong)(device.Minor & ~0xFFu) << 12);

    private int Locate(ItemPath path, byte* name)
    {
        HostName.Copy(path.Name.Span, name);
        return _cursor.MoveTo(path.Parent!);
    }

    private int Create(ItemPath path)
    {
        byte* name = stackalloc byte[HostName.BufferSize];
        int directory = Locate(path, name);
        int flags = HostCalls.WriteOnly | HostCalls.Create | HostCalls.Exclusive | HostCalls.CloseOnExec |
            DirectoryCalls.NoFollow;
        int file = DirectoryCalls.OpenAt(directory, name, flags, PrivateFile);
        if (file < 0 && HostError.Last == HostError.Exists && target.Overwrite)
        {
            Remove(directory, name, path);
            file = DirectoryCalls.OpenAt(directory, name, flags, PrivateFile);
        }
        return file >= 0 ? file : throw HostError.Failure($"{target.Path}{path}: the file cannot be made");
    }

    /// <summary>Removes what is in the way: the name itself, whatever it leads to.</summary>
    private void Remove(int directory, byte* name, ItemPath path)
    {
        target.Inputs.Refuse(directory, name, $"{target.Path}{path}");
        if (HostCalls.Unlink(directory, name, 0) != 0)
            throw HostError.Failure($"{target.Path}{path}: what is there cannot be replaced");
    }

    private void SetLength(int file, TreeItem item)
    {
        long size = item.Node.Content.Size;
        if (HostCalls.SetLength(file, size) != 0)
        {
            string hint = HostError.Last == HostError.FileTooLarge ? ": this file system does not hold files so large" : "";
            throw HostError.Failure($"{target.Path}{item.Path}: a file of {size} bytes cannot be made{hint}");
        }
    }
}

/// <summary>A file that is open while several threads write it.</summary>
internal sealed class LargeFile(int descriptor, TreeItem item, ContentSource source, DataRange[] ranges, int parts)
{
    private int _descriptor = descriptor;
    private int _left = parts;

    public TreeItem Item => item;

    public ContentSource Source => source;

    public DataRange[] Ranges => ranges;

    public int Descriptor => _descriptor;

    /// <summary>Notes that a part is written; true if it was the last.</summary>
    public bool FinishPart() => Interlocked.Decrement(ref _left) == 0;

    public void Close()
    {
        int open = Interlocked.Exchange(ref _descriptor, -1);
        if (open >= 0)
            _ = HostCalls.Close(open);
    }
}
