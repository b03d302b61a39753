using System.Security.Cryptography;
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
    public void Names_that_begin_one_another_are_in_the_order_of_whole_paths()
    {
        Node root = Trees.Root(
            Trees.Directory("a", Trees.File("z")), Trees.Directory("a-", Trees.Directory("b", Trees.File("c")), Trees.File("b.")),
            Trees.Directory("a--", Trees.File("x")), Trees.File("a-0"), Trees.File("a0"), Trees.Directory("b"));
        string[] paths = [.. Trees.ManifestOf("test", root).Select(row => row.Split("\"path\": \"")[1].Split('"')[0])];
        Assert.Equal(paths.Order(StringComparer.Ordinal), paths);
        Assert.Equal(12, paths.Length);
    }

    [Fact]
    public void Files_of_a_gibibyte_that_differ_in_one_byte_have_different_rows()
    {
        const long size = 1L << 30;
        string[] rows = [Row(size, []), Row(size, [(size - 1, [0])]), Row(size, [(size - 1, [1])])];
        Assert.Equal(rows[0], rows[1]);
        Assert.NotEqual(rows[0], rows[2]);
        Assert.Contains("\"sha256\": \"49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14\"", rows[0]);
    }

    [Fact]
    public void Huge_files_have_a_digest_of_their_blocks_that_are_not_zeros()
    {
        const long size = (1L << 40) + 5;
        byte[] block = new byte[4096];
        block[7] = 7;
        string[] rows =
        [
            Row(size, [(1L << 35, block), (size - 5, [1, 0, 0, 0, 0])]),
            // The same in other pieces: zeros stored, a block that comes in two, one that begins before it.
            Row(size, [(100, new byte[10_000]), ((1L << 35) - 3, new byte[3]), (1L << 35, block[..8]), (size - 5, [1])]),
            Row(size, [((1L << 35) + 4096, block), (size - 5, [1, 0, 0, 0, 0])]),
        ];
        Assert.Equal(rows[0], rows[1]);
        Assert.NotEqual(rows[0], rows[2]);
        byte[] covered = [.. BitConverter.GetBytes(1L << 23), .. block, .. BitConverter.GetBytes(1L << 28), 1, 0, 0, 0, 0];
        Assert.StartsWith($"{{\"blocks\": \"{Convert.ToHexStringLower(SHA256.HashData(covered))}\", \"gid\"", rows[0]);
        Assert.DoesNotContain("sha256", rows[0]);
    }

    private static string Row(long size, (long At, byte[] Bytes)[] data)
    {
        PlacedExtent[] extents = [.. data.Select(one => new PlacedExtent(
            one.At, new Original(ByteSource.FromMemory("data", one.Bytes), OriginalKind.Device), 0, one.Bytes.Length))];
        Node file = Trees.FileNode(new PlacedContent(size, extents, 4096));
        return Trees.ManifestOf("test", Trees.Root(new Entry(Trees.Bytes("big"), file)))[1];
    }

    internal static string Specification(string image)
    {
        CorpusRow row = Corpus.Row(image);
        return string.Join(LayerOpener.DeviceSeparator, [row.ImagePath, .. row.DevicePaths]);
    }
}
