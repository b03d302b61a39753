using System.Globalization;
using Lamina.Boot;
using Lamina.Mounting;
using Lamina.Trust;

namespace Lamina.Init;

/// <summary>
/// What <c>lamina.roothash=</c> asks for: each layer is replaced by a dm-verity device over it, or read through and compared,
/// before anything in it is believed. From then on only those are used.
/// </summary>
internal sealed class Protection
{
    /// <summary>What a failed read through dm-verity means.</summary>
    public const string Refused = "it is not what its root hash says";

    private const int HalfDigits = 32;

    private readonly BootOptions _options;
    private readonly BootTrust _trust;
    private readonly Dictionary<string, ExpectedLayer> _expected = [];
    private int _count;

    private Protection(BootOptions options, BootTrust trust)
    {
        _options = options;
        _trust = trust;
        foreach ((string name, string rootHash) in trust.Layers)
            Expect(new ExpectedLayer(name, LayerCheck.Verity, rootHash));
        foreach (string digest in trust.Lists)
            ReadList(digest);
    }

    /// <summary>What the command line asks for; null if it asks for nothing.</summary>
    /// <exception cref="BootFailure">A list that it names is not there, or the kernel has no dm-verity.</exception>
    public static Protection? Begin(BootOptions options)
    {
        if (options.Trust is not { } trust)
        {
            return options.HashDevice is null ? null
                : throw new BootFailure("lamina.hash= without lamina.roothash=: the tree alone says nothing");
        }
        if (!DeviceMapper.IsThere)
            throw new BootFailure("lamina.roothash= needs dm-verity, which this kernel has not; its module is dm_verity");
        return new Protection(options, trust);
    }

    /// <summary>The names that must be there because a root hash was given for them.</summary>
    public IEnumerable<string> Names => _expected.Keys;

    /// <summary>The index that was made beforehand, through dm-verity; null if there is none to use.</summary>
    public FoundLayer? Index { get; private set; }

    /// <summary>How many layers, from the lowest on, that index is of.</summary>
    public int IndexedCount { get; private set; }

    /// <summary>
    /// Whether the root hash is for partitions that are found by it alone: nothing else is there that it could be for.
    /// </summary>
    public bool IsForPartitions(int layers, bool hasIndex) =>
        _trust.Main is not null && _options.Root is null && layers == 0 && !hasIndex;

    /// <summary>Opens the image on a device, or on the partitions that have the root hash's halves as identities.</summary>
    /// <param name="device">What <c>lamina.root=</c> says; null for those partitions.</param>
    /// <param name="open">Waits for a device: given the option that it is for, and what that says.</param>
    public FoundLayer OpenRoot(string? device, Func<string, string, FoundLayer> open)
    {
        const string rootOption = "lamina.root", hashOption = "lamina.hash", trustOption = "lamina.roothash";
        string rootHash = _trust.Main ?? throw new BootFailure(
            "lamina.roothash= has no root hash for lamina.root=, which needs one without a name in front");
        FoundLayer image = device is not null ? open(rootOption, device) : open(trustOption, Half(rootHash[..HalfDigits]));
        FoundLayer? tree = _options.HashDevice is { } named ? open(hashOption, named)
            : device is null ? open(trustOption, Half(rootHash[^HalfDigits..])) : null;
        return Cover(image, tree, rootHash);
    }

    /// <summary>
    /// Uses the index that was made beforehand if the root hash is for one and it is of the first layers; from then on it says
    /// what these have to be.
    /// </summary>
    public void UseIndex(IReadOnlyList<FoundLayer> indexes, IReadOnlyList<string> layers)
    {
        if (_trust.Main is not { } rootHash || _options.Root is not null || IsForPartitions(layers.Count, indexes.Count > 0))
            return;
        if (indexes.Count == 0)
        {
            if (layers.Count == 1)
                Expect(new ExpectedLayer(layers[0], LayerCheck.Verity, rootHash));
            else
                throw new BootFailure($"there is one root hash, but {layers.Count} layers and no index of them");
            return;
        }
        FoundLayer index = CoverOne(indexes, rootHash);
        IReadOnlyList<ExpectedLayer?>? devices = BootVerity.DevicesOf(index.Bytes, layers);
        if (devices is null)
        {
            KernelLog.Say("the index made beforehand is of more layers than there are, it is not used");
            return;
        }
        for (int i = 0; i < devices.Count; i++)
        {
            ExpectedLayer device = devices[i]
                ?? throw new BootFailure($"layer {layers[i]}: the index has no digest and no root hash of it");
            if (devices.Count < layers.Count && _expected.TryGetValue(layers[i], out ExpectedLayer? other) && other != device)
            {
                KernelLog.Say("the index made beforehand is for other layers, it is not used");
                return;
            }
        }
        foreach (ExpectedLayer? device in devices)
            Expect(device!);
        (Index, IndexedCount) = (index, devices.Count);
    }

