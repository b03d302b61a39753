using Lamina.Exporting;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Exporting;

/// <summary>Each thing in which trees can differ is found, and named with its path.</summary>
public class TreeComparisonTests
{
    [Theory]
    [InlineData(DifferenceKind.Added)]
    [InlineData(DifferenceKind.Removed)]
    [InlineData(DifferenceKind.Type)]
    [InlineData(DifferenceKind.Mode)]
    [InlineData(DifferenceKind.Owner)]
    [InlineData(DifferenceKind.Time)]
    [InlineData(DifferenceKind.Xattrs)]
    [InlineData(DifferenceKind.Target)]
    [InlineData(DifferenceKind.Device)]
    [InlineData(DifferenceKind.Content)]
    [InlineData(DifferenceKind.Links)]
    public void A_difference_is_found_and_can_be_ignored(DifferenceKind kind)
    {
        Node first = Tree(kind, false), second = Tree(kind, true);
        Assert.Empty(Compare(first, Tree(kind, false)).Differences);
        Difference found = Assert.Single(Compare(first, second).Differences);
        Assert.Equal(kind, found.Kind);
        Assert.Equal(kind == DifferenceKind.Links ? "/d/second" : "/d/x", found.PathText);
        Assert.Empty(Compare(first, second, new CompareOptions { Ignored = new HashSet<DifferenceKind> { kind } }).Differences);
    }

    [Fact]
    public void The_first_byte_that_differs_is_told()
    {
        byte[] data = new byte[3_000_000], other = new byte[3_000_000];
        other[2_345_678] = 7;
        Node first = Trees.Root(new Entry(Trees.Bytes("f"), Trees.FileNode(new BytesContent(data))));
        Node second = Trees.Root(new Entry(Trees.Bytes("f"), Trees.FileNode(new BytesContent(other))));
        Difference found = Assert.Single(Compare(first, second).Differences);
        Assert.Equal((2_345_678L, "0x00", "0x07"), (found.Offset, found.First, found.Second));
    }

    [Fact]
    public void Holes_and_zeros_are_the_same_and_huge_holes_cost_nothing()
    {
        Node hole = Trees.FileNode(new PlacedContent(1 << 20, [], 4096)), zeros =
            Trees.FileNode(new BytesContent(new byte[1 << 20]));
        Node huge = Trees.FileNode(new PlacedContent(5L << 50, [], 4096)), same =
            Trees.FileNode(new PlacedContent(5L << 50, [], 4096));
        Node first = Trees.Root(new Entry(Trees.Bytes("a"), hole), new Entry(Trees.Bytes("b"), huge));
        Node second = Trees.Root(new Entry(Trees.Bytes("a"), zeros), new Entry(Trees.Bytes("b"), same));
        CompareResult result = Compare(first, second);
        Assert.True(result.AreSame);
        Assert.Equal(1 << 20, result.Bytes);
    }

    [Fact]
    public void The_layouts_of_a_layer_are_the_same_tree()
    {
        using Layer first = LayerOpener.Open(Corpus.Layer("base", "plain"));
        foreach (string layout in Corpus.Layouts)
        {
            using Layer second = LayerOpener.Open(Corpus.Layer("base", layout));
            Assert.Empty(Compare(first.Root, second.Root).Differences);
        }
        using Layer other = LayerOpener.Open(Corpus.Layer("app", "plain"));
        Assert.NotEmpty(Compare(first.Root, other.Root).Differences);
    }

    [Theory]
    [InlineData(OutputMode.Flat)]
    [InlineData(OutputMode.Index)]
    [InlineData(OutputMode.Full)]
    public void A_merged_image_is_the_merge_of_its_layers_and_of_no_others(OutputMode mode)
    {
        string[] layers = [Corpus.Layer("base", "lz4hc"), Corpus.Layer("app", "zstd-frag"), Corpus.Layer("config", "plain")];
        WriteResult written = Merge.ToFile(layers, new WriteOptions { Mode = mode });
        string image = string.Join('@', [written.Path, .. written.Devices]);
        Assert.Empty(MergedImage.Compare(image, layers).Differences);
        Assert.NotEmpty(MergedImage.Compare(image, [layers[1], layers[0], layers[2]]).Differences);
        Assert.NotEmpty(MergedImage.Compare(image, layers[..2]).Differences);
    }

    private static CompareResult Compare(Node first, Node second, CompareOptions? options = null) =>
        TreeComparison.Compare("first", first, "second", second, options);

    private static Node Tree(DifferenceKind kind, bool isSecond)
    {
        Node shared = Trees.Shared("shared");
        Node second = kind == DifferenceKind.Links && isSecond ? Trees.Shared("shared") : shared;
        List<Entry> entries = [new(Trees.Bytes("first"), shared), new(Trees.Bytes("second"), second)];
        if (X(kind, isSecond) is { } x)
            entries.Add(new Entry(Trees.Bytes("x"), x));
        return Trees.Root(Trees.Directory("d", [.. entries]));
    }

    /// <summary>The file that differs.</summary>
    private static Node? X(DifferenceKind kind, bool isSecond) => kind switch
    {
        DifferenceKind.Added => isSecond ? Trees.FileNode("x") : null,
        DifferenceKind.Removed => isSecond ? null : Trees.FileNode("x"),
        DifferenceKind.Type => isSecond ? Trees.LinkNode("x") : Trees.FileNode("x"),
        DifferenceKind.Mode => Trees.FileNode("x", (ushort)(isSecond ? 0x180 : 0x980)),
        DifferenceKind.Xattrs => Trees.With(Trees.FileNode("x"), ("user.a", isSecond ? [1] : [2])),
        DifferenceKind.Target => Trees.LinkNode(isSecond ? "x" : "y"),
        DifferenceKind.Device => Trees.Special("x", NodeType.BlockDevice, 1, isSecond ? 2u : 1u).Node,
        DifferenceKind.Content => Trees.FileNode(isSecond ? "x" : "y"),
        DifferenceKind.Links => Trees.FileNode("x"),
        _ => new Node
        {
            Type = NodeType.RegularFile,
            Permissions = 0x1A4,
            GroupId = kind == DifferenceKind.Owner && isSecond ? 1u : 0,
            Modified = new Timestamp(1, kind == DifferenceKind.Time && isSecond ? 1u : 0),
            HasSingleName = true,
            Payload = new BytesContent(new byte[1]),
        },
    };
}
