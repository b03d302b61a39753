using System.Text;
using Lamina.Archives;

namespace Lamina.Boot;

/// <summary>A layer in the kernel's copy of the archives.</summary>
/// <param name="Name">The file's name in the folder of layers; that of the index for an index.</param>
/// <param name="Offset">Its first byte.</param>
/// <param name="Size">In bytes.</param>
internal sealed record LayerPlace(string Name, long Offset, long Size);

/// <summary>A run of the copy that nobody can walk through.</summary>
/// <param name="Kind">What it is compressed with; null if it is nothing that is known.</param>
/// <param name="Start">Its first byte.</param>
/// <param name="End">The byte behind it.</param>
internal sealed record UnknownPart(string? Kind, long Start, long End);

/// <summary>
/// Finds the layers that lie in place in what the boot loader gave the kernel: archives one behind the other, some compressed.
/// Plain ones are walked from header to header, and zstd frames from block to block. The rest is searched for the headers that
/// the lists announce; as anything can look like one there, only the layer's SHA-256 proves it.
/// </summary>
internal sealed class KernelCopy
{
    /// <summary>
    /// Each candidate may cost the reading of a layer; so many in a row that are none did not come about by chance.
    /// </summary>
    private const int FailedLimit = 16;

    private const int StepSize = 1 << 20;

    private readonly ByteSource _copy;
    private readonly Dictionary<string, ListedLayer> _listed;
    private readonly List<LayerPlace> _places = [], _indexes = [];
    private readonly List<UnknownPart> _unknown = [];
    private int _failed;

    private KernelCopy(ByteSource copy, IEnumerable<ListedLayer> listed)
    {
        _copy = copy;
        _listed = listed.ToDictionary(layer => layer.Name, StringComparer.Ordinal);
    }

    /// <summary>The layers, in their order; those that the lists do not name as well.</summary>
    public IReadOnlyList<LayerPlace> Layers => _places;

    /// <summary>The indexes, in their order.</summary>
    public IReadOnlyList<LayerPlace> Indexes => _indexes;

    /// <summary>What could not be walked through.</summary>
    public IReadOnlyList<UnknownPart> Unknown => _unknown;

    /// <summary>How many archives that can be read have an /init: the last one is the one that runs.</summary>
    public int InitCount { get; private set; }

    /// <summary>Where an entry begins that the end of the copy cuts off; null if none is.</summary>
    public long? CutOff { get; private set; }

    /// <summary>Looks through a copy.</summary>
    /// <param name="copy">The copy.</param>
    /// <param name="listed">The layers that must be in it.</param>
    public static KernelCopy Read(ByteSource copy, IEnumerable<ListedLayer> listed)
    {
        KernelCopy found = new(copy, listed);
        found.Walk();
        return found;
    }

    /// <summary>Why a layer that a list names is not among those that were found.</summary>
    public string Explain()
    {
        if (CutOff is { } at)
            return $"the archives are cut off, their last entry begins at byte {at} of {_copy.Length}";
        if (_failed > 0)
            return "what has its name and size has not its SHA-256";
        string parts = string.Join(" and ", _unknown.Select(part => $"bytes {part.Start} to {part.End - 1} are " +
            (part.Kind is null ? "no archive" : $"compressed with {part.Kind}")));
        return parts.Length > 0 ? $"{parts}; a layer in place must not be compressed (or use --form files)"
            : "the archive is cut off";
    }

    private void Walk()
    {
        for (long at = 0; at < _copy.Length;)
        {
            at = CpioFormat.SkipZeros(_copy, at, out byte first);
            if (at >= _copy.Length)
                break;
            if (first == (byte)'0' && at % CpioHeader.Alignment == 0 && HasMagic(at))
            {
                at = WalkArchives(at, out bool isWhole, Keep);
                if (!isWhole && CutOff is null)
                    at = Search(at, null);
                continue;
            }
            string? kind = Packing.Find(_copy, at, out _);
            long end = kind == "zstd" ? ZstdLength.Skip(_copy, at) : -1;
            if (end > 0)
                _unknown.Add(new UnknownPart(kind, at, end));
            at = end > 0 ? end : Search(at, kind);
        }
    }

    private bool HasMagic(long at)
    {
        Span<byte> magic = stackalloc byte[CpioFormat.MagicSize];
        return _copy.Read(at, magic) == magic.Length && CpioHeader.HasMagic(magic);
    }

