using Lamina.Archives;
using Lamina.Tree;

namespace Lamina.Layers;

/// <summary>Goes through an archive from header to header and gathers the tree that its entries make.</summary>
internal sealed class TarParser
{
    /// <summary>The longest name that GNU's long-name entries may hold: sixteen times what the kernel takes as a path.</summary>
    public const int MaxLongNameLength = 1 << 16;

    private const int PageSize = 4096;

    private readonly string _source;
    private readonly Original _archive;
    private readonly TarWindow _window;
    private readonly TarPlace _place;
    private readonly TarMarks _marks;
    private readonly TreeBuilder _tree;
    private readonly LayerOptions _options;
    private readonly WhiteoutRules _rules;
    private readonly bool _isUpper;
    private readonly List<LowerLink> _lowerLinks = [];
    private readonly TarXattrs _xattrs = new();
    private readonly TarPax _global = new(TarPax.MaxGlobalXattrLength);
    private readonly TarPax _pax = new(TarPax.MaxHeaderLength);
    private readonly PlacedContent _empty = new(0, [], TarHeader.Size);
    private readonly byte[] _block = new byte[TarHeader.Size];
    private byte[] _path = new byte[512];
    private byte[] _target = new byte[512];
    private byte[]? _longName, _longLink;
    private bool _hasPax;
    private long _offset;

    /// <summary>Begins to read an archive.</summary>
    /// <param name="archive">The archive.</param>
    /// <param name="options">How it marks what it hides, whether layers are below, which may have what hard links go to, and
    /// whose files are.</param>
    public TarParser(Original archive, LayerOptions options)
    {
        WhiteoutRules rules = options.Rules ?? WhiteoutRules.Oci;
        _options = options;
        _rules = rules;
        _isUpper = options.IsUpper && rules == WhiteoutRules.Oci;
        _source = archive.Name;
        _archive = archive;
        _window = new TarWindow(archive.Bytes);
        _place = new TarPlace(_source);
        _tree = new TreeBuilder
        {
            Refuse = what => _place.Unsupported(what),
            OmittedPrefix = rules == WhiteoutRules.Oci ? TarMarks.Bookkeeping.ToArray() : null,
        };
        _marks = new TarMarks(_place, _tree, rules);
    }

    /// <summary>Whether headers that only prepare an entry were read, and the entry is still to come.</summary>
    private bool IsAnnounced => _hasPax || _longName is not null || _longLink is not null;

    /// <summary>Reads the whole archive.</summary>
    /// <param name="warning">What is odd about the archive as a whole, if something is.</param>
    public Layer Read(string? warning = null)
    {
        while (MoveNext())
            ReadHeader(new TarHeader(_block));
        LowerLink[] lowerLinks =
            [.. _lowerLinks.Select(link => link with { IsTargetLater = _tree.TryFind(link.Target.Span, out _) })];
        Node root = _tree.Finish();
        return new Layer
        {
            Name = _source,
            Root = root,
            HasRootMetadata = _tree.HasRoot,
            HasOpaqueRoot = _tree.HasOpaqueRoot,
            FollowsLinks = _rules != WhiteoutRules.Overlay,
            Rules = _rules == WhiteoutRules.Oci ? WhiteoutRules.Overlay : _rules,       // the marks are translated
            Originals = _archive.Bytes.IsApart ? [] : [_archive],
            Held = _archive.Bytes.IsApart ? [_archive.Bytes] : [],
            IsImageArchive = _rules == WhiteoutRules.Oci && HoldsLayers(),
            BlockSize = _archive.Bytes.IsApart ? PageSize : TarHeader.Size,            // what is copied lies as it should
            Implied = _tree.Implied,
            LowerLinks = lowerLinks,
            Warning = warning,
        };
    }

    /// <summary>Whether this is an archive of a container image: as files its layers would be of no use to anybody.</summary>
    private bool HoldsLayers() => (IsFile("oci-layout"u8, out _) && IsFile("index.json"u8, out _))
        || (IsFile("manifest.json"u8, out Node? manifest) && NamesLayers(manifest!));

    private bool IsFile(ReadOnlySpan<byte> name, out Node? node) =>
        _tree.TryFind(name, out node) && node is { Type: NodeType.RegularFile };

