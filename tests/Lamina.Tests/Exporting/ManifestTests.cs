using Lamina.Exporting;
using Lamina.Layers;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Exporting;

/// <summary>The manifest of a tree is what a kernel shows of it, byte for byte.</summary>
public class ManifestTests
{
    public static TheoryData<string> Images() => [.. Corpus.Images.Select(row => row.Name)];

    [Theory]
    [MemberData(nameof(Images))]
    public void The_manifest_of_an_image_is_what_the_kernel_shows_of_it(string image)
    {
        using Layer layer = LayerOpener.Open(Specification(image));
        Assert.Equal(Corpus.Truth(image), Trees.ManifestOf(image, layer.Root));
    }

    [Fact]
    public void The_number_of_threads_changes_nothing()
    {
        const string image = "layer-base-zstd-frag.erofs";
        using Layer layer = LayerOpener.Open(Specification(image));
        string[] alone = Trees.ManifestOf(image, layer.Root, new ManifestOptions { Threads = 1 });
        Assert.Equal(alone, Trees.ManifestOf(image, layer.Root, new ManifestOptions { Threads = 7 }));
    }

    [Fact]
    public void Link_counts_are_those_of_the_tree_and_can_be_left_out()
    {
        Node shared = Trees.Shared("x");
        Node root = Trees.Root(new Entry(Trees.Bytes("a"), shared), Trees.Directory("d", new Entry(Trees.Bytes("b"), shared)));
        string[] rows = Trees.ManifestOf("test", root);
        Assert.Contains("\"nlink\": 3, \"path\": \"/\"", rows[0]);
        Assert.Contains("\"nlink\": 2, \"path\": \"/a\"", rows[1]);
        Assert.Contains("\"nlink\": 2, \"path\": \"/d/b\"", rows[3]);
        Assert.DoesNotContain(Trees.ManifestOf("test", root, new ManifestOptions { HasLinkCounts = false }), row =>
            row.Contains("nlink"));
    }

    [Fact]
    public void Rows_are_sorted_by_the_bytes_of_whole_paths()
    {
        Node root = Trees.Root(Trees.Directory("a", Trees.File("b")), Trees.File("a-c"), Trees.File("\u00e9"));
        Assert.Equal(["/", "/a", "/a-c", "/a/b", "hex:2fc3a9"],
            Trees.ManifestOf("test", root).Select(row => row.Split("\"path\": \"")[1].Split('"')[0]));
    }

    [Fact]
    public void A_file_of_a_gibibyte_is_described_by_its_size()
    {
        Node root = Trees.Root(new Entry(Trees.Bytes("big"), Trees.FileNode(new PlacedContent(1L << 40, [], 4096))));
        string row = Trees.ManifestOf("test", root)[1];
        Assert.Contains("\"size\": 1099511627776", row);
        Assert.DoesNotContain("sha256", row);
    }

    internal static string Specification(string image)
    {
        CorpusRow row = Corpus.Row(image);
        return string.Join(LayerOpener.DeviceSeparator, [row.ImagePath, .. row.DevicePaths]);
    }
}
