using System.Security.Cryptography;
using Lamina.Archives;

namespace Lamina.Boot;

/// <summary>
/// Archives that a kernel unpacks one over another: what one does to another is told before a machine does not start from them.
/// </summary>
internal sealed class ArchiveSet
{
    private const string Init = "init";

    private readonly Dictionary<string, string> _layers = [];
    private readonly List<string> _warnings = [];
    private string? _init, _layersOf, _current;
    private bool _isOwn, _initIsOwn, _hasLayersInPlace;

    private ArchiveSet()
    {
    }

    /// <summary>Looks at archives, compressed parts of them included, in the order in which they are unpacked.</summary>
    /// <returns>What may be meant, but would be odd: a sentence each.</returns>
    /// <exception cref="CorruptImageException">A part is cut off or damaged.</exception>
    /// <exception cref="UnsupportedImageException">They cannot work together.</exception>
    public static IReadOnlyList<string> Check(IReadOnlyList<ByteSource> archives)
    {
        ArchiveSet set = new();
        foreach (ByteSource archive in archives)
            set.Read(archive);
        if (set._layersOf is { } layers && set._init is { } init && !set._initIsOwn)
        {
            set._warnings.Add($"{init} has an /init that is not in an archive by lamina initrd; it runs, and the layers in " +
                $"{layers} are not used. Put {init} in front");
        }
        return set._warnings;
    }

    /// <summary>Whether layers lie in place in an archive, behind what is compressed as well.</summary>
    /// <exception cref="CorruptImageException">It is cut off or damaged.</exception>
    /// <exception cref="UnsupportedImageException">They were compressed with it.</exception>
    public static bool HasLayersInPlace(ByteSource archive)
    {
        ArchiveSet set = new();
        set.Read(archive);
        return set._hasLayersInPlace;
    }

    private void Read(ByteSource archive)
    {
        _current = archive.Name;
        _isOwn = false;
        bool hadInit = false;
        for (long at = 0; at < archive.Length;)
        {
            at = CpioFormat.SkipZeros(archive, at, out _);
            if (at >= archive.Length)
                break;
            if (Packing.Find(archive, at, out bool canBeRead) is { } kind)
            {
                if (!canBeRead)
                    break;
                at = PackedEntries.Read(archive, at, kind, entry => AddPacked(entry, kind));
                continue;
            }
            ByteSource rest = ByteSource.Slice(archive, archive.Name, at, archive.Length - at);
            if (!CpioReader.IsCpio(rest))
                break;
            if (at % CpioHeader.Alignment != 0)
            {
                throw new UnsupportedImageException(archive.Name,
                    $"an archive begins at byte {at}; where that is no multiple of {CpioHeader.Alignment}, no kernel sees it",
                    $"Pad what is in front of it: truncate -s %{CpioHeader.Alignment} FILE");
            }
            CpioReader reader = new(rest);
            foreach (CpioEntry entry in reader.ReadAll())
                Add(entry, rest);
            at = reader.Remainder < 0 ? archive.Length : at + reader.Remainder;
        }

        void Add(CpioEntry entry, ByteSource bytes)
        {
            AddName(entry.Name, ref hadInit);
            bool isLayer = Path.GetDirectoryName(entry.Name) == BootFiles.Layers && entry.BodySize > 0
                && (entry.IsFifo || entry.IsRegularFile);
            _hasLayersInPlace |= InitrdBuilder.IsLayerInPlace(entry);
            if (isLayer)
                AddLayer(Path.GetFileName(entry.Name));
            else if (Path.GetDirectoryName(entry.Name) == BootFiles.Lists && entry.IsRegularFile)
                CheckList(entry, bytes);
        }

        void AddPacked(PackedEntry entry, string kind)
        {
            AddName(entry.Name, ref hadInit);
            if (Path.GetDirectoryName(entry.Name) != BootFiles.Layers || entry.BodySize == 0)
                return;
            if ((entry.Mode & CpioEntry.TypeMask) == CpioEntry.FifoType)
            {
                throw new UnsupportedImageException(archive.Name, $"is compressed with {kind}, and layers in it lie in place: " +
                    "no boot would find them", "Leave the archive as lamina initrd made it, or make it with --form files.");
            }
            AddLayer(Path.GetFileName(entry.Name));
        }
    }

    private void AddName(string name, ref bool hadInit)
    {
        name = name.StartsWith("./", StringComparison.Ordinal) ? name[2..] : name.TrimStart('/');
        if (name == BootFiles.Layers)
            (_isOwn, _layersOf) = (true, _current);
        if (name == Init)
            (_init, hadInit) = (_current, true);
        _initIsOwn = hadInit ? _isOwn : _initIsOwn;
    }

    private void AddLayer(string name)
    {
        if (!_layers.TryAdd(name, _current!) && _layers[name] != _current)
        {
            throw new UnsupportedImageException(_current!, $"has a layer {name}, and so has {_layers[name]}",
                "Number one of them otherwise: lamina initrd --first");
        }
        if (!_isOwn)
            (_isOwn, _layersOf) = (true, _current);
    }

    private static void CheckList(CpioEntry entry, ByteSource bytes)
    {
        byte[] text = new byte[checked((int)entry.BodySize)];
        bytes.ReadExactly(entry.BodyOffset, text);
        if (!LayerList.IsNamedAfter(entry.Name, SHA256.HashData(text)))
            throw new CorruptImageException(bytes.Name, $"/{entry.Name} is not the list of layers that its name stands for");
    }
}