    /// <summary>Walks plain archives up to where they end, or to what is none.</summary>
    private long WalkArchives(long start, out bool isWhole, Action<LayerPlace> take)
    {
        CpioReader reader = new(ByteSource.Slice(_copy, _copy.Name, start, _copy.Length - start));
        isWhole = true;
        try
        {
            foreach (CpioEntry entry in reader.ReadAll())
            {
                if (entry.IsFifo && entry.BodySize > 0 && (entry.Name == BootFiles.Index
                    || Path.GetDirectoryName(entry.Name) == BootFiles.Layers))
                {
                    take(new LayerPlace(entry.Name == BootFiles.Index ? entry.Name : Path.GetFileName(entry.Name),
                        start + entry.BodyOffset, entry.BodySize));
                }
                else if (entry.Name is "init" or "./init" or "/init")
                {
                    InitCount++;
                }
            }
        }
        catch (CorruptImageException)
        {
            isWhole = false;
            long at = start + reader.Position;
            if (IsCutOff(at))
                CutOff = at;
            return CutOff is null ? at : _copy.Length;
        }
        return reader.Remainder < 0 ? _copy.Length : start + reader.Remainder;
    }

    /// <summary>Whether what fails at a byte is an entry with a part behind the end, and not something that is none.</summary>
    private bool IsCutOff(long at)
    {
        Span<byte> bytes = stackalloc byte[CpioHeader.Size];
        bytes = bytes[.._copy.Read(at, bytes)];
        return bytes.Length < CpioHeader.Size || (CpioHeader.HasMagic(bytes) && CpioHeader.TryParse(bytes, out CpioHeader header)
            && header.NameSize is > 0 and <= CpioHeader.MaxNameSize);
    }

    private void Keep(LayerPlace place) => (place.Name == BootFiles.Index ? _indexes : _places).Add(place);

    /// <summary>Looks for the next archive whose layers are those of a list. Gives the byte behind it.</summary>
    private long Search(long start, string? kind)
    {
        byte[] step = new byte[StepSize];
        for (long at = start; at < _copy.Length && _failed < FailedLimit;)
        {
            int count = _copy.Read(at, step);
            int found = FindHeader(step.AsSpan(0, count), at);
            if (found < 0)
            {
                // The name may reach into the next step.
                at = count < StepSize ? _copy.Length : at + count - CpioHeader.Size - CpioHeader.MaxNameSize;
                continue;
            }
            long header = at + found;
            if (TryTake(header) is not { } end)
            {
                at = header + CpioHeader.Alignment;
                continue;
            }
            _unknown.Add(new UnknownPart(kind, start, header));
            return end;
        }
        _unknown.Add(new UnknownPart(kind, start, _copy.Length));
        return _copy.Length;
    }

    /// <summary>
    /// The next place in a run of bytes that begins with a header of a layer in a list, or of an index; -1 if none does.
    /// </summary>
    private int FindHeader(ReadOnlySpan<byte> bytes, long start)
    {
        for (int at = 0; ; at++)
        {
            int next = bytes[at..].IndexOf("07070"u8);
            at += next;
            if (next < 0 || bytes.Length - at < CpioHeader.Size)
                return -1;
            bool isHeader = (start + at) % CpioHeader.Alignment == 0 && CpioHeader.HasMagic(bytes[at..])
                && CpioHeader.TryParse(bytes[at..], out CpioHeader header)
                && IsAnnounced(header, bytes[(at + CpioHeader.Size)..]);
            if (isHeader)
                return at;
        }
    }

    private bool IsAnnounced(CpioHeader header, ReadOnlySpan<byte> name)
    {
        if ((header.Mode & CpioEntry.TypeMask) != CpioEntry.FifoType || header.BodySize == 0
            || header.NameSize is 0 or > CpioHeader.MaxNameSize || header.NameSize > name.Length)
        {
            return false;
        }
        name = name[..(int)header.NameSize];
        int end = name.IndexOf((byte)0);
        string path = Encoding.UTF8.GetString(end < 0 ? name : name[..end]);
        return path == BootFiles.Index || (Path.GetDirectoryName(path) == BootFiles.Layers
            && _listed.TryGetValue(Path.GetFileName(path), out ListedLayer? layer) && layer.Size == header.BodySize);
    }

    /// <summary>
    /// Takes the layers of the archive that a header may be in the midst of: those that are proven, and an index in front of
    /// one. Gives the byte behind it; null if there is none.
    /// </summary>
    private long? TryTake(long header)
    {
        List<LayerPlace> candidates = [];
        (int inits, long? cut) = (InitCount, CutOff);
        long end = WalkArchives(header, out bool isWhole, candidates.Add);
        bool isProven = false;
        foreach (LayerPlace place in candidates.Where(place => place.Name != BootFiles.Index))
        {
            if (_failed >= FailedLimit || !_listed.TryGetValue(place.Name, out ListedLayer? layer) || layer.Size != place.Size)
                continue;
            ByteSource bytes = ByteSource.Slice(_copy, place.Name, place.Offset, place.Size);
            if (Convert.ToHexStringLower(Sha256.Compute(bytes)) != layer.Digest)
            {
                _failed++;
                continue;
            }
            if (!_places.Any(known => known.Name == place.Name))
                _places.Add(place);
            isProven = true;
        }
        if (!isProven)
        {
            (InitCount, CutOff) = (inits, cut);
            _failed++;
            return null;
        }
        _failed = 0;
        _indexes.AddRange(candidates.Where(place => place.Name == BootFiles.Index));
        return end;
    }
}
