using Lamina.Archives;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Layers;

/// <summary>
/// What a kernel takes as its initramfs, as a layer: cpio archives one behind the other, each plain or compressed, zeros between
/// them. The rules are those of the kernel's unpacker: what comes later wins, directories merge, nothing hides anything.
/// </summary>
internal sealed class CpioLayer
{
    /// <summary>What data are laid out by that are copied, in bytes.</summary>
    private const int BlockSize = 4096;

    /// <summary>Archives within compressed archives: the kernel unpacks no more than one.</summary>
    private const int MaxNesting = 1;

    private readonly LayerOptions _options;
    private readonly TreeBuilder _tree;
    private readonly TarPlace _place;
    private readonly List<ByteSource> _held = [];
    private string? _warning;

    private CpioLayer(ByteSource source, LayerOptions options)
    {
        _options = options;
        _place = new TarPlace(source.Name);
        _tree = new TreeBuilder { Refuse = what => _place.Unsupported(what) };
    }

    /// <summary>Whether a source begins with an archive, plain or compressed.</summary>
    public static bool IsCpio(ByteSource source)
    {
        Span<byte> head = stackalloc byte[CpioFormat.MagicSize];
        if (source.Read(0, head) == head.Length && CpioFormat.HasMagic(head))
            return true;
        if (Packed.KindAt(source, 0) is not { } kind)
            return false;
        using PackedStream stream = Packed.Open(new PackedInput(source, 0), kind);
        return CpioFormat.HasMagic(stream.Next());
    }

    /// <summary>
    /// The length of the archives in front that are read before there are files: microcode, tables for ACPI. They count as long
    /// as nothing compressed is before them.
    /// </summary>
    /// <exception cref="CorruptImageException">An archive contradicts itself, or is cut off.</exception>
    public static long EarlyLength(ByteSource source)
    {
        Span<byte> head = stackalloc byte[CpioFormat.MagicSize];
        for (long at = 0, end = 0; ; end = at)
        {
            at = CpioFormat.SkipZeros(source, at, out _);
            if (at >= source.Length || !CpioFormat.HasMagic(head[..source.Read(at, head)]))
                return end;
            List<CpioFile> files = ReadFiles(source, at, out at);
            if (!IsEarly(files))
                return end;
        }
    }

    /// <summary>
    /// Reads all archives of a source. The layer owns the source from then on; if this fails the caller still does.
    /// </summary>
    /// <exception cref="CorruptImageException">An archive contradicts itself, or is cut off.</exception>
    /// <exception cref="UnsupportedImageException">An archive has what no tree can have.</exception>
    public static Layer Open(ByteSource source, LayerOptions options)
    {
        CpioLayer reader = new(source, options);
        try
        {
            reader.ReadAll(source, 0);
        }
        catch
        {
            reader._held.ForEach(part => part.Dispose());
            throw;
        }
        Node root = reader._tree.Finish();
        return new Layer
        {
            Name = source.Name,
            Root = root,
            HasRootMetadata = reader._tree.HasRoot,
            Rules = options.Rules == WhiteoutRules.Overlay ? WhiteoutRules.Overlay : WhiteoutRules.Cpio,
            Originals = [],
            Held = [source, .. reader._held],
            FollowsLinks = true,
            Implied = reader._tree.Implied,
            BlockSize = BlockSize,
            Warning = reader._warning,
        };
    }

    private void ReadAll(ByteSource source, int nesting)
    {
        Span<byte> head = stackalloc byte[CpioFormat.MagicSize];
        for (long at = 0; (at = CpioFormat.SkipZeros(source, at, out _)) < source.Length;)
        {
            if (CpioFormat.HasMagic(head[..source.Read(at, head)]))
                at = ReadArchive(source, at);
            else if (nesting < MaxNesting && Packed.KindAt(source, at) is { } kind)
                at = ReadPacked(source, at, kind, nesting);
            else
                throw new CorruptImageException(source.Name, "neither a cpio archive nor compressed data begin there", null, at);
        }
    }

    /// <summary>Decompresses the archives that one stream holds, and returns where it ends.</summary>
    private long ReadPacked(ByteSource source, long at, string kind, int nesting)
    {
        SpooledFile spool = new(source, _options.SpoolBeside, $"is compressed with {kind}");
        _held.Add(spool);
        PackedInput input = new(source, at);
        using (PackedStream stream = Packed.Open(input, kind))
        {
            for (ReadOnlySpan<byte> run; !(run = stream.Next()).IsEmpty;)
                Unpacking.Append(spool, run, _options.MaxSize);
        }
        ReadAll(spool, nesting + 1);
        return input.Position;
    }

    /// <summary>Reads one archive, and returns where it ends: its links are links among its own files.</summary>
    private long ReadArchive(ByteSource source, long at)
    {
        List<CpioFile> files = ReadFiles(source, at, out at);
        Original original = new(source, OriginalKind.Device);
        if (IsEarly(files))
        {
            _warning = "holds microcode in front, which processors read before there are files: it is left out";
            return at;
        }
        Dictionary<(uint, uint, uint), List<CpioFile>> linked = [];
        foreach (CpioFile file in files.Where(IsLinked))
        {
            if (!linked.TryGetValue(IdentityOf(file), out List<CpioFile>? names))
                linked.Add(IdentityOf(file), names = []);
            names.Add(file);
        }
        Dictionary<(uint, uint, uint), Node> nodes = [];
        foreach (CpioFile file in files)
            Add(source, original, file, linked, nodes);
        return at;
    }

