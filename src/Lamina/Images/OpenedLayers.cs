using Lamina.Containers;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Tree;

namespace Lamina.Images;

/// <summary>The layers that names stand for: one for a file, all of its layers for a container image.</summary>
internal sealed class OpenedLayers : IDisposable
{
    private readonly List<Layer> _layers = [];
    private readonly List<ContainerImage> _images = [];

    /// <summary>All layers, lowest first.</summary>
    public IReadOnlyList<Layer> All => _layers;

    /// <summary>The config of the uppermost container image; null if there is none.</summary>
    public ImageConfig? Config => _images.Count == 0 ? null : _images[^1].Config;

    /// <summary>Opens layers.</summary>
    /// <param name="specifications">What names them, lowest first.</param>
    /// <param name="options">How to open them; upper if layers are below the lowest.</param>
    public static OpenedLayers Open(IEnumerable<string> specifications, LayerOptions options)
    {
        OpenedLayers opened = new();
        try
        {
            foreach (string specification in specifications)
                opened.Add(specification, options with { IsUpper = options.IsUpper || opened._layers.Count > 0 });
            if (options.TakeConfig is { } take)
            {
                take(opened.Config?.Bytes ?? throw new ArgumentException(
                    "none of the layers is a container image, so there is no config to write"));
            }
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>Opens what one name stands for as one tree; of a container image that is what its layers make.</summary>
    public static Layer OpenOne(string specification, LayerOptions? options = null)
    {
        OpenedLayers opened = Open([specification], options ?? new LayerOptions());
        if (opened._images.Count == 0)
            return opened.All[0];
        try
        {
            Layer[] layers = [.. opened._layers];
            return new Layer
            {
                Name = specification,
                Root = Merger.Merge(layers),
                Rules = WhiteoutRules.Overlay,
                Originals = [],
                Held = [.. layers.SelectMany(layer => layer.Sources),
                    .. opened._images.Select(image => image.Shared).OfType<ByteSource>()],
                BlockSize = layers.Min(layer => layer.BlockSize),
            };
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>The container image that a name stands for; null if it is anything else.</summary>
    public static ContainerImage? FindImage(string specification, LayerOptions options)
    {
        if (ContainerImage.TryOpen(specification, options) is { } image)
            return image;
        if (!LayerOpener.MayBeArchive(specification))
            return null;
        Layer layer = LayerOpener.OpenAny(specification, options with { IsUpper = true });
        if (layer.IsImageArchive)
            return ContainerImage.OfArchive(layer, options);
        layer.Dispose();
        return null;
    }

    private void Add(string specification, LayerOptions options)
    {
        if (ContainerImage.TryOpen(specification, options) is { } image)
        {
            Add(image, options);
            return;
        }
        Layer layer = LayerOpener.OpenAny(specification, options);
        if (layer.IsImageArchive)
            Add(ContainerImage.OfArchive(layer, options), options);
        else
            _layers.Add(layer);
    }

    private void Add(ContainerImage image, LayerOptions options)
    {
        _images.Add(image);
        _layers.AddRange(image.OpenLayers(options));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Layer layer in _layers)
            layer.Dispose();
        foreach (ContainerImage image in _images)
            image.Dispose();
    }
}
