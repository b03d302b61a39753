using Lamina.Boot;

namespace Lamina.Init;

/// <summary>All layers, lowest first, none missing and none twice.</summary>
internal sealed class LayerSet : IDisposable
{
    private const string Cause = "the archive is cut off, or memory was too small to unpack it";

    private const string Overwritten = "another archive has overwritten it, or memory was too small to unpack it";

    private readonly List<ByteSource> _opened = [];
    private readonly Dictionary<string, FoundLayer> _found = [];
    private readonly Dictionary<string, ListedLayer> _listed = [];
    private readonly Dictionary<string, string> _listOf = [];
    private readonly List<FoundLayer> _indexes = [];
    private KernelCopy? _copy;

    private LayerSet()
    {
    }

    /// <summary>The layers, lowest first.</summary>
    public IReadOnlyList<FoundLayer> Layers { get; private set; } = [];

    /// <summary>The index made beforehand, for whatever layers; null if there is none.</summary>
    public FoundLayer? Index { get; private set; }

    /// <summary>How many of the layers, from the lowest on, the index is of.</summary>
    public int CoveredCount { get; private set; }

    /// <summary>
    /// Whether the lowest layer is the base that the others came to later: it is on a device, or alone in its archive.
    /// </summary>
    public bool HasBase => Layers[0].IsRoot || (_listOf.TryGetValue(Layers[0].Name, out string? list)
        && _listOf.Count(pair => pair.Value == list) == 1);

    /// <summary>What root hashes cover; null if the command line asks for nothing like that.</summary>
    public Protection? Protection { get; private init; }

    /// <summary>Finds the layers and checks them.</summary>
    /// <exception cref="BootFailure">There are none, or one that is needed is missing or damaged.</exception>
    public static LayerSet Find(BootOptions options)
    {
        LayerSet set = new() { Protection = Protection.Begin(options) };
        set.ReadLists();
        set.FindFiles();
        string[] names = [.. set.Order(options)];
        List<FoundLayer> layers = [];
        if (set.OpenRoot(options, names.Length) is { } root)
            layers.Add(root);
        set.Protection?.UseIndex(set._indexes, names);
        foreach (string name in names)
        {
            if (set.Check(name, options.ChecksLayers) is { } layer)
                layers.Add(layer);
        }
        if (layers.Count == 0)
            throw new BootFailure($"there is no layer in /{BootFiles.Layers}, and no lamina.root= on the command line");
        set.Layers = layers;
        set.ChooseIndex();
        KernelLog.Say($"{layers.Count} layers, lowest first: {string.Join(", ", layers.Select(layer => layer.Name))}");
        return set;
    }

    /// <inheritdoc/>
    public void Dispose() => _opened.ForEach(source => source.Dispose());

    private void ReadLists()
    {
        foreach (string path in FilesIn(BootFiles.Lists))
        {
            byte[] text = File.ReadAllBytes(path);
            if (!LayerList.IsNamedAfter(path, Sha256.Compute(ByteSource.FromMemory(path, text))))
                throw new BootFailure($"{path} is not the list that its archive brought: {Overwritten}");
            foreach (ListedLayer layer in LayerList.Parse(path, text))
            {
                if (!_listed.TryAdd(layer.Name, layer))
                    throw new BootFailure($"{layer.Name}: two layers have this name, in {_listOf[layer.Name]} and {path}");
                _listOf.Add(layer.Name, path);
            }
        }
    }

    private void FindFiles()
    {
        foreach (string path in FilesIn(BootFiles.Layers))
            _found.Add(Path.GetFileName(path), new FoundLayer(Path.GetFileName(path), Keep(ByteSource.OpenFile(path)), path, 0));
        const string index = $"/{BootFiles.Index}";
        if (File.Exists(index))
            _indexes.Add(new FoundLayer(BootFiles.Index, Keep(ByteSource.OpenFile(index)), index, 0));
        // The kernel makes no FIFO where it passes over a body: that there are layers in place is known from the lists alone.
        if (_listed.Values.Any(layer => layer.Form == InitrdForm.InPlace))
            WalkKernelCopy();
    }

    private void WalkKernelCopy()
    {
        if (!File.Exists(BootFiles.KernelCopy))
        {
            throw new BootFailure($"layers lie in place, but the kernel has no {BootFiles.KernelCopy}: " +
                "it takes Linux 6.6 or later and retain_initrd on the command line; or make the archive with --form files");
        }
        ByteSource copy = Keep(ByteSource.OpenFile(BootFiles.KernelCopy));
        _copy = KernelCopy.Read(copy, _listed.Values.Where(layer => layer.Form == InitrdForm.InPlace));
        foreach (LayerPlace place in _copy.Layers)
        {
            if (!_found.TryAdd(place.Name, InCopy(copy, place)))
                throw new BootFailure($"{place.Name}: two layers have this name");
        }
        _indexes.AddRange(_copy.Indexes.Select(place => InCopy(copy, place)));
        foreach (UnknownPart part in _copy.Unknown)
        {
            KernelLog.Say($"bytes {part.Start} to {part.End - 1} of the archives are " +
                $"{(part.Kind is null ? "no archive" : $"compressed with {part.Kind}")}");
        }
        if (_copy.InitCount > 1)
            KernelLog.Warn($"{_copy.InitCount} archives have an /init; the last one runs");
    }

