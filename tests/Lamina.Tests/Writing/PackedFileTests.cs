using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Writing;

namespace Lamina.Tests.Writing;

/// <summary>Packed files of several sources become one: fragments of every codec, beside one another, read right.</summary>
public class PackedFileTests
{
    public static TheoryData<OutputMode, string> Cases()
    {
        TheoryData<OutputMode, string> cases = [];
        foreach (OutputMode mode in Enum.GetValues<OutputMode>())
        {
            foreach (string kernel in (string[])["6.1", "6.12", "6.15"])
                cases.Add(mode, kernel);
        }
        return cases;
    }

    /// <summary>
    /// Four trees under four names cannot be had from the corpus, but layers that hide one another can: each upper layer is
    /// read where it wins, and the order is turned so that each image wins once.
    /// </summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Fragments_of_up_to_three_codecs_and_two_forms_read_right_whoever_wins(OutputMode mode, string kernel)
    {
        Assert.True(KernelProfile.TryParse(kernel, out KernelProfile profile));
        string[] images = ["frag.erofs", "frag-all.erofs", "frag-lzma.erofs", "frag-all-dedupe.erofs"];
        string[] others = [.. Corpus.LayerNames.Select(name => Corpus.Layer(name, "zstd-frag"))];
        for (int turn = 0; turn < images.Length; turn++)
        {
            string[] order = [.. images[turn..], .. images[..turn]];
            string[] layers = [.. others, .. order.Select(Corpus.PathOf)];
            WriteOptions options = new() { Mode = mode, Kernel = profile };
            WriteResult result = Merge.ToFile(layers, options);
            AssertHolds(Corpus.Truth(order[^1]), Judge.Show(result.Path, result.Devices));
            AssertHolds(Corpus.MergedTruth().Where(row => row.Contains("\"/app/") || row.Contains("\"/usr/lib/")),
                Judge.Show(result.Path, result.Devices, noLinkCounts: true));
            File.Delete(result.Path);
        }
    }

    private static void AssertHolds(IEnumerable<string> expected, string[] rows)
    {
        // Directories and overlay's own attributes differ in a merge; files, links and devices must not.
        string[] kept = [.. expected.Where(row => !row.Contains("\"type\": \"d\""))];
        Assert.True(kept.Length > 30, "nothing to compare");
        HashSet<string> found = [.. rows];
        Assert.All(kept, row => Assert.Contains(row, found));
    }
}
