using Lamina.Layers;
using Lamina.Merging;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Generators;

/// <summary>Merges layers into a file of the scratch folder, as the program does.</summary>
internal static class Merge
{
    public static WriteResult ToFile(
        IReadOnlyList<string> layers, WriteOptions options, MergeOptions? merging = null, WhiteoutRules rules = WhiteoutRules.Oci)
    {
        List<Layer> opened = [];
        try
        {
            foreach (string layer in layers)
                opened.Add(LayerOpener.Open(layer, rules));
            Node root = Merger.Merge(opened, merging);
            return ImageWriter.Write(root, opened, Scratch.NewPath("merged.erofs"), options);
        }
        finally
        {
            foreach (Layer layer in opened)
                layer.Dispose();
        }
    }
}