    /// <summary>
    /// Whether this is the list of images that docker save writes. Many programs have a manifest.json of their own, and the tar
    /// of a root may hold one.
    /// </summary>
    private static bool NamesLayers(Node manifest)
    {
        byte[] bytes = new byte[Math.Min(manifest.Content.Size, ManifestHead)];
        manifest.Content.Open("manifest.json").ReadExactly(0, bytes);
        ReadOnlySpan<byte> text = bytes.AsSpan().TrimStart(" \t\r\n"u8);
        return text.StartsWith("["u8) && text.IndexOf("\"Config\""u8) >= 0 && text.IndexOf("\"Layers\""u8) >= 0;
    }

    /// <summary>Bytes of a list of images that are looked at: its first image is among them.</summary>
    private const int ManifestHead = 1 << 20;

    /// <summary>Loads the next header; false at the two zero blocks, or at the end of an archive that lacks them.</summary>
    private bool MoveNext()
    {
        _place.Header = _offset;
        long left = _window.Length - _offset;
        if (left == 0)
            return End();
        if (left < TarHeader.Size)
            throw AfterEntry($"has {left} bytes of a header, {TarHeader.Size} were expected");
        ReadOnlySpan<byte> block = _window.Read(_offset, TarHeader.Size);
        if (TarHeader.IsZero(block))
        {
            if (left >= 2 * TarHeader.Size && !TarHeader.IsZero(_window.Read(_offset + TarHeader.Size, TarHeader.Size)))
                throw AfterEntry("has a single block of zeros before something else: two end an archive, none may be within");
            return End();
        }
        if (!TarHeader.HasRightChecksum(block))
            throw AfterEntry("has a header whose checksum is wrong");
        block.CopyTo(_block);
        _offset += TarHeader.Size;
        return true;
    }

    private bool End() => IsAnnounced ? throw _place.Corrupt("the archive ends where the entry itself was expected") : false;

    private CorruptImageException AfterEntry(string what)
    {
        string place = _place.Name.IsEmpty ? "its beginning" : $"entry {TarPlace.Show(_place.Name)}";
        return new CorruptImageException(_source, $"the archive after {place} {what}", null, _offset);
    }

    private void ReadHeader(in TarHeader header)
    {
        _place.SetName(header.Prefix, header.Name);
        switch ((char)header.Type)
        {
            case 'x' or 'X':                                                           // X: the same by old Sun tools
                _pax.Reset(_global);                                                   // of two in a row the last counts
                _pax.Read(_place, ReadBody(header, TarPax.MaxHeaderLength));
                _hasPax = true;
                break;
            case 'g':
                _global.Read(_place, ReadBody(header, TarPax.MaxHeaderLength));
                break;
            case 'L':
                _longName = ReadLongName(header);
                break;
            case 'K':
                _longLink = ReadLongName(header);
                break;
            default:
                if (!_hasPax)
                    _pax.Reset(_global);
                if ((_pax.SparseName ?? _pax.Path ?? _longName) is { } name)
                    _place.SetName(name);
                ReadEntry(header);
                (_hasPax, _longName, _longLink) = (false, null, null);
                break;
        }
    }

    private void ReadEntry(in TarHeader header)
    {
        char type = (char)header.Type;
        if (type == 'V')                                                               // a label of the archive
        {
            Skip(SizeOf(header));
            return;
        }
        if (type is >= 'A' and <= 'Z' and not ('D' or 'S'))
            throw _place.Unsupported(WhatIs(type));
        if (_place.Name.IsEmpty)
            throw _place.Corrupt("it has no name");

        List<long>? map = type == 'S' ? ReadOldMap(header) : null;
        long size = type is >= '1' and <= '6' ? 0 : SizeOf(header);                    // of these nothing but a header
        long data = _offset;
        Skip(size);

        ReadOnlySpan<byte> path = TarPath.Plain(_place, _place.Name, Reserve(ref _path, _place.Name.Length));
        if (_marks.TryTake(path))
            return;
        bool isDirectory = type is '5' or 'D' || (type is '0' or '\0' && _place.Name[^1] == '/');
        if (isDirectory)
            _tree.AddDirectory(path, MakeNode(header, NodeType.Directory));
        else if (path.IsEmpty)
            throw _place.Corrupt("the root is not a directory");
        else if (type == '1')
            AddLink(path, TargetOf(header));
        else
            _tree.Add(path, MakeFile(header, type, size, data, map));
    }

