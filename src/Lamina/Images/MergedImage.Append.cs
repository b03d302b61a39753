using Lamina.Merging;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Images;

public static partial class MergedImage
{
    /// <summary>Appends layers to a flat image.</summary>
    public static WriteResult Append(
        string image, IReadOnlyList<string> layers, WriteOptions? writing = null, MergeOptions? merging = null,
        WhiteoutRules rules = WhiteoutRules.Oci) => throw new UnsupportedImageException(image, "appending is not built yet");

    /// <summary>Takes a flat image apart.</summary>
    public static IReadOnlyList<string> Split(string image, string directory, bool overwrites = false) =>
        throw new UnsupportedImageException(image, "splitting is not built yet");
}
