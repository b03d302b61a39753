using Lamina.Writing;

namespace Lamina.Images;

/// <summary>A layer of a container image that is an image now.</summary>
/// <param name="DiffId">What the layer is called: <c>sha256:HEX</c>.</param>
/// <param name="Path">The image.</param>
/// <param name="Result">What was written; null if the image was there already.</param>
internal sealed record BuiltLayer(string DiffId, string Path, WriteResult? Result);