    private Node MakeFile(in TarHeader header, char type, long size, long data, List<long>? map) => type switch
    {
        '2' => MakeNode(header, NodeType.SymbolicLink, SymbolicTarget(TargetOf(header))),
        '3' => MakeNode(header, NodeType.CharacterDevice, null, DeviceOf(header)),
        '4' => MakeNode(header, NodeType.BlockDevice, null, DeviceOf(header)),
        '6' => MakeNode(header, NodeType.Fifo),
        _ => MakeNode(header, NodeType.RegularFile, PlaceContent(header, size, data, map)),
    };

    private Node MakeNode(in TarHeader header, NodeType type, object? payload = null, DeviceNumber device = default)
    {
        TarAttributes attributes = _xattrs.Get(_place, _pax.XattrRecords);
        ushort permissions = (ushort)(Number(header.ModeField, "mode", TarHeader.ModeAt) & 0xFFF);
        if (attributes.Permissions is { } set && type != NodeType.SymbolicLink)
            permissions = (ushort)((permissions & 0xE00) | set);                       // setting an ACL sets these bits
        return new Node
        {
            Type = type,
            Permissions = permissions,
            UserId = _options.UserOf(
                Id(_pax.UserId ?? Number(header.UserIdField, "user number", TarHeader.UserIdAt), "user")),
            GroupId = _options.GroupOf(
                Id(_pax.GroupId ?? Number(header.GroupIdField, "group number", TarHeader.GroupIdAt), "group")),
            Modified = _pax.Modified ?? new Timestamp(Number(header.ModifiedField, "time", TarHeader.ModifiedAt), 0),
            Xattrs = attributes.Set,
            Device = device,
            Payload = payload,
        };
    }

    private PlacedContent PlaceContent(in TarHeader header, long size, long data, List<long>? oldMap)
    {
        if (oldMap is not null)
        {
            long real = Number(header.RealSizeField, "size with holes", 0);
            return TarSparse.Place(_place, _archive, _pax.SparseSize ?? real, data, size, oldMap);
        }
        if (_pax.SparseMajor is not null || _pax.SparseMap is not null)
            return PlaceSparse(size, data);
        return size == 0 ? _empty : new PlacedContent(size, new PlacedExtent(0, _archive, data, size), TarHeader.Size);
    }

    private PlacedContent PlaceSparse(long size, long data)
    {
        (long major, long minor) = (_pax.SparseMajor ?? 0, _pax.SparseMinor ?? 0);
        if ((major, minor) is not ((1, 0) or (0, 0) or (0, 1)))
            throw _place.Unsupported($"GNU sparse files of version {major}.{minor}");
        if (_pax.SparseSize is not { } real)
            throw _place.Corrupt("its pax records make it a sparse file and do not give its size");
        List<long>? map = major == 1 ? TarSparse.ReadMapBeforeData(_place, _window, ref data, ref size) : _pax.SparseMap;
        if (map is null)
            throw _place.Corrupt("its pax records make it a sparse file and have no map");
        return TarSparse.Place(_place, _archive, real, data, size, map);
    }

    private List<long> ReadOldMap(in TarHeader header) => header.Dialect == TarDialect.Gnu
        ? TarSparse.ReadOldMap(_place, _window, header, ref _offset)
        : throw _place.Unsupported("a sparse file in an archive that is not of GNU tar");

    private void AddLink(ReadOnlySpan<byte> path, ReadOnlySpan<byte> target)
    {
        ReadOnlySpan<byte> plain = TarPath.Plain(_place, target, Reserve(ref _target, target.Length));
        bool isItself = plain.SequenceEqual(path);                                     // named twice to tar
        if (_tree.TryFind(plain, out Node? node))
        {
            if (node is null)
                throw _place.Corrupt($"it is a hard link to {TarPlace.Show(target)}, which is a directory");
        }
        else if (_isUpper && !isItself)
        {
            node = StandInFor(path, plain);
        }
        else
        {
            throw _place.Corrupt($"it is a hard link to {TarPlace.Show(target)}, which is not in the archive before it");
        }
        if (!isItself)
            _tree.Add(path, node);
    }