    private static FoundLayer InCopy(ByteSource copy, LayerPlace place) => new(place.Name,
        ByteSource.Slice(copy, place.Name, place.Offset, place.Size), BootFiles.KernelCopy, place.Offset);

    /// <summary>Of several indexes that of the most layers. What no root hash covers is not believed.</summary>
    private void ChooseIndex()
    {
        if (Protection is not null)
        {
            (Index, CoveredCount) = (Protection.Index, Protection.IndexedCount);
            return;
        }
        string?[] digests = [.. Layers.Select(layer => _listed.GetValueOrDefault(layer.Name)?.Digest)];
        foreach (FoundLayer index in _indexes)
        {
            int count = BootIndex.CountCovered(index.Bytes, digests);
            if (Index is null || count > CoveredCount)
                (Index, CoveredCount) = (index, count);
        }
    }

    /// <summary>The names to use, in their order: as told, or all, by their bytes.</summary>
    private IEnumerable<string> Order(BootOptions options)
    {
        if (options.Layers is not { } asked)
            return _found.Keys.Union(_listed.Keys).Union(Protection?.Names ?? []).Order(StringComparer.Ordinal);
        string? missing = asked.FirstOrDefault(name => !_found.ContainsKey(name) && !_listed.ContainsKey(name));
        if (missing is not null)
        {
            string known = string.Join(", ", _found.Keys.Order(StringComparer.Ordinal));
            throw new BootFailure($"lamina.layers: there is no layer {missing}; there are: {known}");
        }
        return asked;
    }

    private FoundLayer? Check(string name, bool checksDigest)
    {
        ListedLayer? listed = _listed.GetValueOrDefault(name);
        string? fault = Fault(name, listed, checksDigest);
        if (fault is null)
            return _found[name];
        // What may be missing is said by a list that no root hash covers: once there is one, nothing may.
        if (Protection is not null || listed is not { IsOptional: true })
            throw new BootFailure($"layer {name}: {fault}");
        KernelLog.Warn($"layer {name} is left out, it is optional: {fault}");
        return null;
    }

    private string? Fault(string name, ListedLayer? listed, bool checksDigest)
    {
        if (!_found.TryGetValue(name, out FoundLayer? layer))
        {
            return listed is { Form: InitrdForm.InPlace } && _copy is not null
                ? $"the archive announces it, but it is not in the kernel's copy of the archives: {_copy.Explain()}"
                : $"the archive announces it, but it is not there: {Cause}";
        }
        if (listed is { Form: InitrdForm.Files } && !File.Exists($"/{BootFiles.Marks}/{name}"))
            return $"only a part of it is there: {Cause}";
        if (listed is not null && layer.Bytes.Length != listed.Size)
            return $"it has {layer.Bytes.Length} bytes, the archive announces {listed.Size}";
        if (Protection is not null)
            layer = _found[name] = Protection.Protect(layer);
        try
        {
            BootIndex.Check(layer.Bytes);
        }
        catch (IOException refusal) when (Protection is not null)
        {
            throw new BootFailure($"layer {name}: {Protection.Refused}: {refusal.Message}");
        }
        catch (Exception damage) when (damage is CorruptImageException or UnsupportedImageException)
        {
            return damage.Message;
        }
        if (!checksDigest || listed is null)
            return null;
        string found = Convert.ToHexStringLower(Sha256.Compute(layer.Bytes));
        return found == listed.Digest ? null : $"its SHA-256 is {found}, {listed.Digest} was expected";
    }

    /// <summary>The image on a device that lies below all layers; null if there is none.</summary>
    private FoundLayer? OpenRoot(BootOptions options, int layers)
    {
        bool isForPartitions = Protection is not null && Protection.IsForPartitions(layers, _indexes.Count > 0);
        if (options.Root is not { } what && !isForPartitions)
            return null;
        string option = isForPartitions ? "lamina.roothash" : $"lamina.root={options.Root}";
        FoundLayer root = Protection?.OpenRoot(options.Root, OpenDevice) ?? OpenDevice("lamina.root", options.Root!);
        try
        {
            BootIndex.Check(root.Bytes);
            return root with { IsRoot = true };
        }
        catch (Exception damage) when (damage is CorruptImageException or UnsupportedImageException)
        {
            throw new BootFailure($"{option}: {damage.Message}");
        }
        catch (IOException refusal) when (Protection is not null)
        {
            throw new BootFailure($"{option}: {Protection.Refused}: {refusal.Message}");
        }
    }

    private FoundLayer OpenDevice(string option, string what)
    {
        string path = RootDevice.Find(option, what);
        return new FoundLayer(path, Keep(ByteSource.OpenFile(path)), path, 0);
    }

    private ByteSource Keep(ByteSource source)
    {
        _opened.Add(source);
        return source;
    }

    private static string[] FilesIn(string folder) => Directory.Exists($"/{folder}")
        ? [.. Directory.GetFiles($"/{folder}").Order(StringComparer.Ordinal)] : [];
}
