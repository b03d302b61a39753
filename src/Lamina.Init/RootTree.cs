using System.Globalization;
using Lamina.Boot;
using Lamina.Mounting;
using Lamina.Writing;

namespace Lamina.Init;

/// <summary>From layers to the mounted tree that becomes the root.</summary>
internal static class RootTree
{
    private const string Lower = "/lamina/lower", Over = "/lamina/over", Root = "/lamina/root", Merged = "/lamina/merged.erofs";

    /// <summary>
    /// mount(2) takes a page of options; a longer list of layers goes through a context, where each has an option.
    /// </summary>
    private const int OptionLimit = 4000;

    /// <summary>Mounts the layers and gives the directory where the new root is to be seen.</summary>
    public static string Mount(LayerSet layers, BootOptions options, string release)
    {
        bool isMerged = options.Stacking == LayerStacking.Merge || layers.Layers.Count == 1;
        bool isWritable = options.Overlay == RootOverlay.Tmpfs;
        Directory.CreateDirectory(Root);
        if (!isMerged || isWritable)
            Modules.Require("overlay", release);
        if (!isMerged)
        {
            List<string> mounted = MountEach(layers);
            MountOverlay(mounted, isWritable);
            mounted.ForEach(directory => MountCall.Unmount(directory, lazy: true));
            return Root;
        }
        string target = isWritable ? Lower : Root;
        Directory.CreateDirectory(target);
        MountMerged(layers, release, target);
        if (isWritable)
        {
            MountOverlay([Lower], isWritable);
            MountCall.Unmount(Lower, lazy: true);      // the overlay keeps it; nobody needs to see it twice
        }
        return Root;
    }

    private static void MountMerged(LayerSet layers, string release, string target)
    {
        if (layers.Protection?.Index is { } covered)
            MountOver(layers, covered, target);
        else if (layers.Layers.Count == 1)
            MountOver(layers, null, target);
        else if (FindIndex(layers) is not { } ready || !TryMountOver(layers, ready, target))
            MountOver(layers, MakeIndex(layers, release), target);
    }

    /// <summary>An index made for a newer kernel is no reason not to boot: it can be made again.</summary>
    private static bool TryMountOver(LayerSet layers, FoundLayer index, string target)
    {
        try
        {
            MountOver(layers, index, target);
            return true;
        }
        catch (BootFailure refusal)
        {
            KernelLog.Warn($"the index made beforehand is not used: {refusal.Message}");
            return false;
        }
    }

    private static void MountOver(LayerSet layers, FoundLayer? index, string target)
    {
        List<LoopDevice> loops = [];
        try
        {
            FoundLayer[] parts = index is null ? [.. layers.Layers] : [index, .. layers.Layers];
            List<string> files = Files(parts, loops);
            MountRequest request = new(files[0], files[1..], target);
            MountResult result = Mounter.Mount(request);
            bool isDirect = result.Direct && loops.Count == 0 && !layers.Layers.Any(layer => layer.IsDevice);
            string what = index is null ? "the only layer" : "the merged tree";
            KernelLog.Say($"mounted {what} from {(isDirect ? "files" : "block devices")}");
        }
        catch (IOException refusal)
        {
            throw Explain(layers, refusal);
        }
        finally
        {
            loops.ForEach(loop => loop.Dispose());      // a mount keeps them open
        }
    }

    private static FoundLayer? FindIndex(LayerSet layers)
    {
        if (layers.Index is not { } index || layers.Protection is not null)
            return null;        // what no root hash covers is not believed
        if (layers.Digests is { } digests && BootIndex.Matches(index.Bytes, digests))
        {
            KernelLog.Say("the index made beforehand fits the layers");
            return index;
        }
        KernelLog.Say("the index made beforehand is for other layers, it is not used");
        return null;
    }

    private static FoundLayer MakeIndex(LayerSet layers, string release)
    {
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        WriteResult result = BootIndex.Write([.. layers.Layers.Select(layer => layer.Bytes)], release, Merged);
        double took = System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        KernelLog.Say(string.Create(CultureInfo.InvariantCulture,
            $"merged {layers.Layers.Count} layers in {took:F1} ms: {result.InodeCount} files, an index of " +
                $"{result.Length / 1024} KiB"));
        return new FoundLayer(BootFiles.Index, ByteSource.OpenFile(Merged), Merged, 0);
    }

    /// <summary>
    /// What the kernel can be given: devices and whole files as they are, a part of a file through a loop device.
    /// </summary>
    private static List<string> Files(IReadOnlyList<FoundLayer> layers, List<LoopDevice> loops)
    {
        bool areFiles = layers.All(layer => layer.IsWholeFile);
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

    private static List<string> MountEach(LayerSet layers)
    {
        List<string> mounted = [];
        foreach (FoundLayer layer in layers.Layers)
        {
            string directory = string.Create(CultureInfo.InvariantCulture, $"{Lower}/{mounted.Count}");
            Directory.CreateDirectory(directory);
            MountAlone(layer, directory);
            mounted.Add(directory);
        }
        KernelLog.Say($"mounted {mounted.Count} layers, to be stacked by overlayfs");
        return mounted;
    }

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
    private static BootFailure Explain(LayerSet layers, IOException refusal)
    {
        string directory = $"{Lower}-alone";
        Directory.CreateDirectory(directory);
        foreach (FoundLayer layer in layers.Layers)
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

    private static void MountOverlay(List<string> lowestFirst, bool isWritable)
    {
        List<string> upperFirst = [.. Enumerable.Reverse(lowestFirst)];
        string joined = string.Join(':', upperFirst);
        bool isLong = joined.Length > OptionLimit;
        List<MountOption> options = isLong
            ? [.. upperFirst.Select(directory => new MountOption("lowerdir+", directory))]
                : [new MountOption("lowerdir", joined)];
        if (isWritable)
        {
            Directory.CreateDirectory(Over);
            MountCall.Mount("tmpfs", "lamina", Over, MountFlags.None, [new MountOption("mode", "0755")]);
            Directory.CreateDirectory($"{Over}/upper");
            Directory.CreateDirectory($"{Over}/workdir");
            NativeFiles.CopyAttributes(upperFirst[0],
                $"{Over}/upper");      // the overlay's root shows those of its upper directory
            options.AddRange([new MountOption("upperdir", $"{Over}/upper"), new MountOption("workdir", $"{Over}/workdir")]);
        }
        MountCall.Mount("overlay", "lamina", Root, isWritable ? MountFlags.None : MountFlags.ReadOnly, options, context: isLong);
        if (isWritable)
            MountCall.Unmount(Over, lazy: true);
        KernelLog.Say(isWritable ? "overlay of a tmpfs on top" : "overlay, read-only");
    }
}
