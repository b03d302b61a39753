using System.Text.RegularExpressions;
using Lamina.Exporting;
using Lamina.Layers;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Exporting;

/// <summary>Archives that others take apart, and what comes out of them.</summary>
public partial class ArchiveTests
{
    public static TheoryData<string> SomeImages() =>
        ["layer-base-plain.erofs", "layer-app-zstd-frag.erofs", "layer-config-lzma.erofs", "blob.erofs"];

    [Theory]
    [MemberData(nameof(ManifestTests.Images), MemberType = typeof(ManifestTests))]
    public void A_tar_read_back_is_the_image_it_was_made_of(string image)
    {
        string path = Export(image, TarExport.Write, out _);
        using Layer layer = LayerOpener.Open(path, WhiteoutRules.Overlay);
        Assert.Equal(WithoutSockets(Corpus.Truth(image)), Trees.ManifestOf(path, layer.Root));
    }

    [Theory]
    [MemberData(nameof(SomeImages))]
    public void What_GNU_tar_extracts_of_a_tar_is_what_the_kernel_shows_of_the_image(string image)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can set owners and make devices");
        string path = Export(image, TarExport.Write, out _);
        using TargetFolder folder = Trees.NewTarget();
        Tools.Run("tar", "-C", folder.Path, "--xattrs", "--xattrs-include=*", "--numeric-owner", "-xpf", path).MustSucceed();
        Assert.Equal(WithoutSockets(Corpus.Truth(image)), KernelManifest.Of(folder.Path));
    }

    [Theory]
    [MemberData(nameof(SomeImages))]
    public void What_cpio_extracts_of_a_cpio_is_what_the_kernel_shows_of_the_image_but_for_attributes(string image)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can set owners and make devices");
        string path = Export(image, CpioExport.Write, out ExportResult result);
        using TargetFolder folder = Trees.NewTarget();
        Assert.All(result.Warnings, warning => Assert.Matches("cpio has no (place|times)", warning));
        Tools.RunIn(folder.Path, "cpio", "-idm", "--quiet", "-F", path).MustSucceed();
        string[] Plain(string[] rows) => [.. rows.Select(row => Attributes().Replace(Times().Replace(row, ""), ""))];
        Assert.Equal(Plain(Corpus.Truth(image)), Plain(KernelManifest.Of(folder.Path)));
    }

    [Fact]
    public void The_same_tree_gives_the_same_archive()
    {
        string first = Export("layer-base-lz4hc.erofs", TarExport.Write, out _), second =
            Export("layer-base-lz4hc.erofs", TarExport.Write, out _);
        Assert.Equal(File.ReadAllBytes(first), File.ReadAllBytes(second));
        // A file's holes may lie elsewhere in another layout; where they do not the archives are the same.
        Assert.Equal(0, new FileInfo(first).Length % 10240);
    }

    [Fact]
    public void Names_sizes_ids_and_times_that_no_field_holds_are_kept()
    {
        string longName = string.Concat(Enumerable.Repeat("name", 60));
        Node odd = new()
        {
            Type = NodeType.RegularFile,
            Permissions = 0xFFF,
            UserId = uint.MaxValue - 1,
            GroupId = 3_000_000,
            Modified = new Timestamp(-2, 500_000_000),
            Payload = new BytesContent(Trees.Bytes("odd")),
            Xattrs = XattrSet.Create([new Xattr(Trees.Bytes("user.a=b%c"), new byte[] { 0, 10, 61 })]),
        };
        Node root = Trees.Root(
            Trees.Directory(longName, new Entry(Trees.Bytes(longName), odd)), new Entry(Trees.Bytes("again"), odd),
            Trees.Link("link", string.Concat(Enumerable.Repeat("target/", 40))), Trees.File("TRAILER!!!"),
            new Entry(new byte[] { 0xFF, 0xFE, (byte)'x' }, Trees.FileNode("x")));
        string path = Scratch.NewPath("odd.tar");
        using (FileStream stream = File.Create(path))
            TarExport.Write("test", root, stream);
        using Layer layer = LayerOpener.Open(path, WhiteoutRules.Overlay);
        Assert.Equal(Trees.ManifestOf("test", root), Trees.ManifestOf(path, layer.Root));
    }

    [Fact]
    public void A_file_that_is_mostly_hole_is_short_in_a_tar()
    {
        Original original = new(ByteSource.FromMemory("data", new byte[] { 1, 2, 3, 4, 5 }), OriginalKind.Device);
        PlacedContent content = new(20L << 30, [new PlacedExtent(4L << 30, original, 0, 5)], 512);
        Node root = Trees.Root(
            new Entry(Trees.Bytes("empty"), Trees.FileNode(new PlacedContent(1 << 20, [], 4096))),
            new Entry(Trees.Bytes("sparse"), Trees.FileNode(content)));
        string path = Scratch.NewPath("sparse.tar");
        using (FileStream stream = File.Create(path))
            TarExport.Write("test", root, stream);
        Assert.InRange(new FileInfo(path).Length, 1, 20 << 10);
        using Layer layer = LayerOpener.Open(path);
        CompareResult result = TreeComparison.Compare("test", root, path, layer.Root);
        Assert.Empty(result.Differences);
        string folder = Scratch.NewFolder("untarred");
        Tools.Run("tar", "-C", folder, "-xf", path).MustSucceed();
        Assert.Equal(20L << 30, new FileInfo(Path.Combine(folder, "sparse")).Length);
        Assert.Equal(1 << 20, new FileInfo(Path.Combine(folder, "empty")).Length);
        using FileStream file = File.OpenRead(Path.Combine(folder, "sparse"));
        file.Position = (4L << 30) + 4;
        Assert.Equal(5, file.ReadByte());
    }

    [Fact]
    public void A_file_of_four_gibibytes_is_refused_by_cpio_before_anything_is_written()
    {
        Node root = Trees.Root(Trees.File("a"), new Entry(Trees.Bytes("big"),
            Trees.FileNode(new PlacedContent(1L << 32, [], 4096))));
        using MemoryStream stream = new();
        Assert.Contains("tar", Assert.Throws<UnsupportedImageException>(() => CpioExport.Write("test", root, stream)).Advice);
        Assert.Equal(0, stream.Length);
    }

    private static string Export(string image, Func<string, Node, Stream, ExportOptions?, ExportResult> write,
        out ExportResult result)
    {
        using Layer layer = LayerOpener.Open(ManifestTests.Specification(image));
        string path = Scratch.NewPath("archive");
        using FileStream stream = File.Create(path);
        result = write(image, layer.Root, stream, null);
        return path;
    }

    private static string[] WithoutSockets(string[] rows) => [.. rows.Where(row => !row.Contains("\"type\": \"s\""))];

    [GeneratedRegex("\"mtime\": -?[0-9]+")]
    private static partial Regex Times();

    [GeneratedRegex(", \"xattrs\": .*(?=})")]
    private static partial Regex Attributes();
}
