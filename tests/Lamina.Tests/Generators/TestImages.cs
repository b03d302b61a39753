using Lamina.Images;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Generators;

/// <summary>An image on disk and the devices it needs.</summary>
internal sealed record ImageFile(string Path, IReadOnlyList<string> Devices)
{
    /// <summary>As the program takes it for a layer.</summary>
    public string Specification => LayerOpener.Join(Path, Devices);

    public KernelMount Mount() => KernelMount.Erofs(Path, [.. Devices]);

    /// <summary>Images stand in lists of layers among tars.</summary>
    public static implicit operator string(ImageFile image) => image.Specification;
}

/// <summary>Makes images of trees, and asks the kernel what overlays of them show.</summary>
internal static class TestImages
{
    public static readonly WriteOptions Full = new() { Mode = OutputMode.Full };

    public static readonly WriteOptions Index = new() { Mode = OutputMode.Index };

    public static readonly WriteOptions Flat = new() { Mode = OutputMode.Flat };

    /// <summary>Writes a tree with all its data.</summary>
    public static ImageFile Of(Node root, int blockSize = 4096)
    {
        string path = Scratch.NewPath("layer.erofs");
        ImageWriter.Write(root, [], path, Full with { BlockSize = blockSize });
        return new ImageFile(path, []);
    }

    /// <summary>Merges layers as the program does.</summary>
    public static ImageFile MergeAs(WriteOptions options, MergeOptions? merging, params IReadOnlyList<string> layers)
    {
        WriteResult result = Generators.Merge.ToFile(layers, options, merging);
        return new ImageFile(result.Path, result.Devices);
    }

    public static ImageFile Merge(WriteOptions options, params IReadOnlyList<ImageFile> layers) =>
        MergeAs(options, null, [.. layers.Select(layer => layer.Specification)]);

    /// <summary>What an image shows.</summary>
    public static string[] Shown(ImageFile image, bool noLinkCounts = true) =>
        Judge.Show(image.Path, image.Devices, noLinkCounts);

    /// <summary>
    /// What overlayfs shows of images, lowest first. Link counts are those of the layers there, so they are left out.
    /// </summary>
    public static string[] Overlaid(params IReadOnlyList<ImageFile> layers) => Judge.Overlay(layers);

    /// <summary>
    /// That merging trees, as images and in each mode, shows what overlayfs shows of them. Returns the full image.
    /// </summary>
    public static ImageFile AssertMergesAsOverlay(params IReadOnlyList<Node> lowestFirst)
    {
        ImageFile[] layers = [.. lowestFirst.Select(root => Of(root))];
        string[] expected = Overlaid(layers);
        Assert.Equal(expected, Shown(Merge(Index, layers)));
        Assert.Equal(expected, Shown(Merge(Flat, layers)));
        ImageFile full = Merge(Full, layers);
        Assert.Equal(expected, Shown(full));
        return full;
    }
}
