namespace Lamina.Containers;

/// <summary>A layer of an image, before it is opened.</summary>
/// <param name="DiffId">The digest of the tar, whatever it is compressed with.</param>
/// <param name="MediaType">What the manifest says it is; empty where there is none.</param>
/// <param name="Blob">The blob it is in; null where files have names instead of digests.</param>
/// <param name="Path">Where in the image it is.</param>
internal sealed record ImageLayer(Digest DiffId, string MediaType, Descriptor? Blob, string Path);
