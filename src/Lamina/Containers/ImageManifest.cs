namespace Lamina.Containers;

/// <summary>The manifest of an image with its config: what its layers are.</summary>
/// <param name="Config">The config.</param>
/// <param name="Layers">The layers, lowest first.</param>
internal sealed record ImageManifest(ImageConfig Config, IReadOnlyList<ImageLayer> Layers)
{
    /// <summary>Reads and verifies both.</summary>
    public static ImageManifest Read(BlobStore store, Descriptor manifest)
    {
        string name = $"{store.Name}/{manifest.Digest.Path}";
        JsonReading json = JsonReading.Parse(name, store.Read(manifest, JsonReading.MaxSize));
        if (json.Size("schemaVersion") != 2)
            throw new UnsupportedImageException(name, $"is a manifest of schema {json.Size("schemaVersion")}; 2 is known");
        Descriptor config = Descriptor.Of(json.Get("config"));
        string artifact = json.Text("artifactType");
        if (artifact.Length > 0 || !MediaTypes.IsConfig(config.MediaType))
        {
            throw new UnsupportedImageException(store.Name,
                $"holds an artifact of type {(artifact.Length > 0 ? artifact : config.MediaType)}, which is no image");
        }
        Descriptor[] layers = [.. json.Get("layers").Items().Select(Descriptor.Of)];
        foreach (Descriptor layer in layers)
        {
            if (!MediaTypes.IsLayer(layer.MediaType))
                throw new UnsupportedImageException(name, $"has a layer of type {layer.MediaType}, which is not known");
        }
        ImageConfig parsed = ImageConfig.Parse($"{store.Name}/{config.Digest.Path}", store.Read(config, ImageConfig.MaxSize));
        return new ImageManifest(parsed, Join(name, parsed, [.. layers.Select(layer => (layer, layer.Digest.Path))]));
    }

    /// <summary>Gives each layer its DiffID.</summary>
    public static IReadOnlyList<ImageLayer> Join(string name, ImageConfig config, (Descriptor? Blob, string Path)[] layers) =>
        config.DiffIds.Count == layers.Length
            ? [.. layers.Zip(config.DiffIds, (layer, diff) =>
                new ImageLayer(diff, layer.Blob?.MediaType ?? "", layer.Blob, layer.Path))]
            : throw new CorruptImageException(name,
                $"has {layers.Length} layers, and its config has the DiffIDs of {config.DiffIds.Count}");
}
