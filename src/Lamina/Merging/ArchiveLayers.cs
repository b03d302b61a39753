using Lamina.Tree;

namespace Lamina.Merging;

/// <summary>
/// What unpacking one archive over the other does and overlayfs does not: directories without entries go through symbolic links
/// below, hard links go to files below. Layers are rewritten before they are merged; what has none of it stays as it is.
/// </summary>
internal static class ArchiveLayers
{
    /// <summary>The layers, each with its names where unpacking would put them.</summary>
    /// <param name="layers">The layers, lowest first.</param>
    /// <param name="options">How they are going to be merged.</param>
    public static Layer[] Prepare(IReadOnlyList<Layer> layers, MergeOptions options)
    {
        Layer[] result = [.. layers];
        for (int i = 0; i < result.Length; i++)
        {
            Layer layer = result[i];
            if (!layer.FollowsLinks || (layer.LowerLinks.Count == 0 && layer.Implied.All(node => node == layer.Root)))
                continue;
            Node? lower = i == 0 ? null : Merger.Join(result[..i], new MergeOptions { UserXattr = options.UserXattr });
            LayerView view = new(layer, lower);
            new ImpliedDirectories(view, i, options).Apply();
            result[i] = view.ToLayer(layer.LowerLinks.Count == 0 ? layer.Borrowed
                : new LinksBelow(view, result, i, options).Apply());
        }
        return result;
    }
}
