using Lamina.Tests.Exporting;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Writing;

/// <summary>Trees that no reader would give: none of them becomes an image.</summary>
public class HandMadeTreeTests
{
    public static TheoryData<string> Names => ["", ".", "..", "a/b", "a\0b", new string('n', 256)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_name_that_is_none_is_refused(string name)
    {
        MustRefuse(Trees.Root(Trees.File(name)));
        MustRefuse(Trees.Root(Trees.Directory("d", Trees.Directory(name))));
    }

    [Fact]
    public void Names_twice_or_out_of_order_are_refused()
    {
        MustRefuse(Trees.Root(new Listing([Trees.File("a"), Trees.File("a")])));
        MustRefuse(Trees.Root(new Listing([Trees.File("b"), Trees.File("a")])));
    }

    [Fact]
    public void A_file_that_cannot_be_is_refused()
    {
        MustRefuse(With(Trees.LinkNode("")));
        MustRefuse(With(Trees.LinkNode("a\0b")));
        MustRefuse(With(Trees.LinkNode(new string('t', 4096))));
        MustRefuse(With(Trees.FileNode("x", 0x1FFF)));
        MustRefuse(With(new Node { Type = (NodeType)0x3000, Permissions = 0 }));
        MustRefuse(With(new Node { Type = NodeType.RegularFile, Permissions = 0 }));
        MustRefuse(With(new Node { Type = NodeType.SymbolicLink, Permissions = 0, Payload = "text" }));
        MustRefuse(With(new Node { Type = NodeType.Directory, Permissions = 0 }));
        MustRefuse(With(new Node { Type = NodeType.Fifo, Permissions = 0, Modified = new Timestamp(0, 1_000_000_000) }));
        MustRefuse(With(Trees.With(Trees.FileNode("x"), ("", [1]))));
        MustRefuse(With(Trees.With(Trees.FileNode("x"), ("user." + new string('n', 251), [1]))));
        MustRefuse(With(Trees.With(Trees.FileNode("x"), ("user.large", new byte[65537]))));
    }

    private static Node With(Node node) => Trees.Root(new Entry(Trees.Bytes("file"), node));

    private static void MustRefuse(Node root)
    {
        string path = Scratch.NewPath("image.erofs");
        CorruptImageException refusal = Assert.Throws<CorruptImageException>(() => ImageWriter.Write(root, [], path));
        Assert.StartsWith("the tree: ", refusal.Message);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    private sealed class Listing(Entry[] entries) : DirectoryListing
    {
        public override Entry[] Read() => entries;
    }
}
