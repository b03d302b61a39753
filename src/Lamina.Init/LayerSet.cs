using Lamina.Archives;
using Lamina.Boot;

namespace Lamina.Init;

/// <summary>A layer that was found: where its bytes are, for us and for the kernel.</summary>
/// <param name="Name">Its name in the archive, or the device's.</param>
/// <param name="Bytes">Its bytes.</param>
/// <param name="File">The file or block device that the kernel is given.</param>
/// <param name="Offset">Where it starts in that file.</param>
internal sealed record FoundLayer(string Name, ByteSource Bytes, string File, long Offset)
{
    /// <summary>Whether it is a block device of its own.</summary>
    public bool IsDevice => NativeFiles.IsBlockDevice(File);

    /// <summary>Whether it is a whole file, not a part of one.</summary>
    public bool IsWholeFile => !IsDevice && File != BootFiles.KernelCopy;
}

/// <summary>All layers, lowest first, none missing and none twice.</summary>
internal sealed class LayerSet : IDisposable
{
    private const string Cause = "the archive is cut off, or memory was too small to unpack it";

    private readonly List<ByteSource> _opened = [];
    private readonly Dictionary<string, FoundLayer> _found = [];
    private readonly Dictionary<string, ListedLayer> _listed = [];

    private LayerSet()
    {
    }

    /// <summary>The layers, lowest first.</summary>
    public IReadOnlyList<FoundLayer> Layers { get; private set; } = [];

    /// <summary>The digests that the archives recorded; null if one has none.</summary>
    public IReadOnlyList<string>? Digests => Layers.All(layer => _listed.ContainsKey(layer.Name))
        ? [.. Layers.Select(layer => _listed[layer.Name].Digest)] : null;

    /// <summary>The index made beforehand, for whatever layers; null if there is none.</summary>
    public FoundLayer? Index { get; private set; }

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
        set.Protection?.UseIndex(set.Index, names);
        foreach (string name in names)
        {
            if (set.Check(name, options.ChecksLayers) is { } layer)
                layers.Add(layer);
        }
        if (layers.Count == 0)
            throw new BootFailure($"there is no layer in /{BootFiles.Layers}, and no lamina.root= on the command line");
        set.Layers = layers;
        KernelLog.Say($"{layers.Count} layers, lowest first: {string.Join(", ", layers.Select(layer => layer.Name))}");
        return set;
    }

    /// <inheritdoc/>
    public void Dispose() => _opened.ForEach(source => source.Dispose());

    private void ReadLists()
    {
        foreach (string path in FilesIn(BootFiles.Lists))
        {
            foreach (ListedLayer layer in LayerList.Parse(path, File.ReadAllBytes(path)))
            {
                if (!_listed.TryAdd(layer.Name, layer))
                    throw new BootFailure($"{layer.Name}: two layers have this name");
            }
        }
    }

    private void FindFiles()
    {
        foreach (string path in FilesIn(BootFiles.Layers))
            _found.Add(Path.GetFileName(path), new FoundLayer(Path.GetFileName(path), Keep(ByteSource.OpenFile(path)), path, 0));
        const string index = $"/{BootFiles.Index}";
        if (File.Exists(index))
            Index = new FoundLayer(BootFiles.Index, Keep(ByteSource.OpenFile(index)), index, 0);
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
        CpioReader reader = new(copy);
        try
        {
            foreach (CpioEntry entry in reader.ReadAll())
                AddInPlace(copy, entry);
        }
        catch (CorruptImageException damage)
        {
            KernelLog.Warn(damage.Message);     // what it lacks of the layers that are listed is told layer by layer
        }
        if (reader.Remainder >= 0)
            KernelLog.Say($"from byte {reader.Remainder} on, the archive is compressed; layers in place are not looked for " +
                $"there");
    }

    private void AddInPlace(ByteSource copy, CpioEntry entry)
    {
        bool isIndex = entry.Name == BootFiles.Index;
        if (!entry.IsFifo || (!isIndex && Path.GetDirectoryName(entry.Name) != BootFiles.Layers))
            return;
        string name = Path.GetFileName(entry.Name);
        ByteSource bytes = ByteSource.Slice(copy, name, entry.BodyOffset, entry.BodySize);
        if (isIndex)
            Index = new FoundLayer(BootFiles.Index, bytes, BootFiles.KernelCopy, entry.BodyOffset);
        else if (!_found.TryAdd(name, new FoundLayer(name, bytes, BootFiles.KernelCopy, entry.BodyOffset)))
            throw new BootFailure($"{name}: two layers have this name");
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
            return $"the archive announces it, but it is not there: {Cause}";
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
        bool isForPartitions = Protection is not null && Protection.IsForPartitions(layers, Index);
        if (options.Root is not { } what && !isForPartitions)
            return null;
        string option = isForPartitions ? "lamina.roothash" : $"lamina.root={options.Root}";
        FoundLayer root = Protection?.OpenRoot(options.Root, OpenDevice) ?? OpenDevice("lamina.root", options.Root!);
        try
        {
            BootIndex.Check(root.Bytes);
            return root;
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
