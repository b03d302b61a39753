using Lamina.Containers;
using Lamina.Exporting;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Platform;
using Lamina.Reading;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Images;

/// <summary>From files to one image and back: the whole way that the program's verbs take.</summary>
public static class MergedImage
{
    /// <summary>Merges layers into a new image.</summary>
    /// <param name="layers">The layers, lowest first: EROFS images (<c>IMAGE@DEVICE</c> with devices), directories and
    /// archives.</param>
    /// <param name="output">The file to write.</param>
    /// <param name="writing">How to write it.</param>
    /// <param name="merging">How to merge.</param>
    /// <param name="reading">How sources become layers.</param>
    /// <exception cref="CorruptImageException">A layer contradicts itself.</exception>
    /// <exception cref="UnsupportedImageException">A layer, or the combination, is not supported.</exception>
    /// <exception cref="IOException">A file is missing, the output exists, or the system refused.</exception>
    public static WriteResult Create(
        IReadOnlyList<string> layers, string output, WriteOptions? writing = null, MergeOptions? merging = null,
        LayerOptions? reading = null) =>
        With(layers, reading, opened => ImageWriter.Write(Merge(opened, merging), opened, output, writing), output);

    /// <summary>Merges layers into a stream, as <see cref="ImageWriter.Write(Node, IReadOnlyList{Layer}, Stream, string,
    /// WriteOptions)"/> does.</summary>
    /// <param name="layers">The layers, lowest first.</param>
    /// <param name="destination">What takes the image.</param>
    /// <param name="name">What the result calls it.</param>
    /// <param name="writing">How to write it.</param>
    /// <param name="merging">How to merge.</param>
    /// <param name="reading">How sources become layers.</param>
    public static WriteResult Create(
        IReadOnlyList<string> layers, Stream destination, string name, WriteOptions? writing = null, MergeOptions? merging = null,
        LayerOptions? reading = null) =>
        With(layers, reading, opened => ImageWriter.Write(Merge(opened, merging), opened, destination, name, writing));

    /// <summary>Does all that merging to a file does, but for writing.</summary>
    public static WriteResult Plan(
        IReadOnlyList<string> layers, string output, WriteOptions? writing = null, MergeOptions? merging = null,
        LayerOptions? reading = null) =>
        With(layers, reading, opened => ImageWriter.Plan(Merge(opened, merging), opened, output, writing), output);

    /// <summary>
    /// Puts layers on top of a flat image, in its place. A stop at any moment leaves the old image or the new one.
    /// </summary>
    /// <param name="image">A flat or full image that Lamina wrote.</param>
    /// <param name="layers">The layers to add, lowest first.</param>
    /// <param name="writing">How to write; the mode is flat.</param>
    /// <param name="merging">How to merge.</param>
    /// <param name="reading">How sources become layers.</param>
    /// <exception cref="UnsupportedImageException">The image is not one that can be appended to.</exception>
    public static WriteResult Append(
        string image, IReadOnlyList<string> layers, WriteOptions? writing = null, MergeOptions? merging = null,
        LayerOptions? reading = null) =>
        With(layers, (reading ?? new LayerOptions()) with { SpoolBeside = image }, opened => FlatImage.Append(
            image, opened, writing ?? new WriteOptions(), merging, (file, progress) =>
                new ImageOutput(file.Handle, progress, file.Device, file.Path)), isUpper: true);

    /// <summary>
    /// Gives the originals of a flat image back, byte for byte and checked against their digests, and the image as it was
    /// before each append.
    /// </summary>
    /// <param name="image">A flat image that Lamina wrote.</param>
    /// <param name="directory">Where the files go; made if it is not there.</param>
    /// <param name="overwrites">Whether files of these names may be replaced.</param>
    /// <returns>The files, originals first, lowest layer first.</returns>
    public static IReadOnlyList<string> Split(string image, string directory, bool overwrites = false) =>
        Split(image, directory, overwrites, null);

    /// <summary>Gives the originals of a flat image back, and tells how far it has come.</summary>
    internal static IReadOnlyList<string> Split(string image, string directory, bool overwrites, WorkOptions? work) =>
        FlatImage.Split(image, directory, overwrites, work);

