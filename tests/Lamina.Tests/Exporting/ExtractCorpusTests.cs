using Lamina.Exporting;
using Lamina.Layers;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Exporting;

/// <summary>An extracted image is what a kernel shows of the mounted one.</summary>
public class ExtractCorpusTests
{
    [Theory]
    [MemberData(nameof(ManifestTests.Images), MemberType = typeof(ManifestTests))]
    public void What_root_extracts_is_what_the_kernel_shows_of_the_image(string image)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can set owners and make devices");
        using Layer layer = LayerOpener.Open(ManifestTests.Specification(image));
        using TargetFolder folder = Trees.NewTarget();
        ExtractResult result = Extractor.Extract(image, layer.Root, folder.Path);
        Assert.Equal(Holdable(Corpus.Truth(image), result), Holdable(KernelManifest.Of(folder.Path), result));
    }

    [Fact]
    public void Nothing_is_left_out_where_nothing_is_warned_of()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can set owners and make devices");
        using Layer layer = LayerOpener.Open(ManifestTests.Specification("layer-base-lz4hc.erofs"));
        using TargetFolder folder = Trees.NewTarget();
        ExtractResult result = Extractor.Extract("base", layer.Root, folder.Path);
        Assert.Empty(result.Warnings);
    }

    /// <summary>
    /// Rows as far as the host's file system can hold them: paths of which the extraction itself warned lose their time and
    /// attributes.
    /// </summary>
    private static string[] Holdable(string[] rows, ExtractResult result)
    {
        Assert.DoesNotContain(result.Warnings, warning => warning.Contains(" more: "));
        string[] warned = [.. result.Warnings.Select(warning => $"\"path\": \"{warning[..warning.IndexOf(": the ")]}\"")];
        return [.. rows.Select(row => warned.Any(row.Contains) ? System.Text.RegularExpressions.Regex.Replace(
            row, "\"mtime\": -?[0-9]+|\"xattrs\": .*", "") : row)];
    }
}
