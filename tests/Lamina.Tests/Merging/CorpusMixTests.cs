using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Writing;

namespace Lamina.Tests.Merging;

/// <summary>
/// Three layers in every mix of layouts show what overlayfs shows of them. The recorded truth is overlayfs's own.
/// </summary>
public class CorpusMixTests
{
    private static readonly KernelProfile s_newest = KernelProfile.Linux615;

    public static TheoryData<string, string> BaseAndApp()
    {
        TheoryData<string, string> cases = [];
        foreach (string lower in Corpus.Layouts)
        {
            foreach (string middle in Corpus.Layouts)
                cases.Add(lower, middle);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(BaseAndApp))]
    public void An_index_over_any_mix_of_layouts_shows_what_overlayfs_shows(string lower, string middle)
    {
        foreach (string upper in Corpus.Layouts)
            AssertMerged([Corpus.Layer("base", lower), Corpus.Layer("app", middle), Corpus.Layer("config", upper)],
                new WriteOptions { Mode = OutputMode.Index });
    }

    [Theory]
    [MemberData(nameof(BaseAndApp))]
    public void Flat_and_full_images_of_any_mix_show_what_overlayfs_shows(string lower, string middle)
    {
        string[] layers = [Corpus.Layer("base", lower), Corpus.Layer("app", middle), Corpus.Layer("config", middle)];
        foreach (OutputMode mode in (OutputMode[])[OutputMode.Flat, OutputMode.Full])
        {
            AssertMerged(layers, new WriteOptions { Mode = mode });
            AssertMerged(layers, new WriteOptions { Mode = mode, Kernel = s_newest });
            AssertMerged(layers, new WriteOptions { Mode = mode, Kernel = KernelProfile.Linux61 });
        }
        AssertMerged(layers, new WriteOptions { Mode = OutputMode.Index, Kernel = s_newest });
    }

    [Theory]
    [InlineData("base")]
    [InlineData("app")]
    [InlineData("config")]
    public void A_tar_in_place_of_any_layer_shows_the_same(string tar)
    {
        // The tars of the corpus have no entry for their root, so the uppermost image decides about it.
        bool skipsRoot = tar == "config";
        foreach (string layout in Corpus.Layouts)
        {
            string[] layers = [.. Corpus.LayerNames.Select(name => name == tar ? Corpus.PathOf($"{name}.tar")
                : Corpus.Layer(name, layout))];
            AssertMerged(layers, new WriteOptions(), skipsRoot);
            AssertMerged(layers, new WriteOptions { Mode = OutputMode.Full }, skipsRoot);
            AssertMerged(layers, new WriteOptions { Mode = OutputMode.Index, Kernel = s_newest }, skipsRoot);
            AssertMerged(layers, new WriteOptions { Kernel = KernelProfile.Linux61 }, skipsRoot);
        }
    }

    internal static void AssertMerged(IReadOnlyList<string> layers, WriteOptions options, bool skipsRoot = false)
    {
        WriteResult result = Merge.ToFile(layers, options);
        Assert.Equal(Corpus.MergedTruth()[(skipsRoot ? 1 : 0)..],
            Judge.Show(result.Path, result.Devices, noLinkCounts: true)[(skipsRoot ? 1 : 0)..]);
        File.Delete(result.Path);
    }
}
