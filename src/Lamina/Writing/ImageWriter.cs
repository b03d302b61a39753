using Lamina.Platform;
using Lamina.Tree;
using Lamina.Trust;

namespace Lamina.Writing;

/// <summary>Writes a merged tree as an EROFS image, in one of three modes.</summary>
public static class ImageWriter
{
    /// <summary>
    /// What originals are aligned to, in bytes: the largest block there is, so that every block size suits them.
    /// </summary>
    internal const int OriginalAlignment = 4096;

    /// <summary>Plans an image as <see cref="Write(Node, IReadOnlyList{Layer}, string, WriteOptions)"/> would write it, and
    /// writes nothing.</summary>
    public static WriteResult Plan(Node root, IReadOnlyList<Layer> layers, string path, WriteOptions? options = null)
    {
        WriteOptions planning = (options ?? new WriteOptions()) with { ComputeDigests = false, Verity = null };
        using SpoolOutput? own = SpoolOutput.For(planning, path);
        using LayoutPlanner planner = new(root, layers, planning, output: own?.Target);
        return planner.Result(path, FileOf(planner.Layout, planning).Length);
    }

    /// <summary>Writes an image. It appears whole or not at all.</summary>
    /// <param name="root">The tree, as <see cref="Merging"/> gives it or made by hand.</param>
    /// <param name="layers">The layers that the tree's content refers to, lowest first.</param>
    /// <param name="path">The file to write.</param>
    /// <param name="options">How.</param>
    /// <exception cref="UnsupportedImageException">The layers cannot be one mount in this mode for this kernel.</exception>
    /// <exception cref="CorruptImageException">A layer contradicts itself.</exception>
    /// <exception cref="IOException">The file exists already, or cannot be written.</exception>
    public static WriteResult Write(Node root, IReadOnlyList<Layer> layers, string path, WriteOptions? options = null)
    {
        options ??= new WriteOptions();
        long total = 0;
        RefuseNoFiles(layers, options);
        InputFiles inputs = new();
        foreach (ByteSource source in layers.SelectMany(layer => layer.Sources))
            inputs.Add(source);
        if (options.VmdkPath is { } vmdk && OutputPlace.AreSame(path, vmdk))
            throw new ArgumentException($"{vmdk}: the descriptor cannot be the image as well");
        using OutputSet outputs = new();
        OutputFile output = outputs.Add(path,
            () => new OutputFile(path, options.Overwrite, inputs, takesDevices: true, options.WritingCounter(() => total)));
        OutputFile? descriptor = options.VmdkPath is not { } name ? null
            : outputs.Add(name, () => new OutputFile(name, options.Overwrite, inputs));
        using LayoutPlanner planner = new(root, layers, options, output: (output, path));
        ImageLayout file = FileOf(planner.Layout, options);
        total = file.WrittenLength;
        VerityInfo? verity = new LayoutWriter(file, output, path).Write(options.Verity, options.ThreadCount);
        if (descriptor is not null)
            VmdkDescriptor.Write(descriptor, options.VmdkPath!, path, planner.Layout);
        outputs.Commit();
        return planner.Result(path, file.Length) with { Verity = verity };
    }

    /// <summary>
    /// Writes an image to a stream, from its first byte to its last. What fails half-way leaves a part of it there.
    /// </summary>
    /// <param name="root">The tree.</param>
    /// <param name="layers">The layers that the tree's content refers to, lowest first.</param>
    /// <param name="destination">What takes the image; it is flushed, and left open.</param>
    /// <param name="name">What the result calls it.</param>
    /// <param name="options">How; without a dm-verity tree, which needs the image to be read again, and without a
    /// descriptor.</param>
    /// <exception cref="ArgumentException">A tree or a descriptor is asked for.</exception>
    /// <exception cref="UnsupportedImageException">The layers cannot be one mount in this mode for this kernel.</exception>
    /// <exception cref="CorruptImageException">A layer contradicts itself.</exception>
    public static WriteResult Write(
        Node root, IReadOnlyList<Layer> layers, Stream destination, string name, WriteOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(destination);
        options ??= new WriteOptions();
        if (options.Verity is not null || options.VmdkPath is not null)
            throw new ArgumentException("a dm-verity tree and a VMDK descriptor go with a file, not with a stream");
        RefuseNoFiles(layers, options);
        using SpoolOutput? own = SpoolOutput.For(options, options.SpoolBeside);
        using LayoutPlanner planner = new(root, layers, options, output: own?.Target);
        LayoutSource image = new(name, planner.Layout);
        image.CopyTo(destination, options.WritingCounter(() => image.Length));
        destination.Flush();
        return planner.Result(name, image.Length);
    }

    /// <summary>What is no file, as what came through a pipe, cannot be named by an index or a descriptor.</summary>
    private static void RefuseNoFiles(IReadOnlyList<Layer> layers, WriteOptions options)
    {
        bool refersToFiles = (options.Mode == OutputMode.Index && !options.CarriesLayers) || options.VmdkPath is not null;
        if (refersToFiles && layers.SelectMany(layer => layer.Sources)
            .FirstOrDefault(source => source.WhyNoFile is not null) is { } part)
        {
            throw new UnsupportedImageException(part.Name,
                $"{part.WhyNoFile}, so there is no file that the image could refer to",
                "Write what it holds to a file first, or merge with --mode flat.");
        }
    }

    private static ImageLayout FileOf(ImageLayout layout, WriteOptions options) =>
        options.VmdkPath is null ? layout : VmdkDescriptor.FileOf(layout);
}
