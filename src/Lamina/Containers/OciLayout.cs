namespace Lamina.Containers;

/// <summary>Finds one image in an OCI layout: by its tag, by what it runs on, through indexes of indexes.</summary>
/// <param name="store">The layout.</param>
/// <param name="platform">What the image is to run on; null for this machine, or the only one there is.</param>
internal sealed class OciLayout(BlobStore store, ImagePlatform? platform)
{
    public const string MarkName = "oci-layout";

    private const string IndexName = "index.json";

    /// <summary>Indexes within indexes: tools write two levels, and each costs a blob to read.</summary>
    private const int MaxDepth = 8;

    /// <summary>Images that are looked at in all: many times what the largest multi-platform images have.</summary>
    private const int MaxImages = 1000;

    /// <summary>The mark of a layout is some thirty bytes.</summary>
    private const int MaxMark = 4096;

    private int _seen;

    /// <summary>Finds the manifest of the image.</summary>
    /// <param name="tag">Its tag; null for the only image.</param>
    public Descriptor Find(string? tag)
    {
        byte[] mark = store.Read(MarkName, MaxMark) ?? throw new UnsupportedImageException(store.Name,
            $"is no image in OCI form: it has no {MarkName}");
        string version = JsonReading.Parse($"{store.Name}/{MarkName}", mark).Text("imageLayoutVersion");
        if (!version.StartsWith("1.", StringComparison.Ordinal))
            throw new UnsupportedImageException(store.Name, $"is an OCI layout of version {version}; 1 is known");
        byte[] index = store.Read(IndexName, JsonReading.MaxSize)
            ?? throw new CorruptImageException(store.Name, $"has no {IndexName}");
        List<Descriptor> all = ItemsOf($"{store.Name}/{IndexName}", index);
        List<Descriptor> named = tag is null ? all : all.FindAll(one => one.Tag == tag);
        if (named.Count == 0)
        {
            throw new UnsupportedImageException(store.Name,
                tag is null ? "holds no image" : $"holds no image called {tag}", TagsOf(all));
        }
        if (tag is null && all.Select(one => one.Tag).Distinct().Count() > 1)
            throw new UnsupportedImageException(store.Name, "holds several images", TagsOf(all));
        return Choose(named);
    }

    private static string? TagsOf(List<Descriptor> all)
    {
        string[] tags = [.. all.Select(one => one.Tag).Where(one => one.Length > 0).Distinct().Order(StringComparer.Ordinal)];
        return tags.Length == 0 ? null : $"Say which, behind a colon: {string.Join(", ", tags.Take(20))}";
    }

    private Descriptor Choose(List<Descriptor> named)
    {
        List<Descriptor> images = [];
        Expand(named, images, 0);
        if (images.Count == 0)
        {
            string types = string.Join(", ", named.Select(one => one.MediaType).Distinct().Take(5));
            throw new UnsupportedImageException(store.Name, $"holds {types}, which is no image");
        }
        if (images.Count == 1 && platform is null)
            return images[0];
        ImagePlatform wanted = platform ?? ImagePlatform.Here;
        return images.Find(one => PlatformOf(one) is { } found && wanted.Takes(found))
            ?? throw new UnsupportedImageException(store.Name, $"has no image for {wanted}",
                $"Choose with --platform: {string.Join(", ", images.Select(PlatformOf).Distinct().Take(20))}");
    }

    /// <summary>Puts the manifests that lie below descriptors into a list.</summary>
    private void Expand(IEnumerable<Descriptor> from, List<Descriptor> images, int depth)
    {
        if (depth > MaxDepth)
            throw new UnsupportedImageException(store.Name, $"has more than {MaxDepth} indexes within one another");
        foreach (Descriptor one in from)
        {
            if (++_seen > MaxImages)
                throw new UnsupportedImageException(store.Name, $"has more than {MaxImages} images in its indexes");
            if (one.IsAttestation)
                continue;
            if (MediaTypes.IsManifest(one.MediaType))
                images.Add(one);
            else if (MediaTypes.IsIndex(one.MediaType))
                Expand(ItemsOf($"{store.Name}/{one.Digest.Path}", store.Read(one, JsonReading.MaxSize)), images, depth + 1);
            else if (MediaTypes.IsOldManifest(one.MediaType))
                throw new UnsupportedImageException(store.Name, "is of Docker's schema 1; schema 2 and OCI are known");
        }
    }

    private static List<Descriptor> ItemsOf(string name, byte[] bytes) =>
        [.. JsonReading.Parse(name, bytes).Get("manifests").Items().Select(Descriptor.Of)];

    /// <summary>What an image runs on: as the index says, or as its config does.</summary>
    private ImagePlatform PlatformOf(Descriptor manifest) =>
        manifest.Platform ?? ImageManifest.Read(store, manifest).Config.Platform;
}