    private Node StandInFor(ReadOnlySpan<byte> path, ReadOnlySpan<byte> target)
    {
        Node standIn = new() { Type = NodeType.RegularFile, Permissions = 0, Payload = _empty };
        _lowerLinks.Add(new LowerLink(standIn, path.ToArray(), target.ToArray(), IsTargetLater: false, _place.Header));
        return standIn;
    }

    private ReadOnlySpan<byte> TargetOf(in TarHeader header) => _pax.LinkPath ?? _longLink ?? header.LinkName;

    private byte[] SymbolicTarget(ReadOnlySpan<byte> target)
    {
        if (target.IsEmpty || target.Contains((byte)0))
            throw _place.Corrupt("the target of the symbolic link is empty or holds a NUL");
        return target.Length <= Node.MaxTargetLength ? target.ToArray()
            : throw _place.Corrupt($"the symbolic link's target has {target.Length} bytes, {Node.MaxTargetLength} is the most");
    }

    private DeviceNumber DeviceOf(in TarHeader header)
    {
        long major = _pax.Major ?? Number(header.MajorField, "major number", TarHeader.MajorAt);
        long minor = _pax.Minor ?? Number(header.MinorField, "minor number", TarHeader.MinorAt);
        if (major < 0 || minor < 0)
            throw _place.Corrupt($"its device number {major}:{minor} is negative");
        if (major > DeviceNumber.MaxMajor || minor > DeviceNumber.MaxMinor)
        {
            throw _place.Unsupported(
                $"the device number {major}:{minor}, {DeviceNumber.MaxMajor}:{DeviceNumber.MaxMinor} is the largest");
        }
        return DeviceNumber.Of((uint)major, (uint)minor);
    }

    private uint Id(long id, string whose) => id is >= 0 and <= uint.MaxValue ? (uint)id
        : throw _place.Corrupt($"its {whose} number {id} is not one of 0 to {uint.MaxValue}");

    private long Number(ReadOnlySpan<byte> field, string what, int at) => TarNumber.TryReadField(field, out long number) ? number
        : throw _place.Corrupt($"its {what} {TarPlace.Show(field)} is not a number that can be", _place.Header + at);

    private long SizeOf(in TarHeader header)
    {
        long size = _pax.Size ?? Number(header.SizeField, "size", TarHeader.SizeAt);
        return size >= 0 ? size : throw _place.Corrupt($"its size {size} is negative", _place.Header + TarHeader.SizeAt);
    }

    /// <summary>
    /// Goes past data, which must be there, and its padding, which some writers leave out behind the last entry.
    /// </summary>
    private void Skip(long size)
    {
        long left = _window.Length - _offset;
        if (size > left)
            throw _place.Corrupt($"its {size} bytes of data are cut off, the archive ends at byte {_window.Length}", _offset);
        long padded = size + (-size & (TarHeader.Size - 1));
        _offset += Math.Min(padded, left);
    }

    /// <summary>The data of a header that only prepares an entry. Valid until the next read.</summary>
    private ReadOnlySpan<byte> ReadBody(in TarHeader header, int most)
    {
        long size = Number(header.SizeField, "size", TarHeader.SizeAt);
        if (size < 0)
            throw _place.Corrupt($"its size {size} is negative", _place.Header + TarHeader.SizeAt);
        if (size > most)
            throw _place.Unsupported($"an extended header of {size} bytes, {most} is the most");
        long at = _offset;
        Skip(size);
        return _window.Read(at, (int)size);
    }

    private byte[] ReadLongName(in TarHeader header)
    {
        ReadOnlySpan<byte> name = ReadBody(header, MaxLongNameLength);
        int end = name.IndexOf((byte)0);
        return (end < 0 ? name : name[..end]).ToArray();
    }

    private static string WhatIs(char type) => type switch
    {
        'M' => "it goes on from another volume (type M)",
        'N' => "long names in the way of very old GNU tar (type N)",
        'A' or 'E' => $"an access control list of Solaris (type {type})",
        'I' => "an inode without data of star (type I)",
        _ => $"entries of type {type}",
    };

    private static Span<byte> Reserve(ref byte[] buffer, int length)
    {
        if (buffer.Length < length)
            buffer = new byte[Math.Max(length, 2 * buffer.Length)];
        return buffer;
    }
}