    /// <summary>
    /// Compares an image with what the merge of layers gives, by content: no difference proves that the image is that merge.
    /// </summary>
    /// <param name="image">The image; with its devices, <c>IMAGE@DEVICE</c>.</param>
    /// <param name="layers">The layers, lowest first.</param>
    /// <param name="comparing">How to compare.</param>
    /// <param name="merging">How the image was merged.</param>
    /// <param name="reading">How sources become layers.</param>
    /// <returns>The differences; the first tree is the merge, the second the image.</returns>
    public static CompareResult Compare(
        string image, IReadOnlyList<string> layers, CompareOptions? comparing = null, MergeOptions? merging = null,
        LayerOptions? reading = null) =>
        With(layers, reading, opened =>
        {
            using Layer found = OpenedLayers.OpenOne(image, reading);
            return TreeComparison.Compare("the merge", Merger.Merge(opened, merging), image, found.Root, comparing);
        });

    private static Node Merge(Layer[] opened, MergeOptions? merging)
    {
        if (merging is { ChecksExtensions: true })
            ExtensionRelease.Check(opened);
        return Merger.Merge(opened, merging);
    }

    /// <summary>
    /// Makes an image of each layer of a container image, called by its DiffID. Merged again they give what the container image
    /// is; only a hard link to a file of a layer below is a file of its own then.
    /// </summary>
    /// <param name="image">The container image.</param>
    /// <param name="directory">Where the images go; made if it is not there.</param>
    /// <param name="writing">How to write them. What is there already is kept, unless it may be replaced.</param>
    /// <param name="reading">Which image, and how its layers are opened.</param>
    /// <returns>The layers, lowest first.</returns>
    internal static IReadOnlyList<BuiltLayer> CreateLayers(
        string image, string directory, WriteOptions writing, LayerOptions reading)
    {
        reading = reading with { SpoolBeside = Path.Combine(directory, "layer") };
        using OutputSet outputs = new();
        outputs.MakeFolder(directory);
        using ContainerImage container = OpenedLayers.FindImage(image, reading) ?? throw new UnsupportedImageException(image,
            "is no container image, so it has no layers with a DiffID", "One image of it is made with -o OUT.");
        reading.TakeConfig?.Invoke(container.Config.Bytes);
        Layer[] opened = container.OpenLayers(reading);
        try
        {
            Layer[] layers = SeparateLayers.Of(opened);
            List<BuiltLayer> built = [];
            for (int i = 0; i < layers.Length; i++)
            {
                Layer layer = layers[i];
                Layer[] sources = [.. layer.Borrowed.Values.Distinct().Order().Select(owner => layers[owner]), layer];
                Digest id = container.Layers[i].DiffId;
                string path = Path.Combine(directory, $"{id.Algorithm}-{id.Hex}.erofs");
                if (built.FirstOrDefault(other => other.Path == path) is { } same)
                    built.Add(same);
                else if (!writing.Overwrite && HostFile.Exists(path))
                    built.Add(new BuiltLayer($"{id}", Kept(path), null));
                else
                    built.Add(new BuiltLayer($"{id}", path, ImageWriter.Write(layer.Root, sources, path, writing)));
            }
            outputs.Commit();
            return built;
        }
        finally
        {
            foreach (Layer other in opened)
                other.Dispose();
        }
    }

    /// <summary>A file that is there already: an image, or else it is in the way.</summary>
    private static string Kept(string path)
    {
        using ErofsImage image = ErofsImage.Open(path);
        return path;
    }

    private static TResult With<TResult>(IReadOnlyList<string> layers, LayerOptions? reading, Func<Layer[], TResult> action,
        string? output = null, bool isUpper = false)
    {
        reading ??= new LayerOptions();
        if (output is not null)
            reading = reading with { SpoolBeside = output, Output = FileIdentity.Of(output) };
        using OpenedLayers opened = OpenedLayers.Open(layers, reading with { IsUpper = isUpper });
        return action([.. opened.All]);
    }
}
