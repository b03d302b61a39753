using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Writing;

namespace Lamina.Tests.Merging;

/// <summary>Every image of the corpus, merged alone, is what it was: link counts included.</summary>
public class CorpusAloneTests
{
    public static TheoryData<string, OutputMode> Cases()
    {
        TheoryData<string, OutputMode> cases = [];
        foreach (string image in Corpus.Images.Select(row => row.Name))
        {
            foreach (OutputMode mode in Enum.GetValues<OutputMode>())
                cases.Add(image, mode);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void An_image_merged_alone_shows_what_it_showed(string image, OutputMode mode)
    {
        CorpusRow row = Corpus.Row(image);
        string specification = string.Join('@', [row.ImagePath, .. row.DevicePaths]);
        WriteResult result = Merge.ToFile([specification], new WriteOptions { Mode = mode });
        Assert.Equal(Corpus.Truth(image), Judge.Show(result.Path, result.Devices));
    }
}