    private static List<CpioFile> ReadFiles(ByteSource source, long at, out long end)
    {
        List<CpioFile> files = [];
        while (CpioFormat.Read(source, at, takesOld: true, out at) is { } file)
        {
            files.Add(file);
            if (at >= source.Length)
                throw new CorruptImageException(source.Name, "the archive has no end mark, so it is cut off", null, at);
        }
        end = at;
        return files;
    }

    private static (uint Major, uint Minor, uint Inode) IdentityOf(CpioFile file) =>
        (file.Header.SourceMajor, file.Header.SourceMinor, file.Header.Inode);

    private static bool IsLinked(CpioFile file) => file.Header.Links > 1 && TypeOf(file) != NodeType.Directory;

    private static NodeType TypeOf(CpioFile file) => (NodeType)(file.Header.Mode & CpioEntry.TypeMask);

    private void Add(ByteSource source, Original original, CpioFile file,
        Dictionary<(uint, uint, uint), List<CpioFile>> linked, Dictionary<(uint, uint, uint), Node> nodes)
    {
        _place.Header = file.BodyOffset;
        _place.SetName(file.Path);
        Span<byte> path = TarPath.Plain(_place, file.Path, new byte[file.Path.Length]);
        NodeType type = TypeOf(file);
        if (type == NodeType.Directory)
        {
            _tree.AddDirectory(path, NodeOf(file, null));
            return;
        }
        if (path.IsEmpty)
            throw _place.Corrupt("the root of the archive is no directory");
        if (!IsLinked(file))
        {
            _tree.Add(path, NodeOf(file, PayloadOf(source, original, file)));
            return;
        }
        (uint, uint, uint) key = IdentityOf(file);
        if (!nodes.TryGetValue(key, out Node? node))
        {
            // All names are of one file: the last entry says what it is, the last one with data has the data.
            List<CpioFile> names = linked[key];
            CpioFile body = names.FindLast(name => name.BodySize > 0) ?? file;
            node = NodeOf(names[^1], PayloadOf(source, original, body), hasSingleName: names.Count == 1);
            nodes.Add(key, node);
        }
        _tree.Add(path, node);
    }

    private object? PayloadOf(ByteSource source, Original original, CpioFile file)
    {
        switch (TypeOf(file))
        {
            case NodeType.SymbolicLink:
                if (file.BodySize is 0 or > Node.MaxTargetLength)
                    throw _place.Corrupt($"a symbolic link to a path of {file.BodySize} bytes");
                byte[] target = new byte[file.BodySize];
                source.ReadExactly(file.BodyOffset, target);
                return target.AsSpan().TrimEnd((byte)0) is { IsEmpty: false } plain && !plain.Contains((byte)0) ? plain.ToArray()
                    : throw _place.Corrupt("a symbolic link to a path with a NUL in it");
            case NodeType.RegularFile:
                if (file.Header.CheckSum is { } sum)
                    Verify(source, file, sum);
                return file.BodySize == 0 ? new BytesContent(default)
                    : new PlacedContent(file.BodySize, new PlacedExtent(0, original, file.BodyOffset, file.BodySize), 1);
            case NodeType.CharacterDevice or NodeType.BlockDevice or NodeType.Fifo or NodeType.Socket:
                return null;
            default:
                throw _place.Corrupt($"a file of the type {file.Header.Mode & CpioEntry.TypeMask:x4}, which there is not");
        }
    }

    private void Verify(ByteSource source, CpioFile file, uint wanted)
    {
        byte[] step = new byte[1 << 16];
        uint sum = 0;
        for (long done = 0; done < file.BodySize;)
        {
            Span<byte> part = step.AsSpan(0, (int)Math.Min(step.Length, file.BodySize - done));
            source.ReadExactly(file.BodyOffset + done, part);
            foreach (byte value in part)
                sum += value;
            done += part.Length;
        }
        if (sum != wanted)
            throw _place.Corrupt($"its check sum is {sum:x8}, its header says {wanted:x8}");
    }

    private Node NodeOf(CpioFile file, object? payload, bool hasSingleName = true) => new()
    {
        Type = TypeOf(file),
        Permissions = (ushort)(file.Header.Mode & 0xFFF),
        UserId = _options.UserOf(file.Header.UserId),
        GroupId = _options.GroupOf(file.Header.GroupId),
        Modified = new Timestamp(file.Header.Modified, 0),
        HasSingleName = hasSingleName,
        Device = TypeOf(file) is NodeType.CharacterDevice or NodeType.BlockDevice
            ? DeviceNumber.Of(file.Header.DeviceMajor, file.Header.DeviceMinor) : default,
        Payload = payload,
    };

    /// <summary>
    /// Whether an archive is one that is read early: nothing but microcode and tables for ACPI, below the paths the kernel looks
    /// at.
    /// </summary>
    private static bool IsEarly(List<CpioFile> files) => files.Any(file => IsBelow(file, Microcode) || IsBelow(file, Tables)) &&
        files.All(file => TypeOf(file) == NodeType.Directory || IsBelow(file, Microcode) || IsBelow(file, Tables) ||
            file.Path.AsSpan().SequenceEqual("early_cpio"u8));

    private static bool IsBelow(CpioFile file, ReadOnlySpan<byte> folder) => file.Path.AsSpan().StartsWith(folder);

    private static ReadOnlySpan<byte> Microcode => "kernel/x86/microcode/"u8;

    private static ReadOnlySpan<byte> Tables => "kernel/firmware/acpi/"u8;
}
