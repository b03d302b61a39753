using System.Security.Cryptography;

namespace Lamina.Containers;

/// <summary>Finds one image in what docker save writes: manifest.json names the config and the layers of each.</summary>
internal static class DockerArchive
{
    public const string MarkName = "manifest.json";

    private const string Latest = ":latest";

    /// <summary>Reads the manifest of an image.</summary>
    /// <param name="store">The archive.</param>
    /// <param name="reference">Its name, or @ and its number from 0; null for the only one.</param>
    /// <param name="platform">What it must run on; null for whatever it does.</param>
    public static ImageManifest Find(BlobStore store, string? reference, ImagePlatform? platform)
    {
        string name = $"{store.Name}:{MarkName}";
        byte[] bytes = store.Read(MarkName, JsonReading.MaxSize) ?? throw new UnsupportedImageException(store.Name,
            $"is no archive as docker save writes it: it has no {MarkName}");
        JsonReading[] all = [.. JsonReading.Parse(name, bytes).Items()];
        JsonReading[] named = [.. all.Where((image, index) => reference is null || reference == $"@{index}"
            || TagsOf(image).Any(tag => tag == reference || tag == reference + Latest))];
        if (named.Length != 1)
        {
            string[] tags = [.. all.SelectMany(TagsOf).Take(20)];
            string what = named.Length > 1 ? "several images" : reference is null ? "no image" : $"no image called {reference}";
            throw new UnsupportedImageException(store.Name, $"holds {what}",
                tags.Length == 0 ? null : $"Say which, behind a colon: {string.Join(", ", tags)}");
        }
        string path = named[0].Get("Config").Text();
        byte[] config = store.Read(path, ImageConfig.MaxSize)
            ?? throw new CorruptImageException(store.Name, $"has no config {path}, which it refers to");
        // The file is called by its digest, with .json behind or in a folder of blobs.
        if (Digest.TryParse($"sha256:{Path.GetFileNameWithoutExtension(path)}") is { } digest)
        {
            using IncrementalHash hash = digest.Begin();
            hash.AppendData(config);
            digest.Verify(hash, $"{store.Name}:{path}", "has the digest");
        }
        ImageConfig parsed = ImageConfig.Parse($"{store.Name}:{path}", config);
        if (platform is not null && !platform.Takes(parsed.Platform))
            throw new UnsupportedImageException(store.Name, $"has no image for {platform}", $"It is for {parsed.Platform}.");
        return new ImageManifest(parsed, ImageManifest.Join(name, parsed,
            [.. named[0].Get("Layers").Items().Select(layer => ((Descriptor?)null, layer.Text()))]));
    }

    private static IEnumerable<string> TagsOf(JsonReading image) => image.Items("RepoTags").Select(tag => tag.Text());
}
