using Lamina.Images;
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
        IReadOnlyList<string> layers, WriteOptions options, MergeOptions? merging = null,
        WhiteoutRules? rules = null) =>
        MergedImage.Create(layers, Scratch.NewPath("merged.erofs"), options, merging,
            new LayerOptions { Rules = rules });
}
