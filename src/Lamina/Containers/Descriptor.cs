namespace Lamina.Containers;

/// <summary>How one part of an image refers to another.</summary>
/// <param name="MediaType">What it is.</param>
/// <param name="Digest">What it is called.</param>
/// <param name="Size">Its bytes.</param>
/// <param name="Platform">What it runs on, where that is said.</param>
/// <param name="Tag">Its name in a layout; empty without.</param>
/// <param name="IsAttestation">Whether it only says something of another.</param>
internal sealed record Descriptor(
    string MediaType, Digest Digest, long Size, ImagePlatform? Platform, string Tag, bool IsAttestation)
{
    private const string TagName = "org.opencontainers.image.ref.name", Reference = "vnd.docker.reference.type";

    /// <summary>Reads one.</summary>
    public static Descriptor Of(JsonReading json)
    {
        ImagePlatform? platform = json.Find("platform") is not { } found ? null
            : new ImagePlatform(found.Text("os"), found.Text("architecture"), found.Text("variant"));
        JsonReading? notes = json.Find("annotations");
        return new Descriptor(json.Text("mediaType"), json.Digest("digest"), json.Size("size"), platform,
            notes?.Text(TagName) ?? "", notes?.Text(Reference) is { Length: > 0 });
    }
}