    /// <summary>Several archives may have brought an index; the root hash is of one.</summary>
    private FoundLayer CoverOne(IReadOnlyList<FoundLayer> indexes, string rootHash)
    {
        foreach (FoundLayer other in indexes.Take(indexes.Count - 1))
        {
            try
            {
                return Cover(other, null, rootHash);
            }
            catch (BootFailure refusal)
            {
                KernelLog.Say($"not the index that the root hash is for: {refusal.Message}");
            }
        }
        return Cover(indexes[^1], null, rootHash);
    }

    /// <summary>Puts a layer under the protection that was asked for.</summary>
    /// <exception cref="BootFailure">There is no root hash for it, or it is not what that says.</exception>
    public FoundLayer Protect(FoundLayer layer)
    {
        if (!_expected.TryGetValue(layer.Name, out ExpectedLayer? expected))
            throw new BootFailure($"layer {layer.Name}: there is no root hash for it, so it is not used");
        if (expected.Check == LayerCheck.Verity)
            return Cover(layer, null, expected.Value);
        string found = Convert.ToHexStringLower(Sha256.Compute(layer.Bytes));
        return found == expected.Value ? layer
            : throw new BootFailure($"layer {layer.Name}: its SHA-256 is {found}, {expected.Value} is trusted");
    }

    private void Expect(ExpectedLayer layer)
    {
        if (!_expected.TryAdd(layer.Name, layer) && _expected[layer.Name] != layer)
            throw new BootFailure($"layer {layer.Name}: there are two root hashes for it");
    }

    private void ReadList(string digest)
    {
        string folder = $"/{BootFiles.RootHashes}";
        foreach (string path in Directory.Exists(folder) ? Directory.GetFiles(folder) : [])
        {
            byte[] text = File.ReadAllBytes(path);
            using ByteSource bytes = ByteSource.FromMemory(path, text);
            if (Convert.ToHexStringLower(Sha256.Compute(bytes)) != digest)
                continue;
            foreach (ExpectedLayer layer in RootHashList.Parse(path, text))
                Expect(layer);
            return;
        }
        throw new BootFailure($"no list of root hashes in {folder} has the SHA-256 {digest}");
    }

    private static string Half(string digits) => $"PARTUUID={new Guid(Convert.FromHexString(digits), bigEndian: true)}";

    /// <summary>Puts dm-verity over an image. The first read through it tells whether they belong together.</summary>
    private FoundLayer Cover(FoundLayer image, FoundLayer? tree, string rootHash)
    {
        List<LoopDevice> loops = [];
        try
        {
            VerityInfo info = BootVerity.Find(image.Bytes, tree?.Bytes, rootHash);
            string device = BlockDevice(image, loops), hashDevice = tree is null ? device : BlockDevice(tree, loops);
            string name = string.Create(CultureInfo.InvariantCulture, $"lamina-{_count++}");
            string covered = DeviceMapper.Make(name, info.DeviceMapperLine(device, hashDevice, _options.Corruption));
            ByteSource bytes = ByteSource.OpenFile(covered);
            bytes.ReadExactly(0, new byte[info.DataBlockSize]);
            BootVerity.RequireWhole(bytes, info);
            KernelLog.Say($"layer {image.Name}: {covered} checks it against its root hash {rootHash[..16]}...");
            return new FoundLayer(image.Name, bytes, covered, 0);
        }
        catch (Exception damage) when (damage is CorruptImageException or UnsupportedImageException)
        {
            throw new BootFailure($"layer {image.Name}: {damage.Message}");
        }
        catch (IOException refusal)
        {
            throw new BootFailure($"layer {image.Name}: {Refused}, {rootHash}: {refusal.Message}");
        }
        finally
        {
            loops.ForEach(loop => loop.Dispose());      // the device keeps them open
        }
    }

    private static string BlockDevice(FoundLayer layer, List<LoopDevice> loops)
    {
        if (layer.IsDevice)
            return layer.File;
        loops.Add(LoopDevice.Attach(layer.File, layer.Offset, layer.Bytes.Length));
        return loops[^1].Path;
    }
}
