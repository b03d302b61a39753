using System.Diagnostics;
using System.Globalization;
using Lamina.Boot;
using Lamina.Mounting;
using Lamina.Writing;

namespace Lamina.Init;

/// <summary>
/// The EROFS mounts that make up the root, lowest first: one of all layers; one of those that are ready, with a mount for each
/// that came later; or one for each.
/// </summary>
internal sealed class LayerMounts
{
    private const string Lower = "/lamina/lower", Merged = "/lamina/merged.erofs";

    /// <summary>
    /// Each name is looked up in every mount of a stack; where there are more, one merge costs less than all of that.
    /// </summary>
    private const int StackLimit = 32;

    private readonly LayerSet _layers;
    private readonly string _release;
    private readonly List<string> _directories = [];

    private LayerMounts(LayerSet layers, string release)
    {
        _layers = layers;
        _release = release;
    }

    /// <summary>Mounts the layers, each mount at a directory of its own.</summary>
    /// <returns>The directories, lowest first.</returns>
    public static IReadOnlyList<string> Mount(LayerSet layers, LayerStacking stacking, string release)
    {
        LayerMounts mounts = new(layers, release);
        int count = layers.Layers.Count;
        if (stacking == LayerStacking.Overlay && count > 1)
            mounts.Stack(0, "");
        else if (!mounts.TryMountReady(stacking))
            mounts.Mount(count, mounts.MakeIndex());
        return mounts._directories;
    }

    /// <summary>Mounts what is there without anything being merged; false if that is not all layers.</summary>
    private bool TryMountReady(LayerStacking stacking)
    {
        int count = _layers.Layers.Count, covered = _layers.CoveredCount;
        FoundLayer? index = _layers.Index;
        if (covered == 0)
        {
            if (index is not null)
                KernelLog.Say("the index made beforehand is for other layers, it is not used");
            bool isReady = (count == 1 || _layers.HasBase) && BootIndex.CanBeMounted(_layers.Layers[0].Bytes);
            (covered, index) = (isReady ? 1 : 0, null);
        }
        if (covered == 0 || (covered < count && (stacking == LayerStacking.Merge || !CanStack(covered))))
            return false;
        if (index is not null)
        {
            KernelLog.Say(covered == count ? "the index made beforehand fits the layers"
                : $"the index made beforehand fits the first {covered} layers");
        }
        if (!TryMount(covered, index))
            return false;
        if (covered < count)
            Stack(covered, " on it");
        return true;
    }

    private bool CanStack(int covered)
    {
        int count = _layers.Layers.Count - covered;
        FoundLayer? other = _layers.Layers.Skip(covered).FirstOrDefault(layer => !BootIndex.CanBeMounted(layer.Bytes));
        if (other is not null)
            KernelLog.Say($"layer {other.Name} is no image that could be mounted by itself: all layers are merged");
        else if (count >= StackLimit)
            KernelLog.Say($"{count} layers came later, more than a stack should have: all layers are merged");
        return other is null && count < StackLimit;
    }

    /// <summary>An index made for a newer kernel is no reason not to boot: it can be made again.</summary>
    private bool TryMount(int count, FoundLayer? index)
    {
        try
        {
            Mount(count, index);
            return true;
        }
        catch (BootFailure refusal) when (index is not null && _layers.Protection is null)
        {
            KernelLog.Warn($"the index made beforehand is not used: {refusal.Message}");
            return false;
        }
    }

    /// <summary>Mounts the first layers as one.</summary>
    private void Mount(int count, FoundLayer? index)
    {
        List<LoopDevice> loops = [];
        try
        {
            FoundLayer[] layers = [.. _layers.Layers.Take(count)];
            List<string> files = Files(index is null ? layers : [index, .. layers], loops);
            MountResult result = Mounter.Mount(new MountRequest(files[0], files[1..], Next()));
            bool isDirect = result.Direct && loops.Count == 0 && !Array.Exists(layers, layer => layer.IsDevice);
            string what = index is not null ? "the merged tree" : _layers.Layers.Count == 1 ? "the only layer"
                : "the lowest layer";
            KernelLog.Say($"mounted {what} from {(isDirect ? "files" : "block devices")}");
        }
        catch (IOException refusal)
        {
            _directories.RemoveAt(_directories.Count - 1);
            throw Explain(_layers.Layers.Take(count), refusal);
        }
        finally
        {
            loops.ForEach(loop => loop.Dispose());      // a mount keeps them open
        }
    }

    /// <summary>Mounts each layer from one on by itself.</summary>
    private void Stack(int first, string where)
    {
        foreach (FoundLayer layer in _layers.Layers.Skip(first))
            MountAlone(layer, Next());
        int count = _layers.Layers.Count - first;
        KernelLog.Say($"mounted {count} {(count == 1 ? "layer" : "layers")}, to be stacked{where} by overlayfs");
    }

    private FoundLayer MakeIndex()
    {
        long start = Stopwatch.GetTimestamp();
        WriteResult result = BootIndex.Write([.. _layers.Layers.Select(layer => layer.Bytes)], _release, Merged);
        double took = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        KernelLog.Say(string.Create(CultureInfo.InvariantCulture,
            $"merged {_layers.Layers.Count} layers in {took:F1} ms: {result.InodeCount} files, an index of " +
                $"{result.Length / 1024} KiB"));
        return new FoundLayer(BootFiles.Index, ByteSource.OpenFile(Merged), Merged, 0);
    }

    private string Next()
    {
        _directories.Add(string.Create(CultureInfo.InvariantCulture, $"{Lower}/{_directories.Count}"));
        Directory.CreateDirectory(_directories[^1]);
        return _directories[^1];
    }

    /// <summary>
    /// What the kernel can be given: devices and whole files as they are, a part of a file through a loop device.
    /// </summary>
    private static List<string> Files(FoundLayer[] layers, List<LoopDevice> loops)
    {
        bool areFiles = Array.TrueForAll(layers, layer => layer.IsWholeFile);
        List<string> files = [];
        foreach (FoundLayer layer in layers)
        {
            if (areFiles || layer.IsDevice)
            {
                files.Add(layer.File);
                continue;
            }
            loops.Add(Attach(layer));
            files.Add(loops[^1].Path);
        }
        return files;
    }

    private static LoopDevice Attach(FoundLayer layer) => LoopDevice.Attach(layer.File, layer.Offset, layer.Bytes.Length);

    private static void MountAlone(FoundLayer layer, string directory)
    {
        try
        {
            if (layer.IsDevice)
            {
                _ = Mounter.Mount(new MountRequest(layer.File, [], directory));
                return;
            }
            using LoopDevice loop = Attach(layer);
            _ = Mounter.Mount(new MountRequest(loop.Path, [], directory));
        }
        catch (IOException refusal)
        {
            throw new BootFailure($"layer {layer.Name}: {refusal.Message}");
        }
    }

    /// <summary>Finds the layer that the kernel would refuse by itself, such as one with a codec that it lacks.</summary>
    private static BootFailure Explain(IEnumerable<FoundLayer> layers, IOException refusal)
    {
        const string directory = $"{Lower}/alone";
        Directory.CreateDirectory(directory);
        foreach (FoundLayer layer in layers)
        {
            try
            {
                MountAlone(layer, directory);
                MountCall.Unmount(directory);
            }
            catch (BootFailure culprit)
            {
                return culprit;
            }
        }
        return new BootFailure(refusal.Message);
    }
}
