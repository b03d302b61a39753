using System.Text;
using Lamina.Layers;
using Lamina.Tests.Generators;
using Lamina.Tree;

namespace Lamina.Tests.Layers;

/// <summary>What tests ask of a layer: its paths, and the bytes that content stands for.</summary>
internal static class TarTree
{
    public static Layer Open(TarBuilder archive, WhiteoutRules rules = WhiteoutRules.Oci) =>
        TarLayer.Open(archive.ToSource(), rules);

    /// <summary>The paths of a tree in order, each with its node; the root is the empty path.</summary>
    public static SortedDictionary<string, Node> Paths(Layer layer)
    {
        SortedDictionary<string, Node> paths = new(StringComparer.Ordinal) { [""] = layer.Root };
        Gather(layer.Root, "", paths);
        return paths;
    }

    public static Node At(Layer layer, string path) => Paths(layer)[path];

    /// <summary>The names, for a comparison in one line.</summary>
    public static string Names(Layer layer) => string.Join(' ', Paths(layer).Keys.Where(path => path.Length > 0));

    public static byte[] Bytes(Node node)
    {
        PlacedContent content = Assert.IsType<PlacedContent>(node.Content);
        byte[] bytes = new byte[content.Size];
        long end = 0;
        foreach (PlacedExtent extent in content.Extents)
        {
            Assert.True(extent.Logical >= end && extent.Length > 0);
            end = extent.Logical + extent.Length;
            Assert.Equal(0, extent.Logical % content.Alignment);
            Assert.Equal(0, extent.Offset % content.Alignment);
            Assert.True(end == content.Size || end % content.Alignment == 0);
            extent.Original.Bytes.ReadExactly(extent.Offset, bytes.AsSpan((int)extent.Logical, (int)extent.Length));
        }
        return bytes;
    }

    public static string Text(Node node) => Encoding.UTF8.GetString(Bytes(node));

    public static string Text(Layer layer, string path) => Text(At(layer, path));

    public static byte[]? Xattr(Node node, string name) =>
        node.Xattrs.TryGet(Encoding.UTF8.GetBytes(name), out ReadOnlyMemory<byte> value) ? value.ToArray() : null;

    public static CorruptImageException Corrupt(TarBuilder archive) =>
        Assert.Throws<CorruptImageException>(() => Open(archive));

    public static UnsupportedImageException Unsupported(TarBuilder archive) =>
        Assert.Throws<UnsupportedImageException>(() => Open(archive));

    private static void Gather(Node directory, string path, SortedDictionary<string, Node> paths)
    {
        Entry[] entries = directory.Listing.Read();
        for (int i = 0; i < entries.Length; i++)
        {
            Assert.True(i == 0 || entries[i - 1].Name.Span.SequenceCompareTo(entries[i].Name.Span) < 0);
            string name = (path.Length == 0 ? "" : path + "/") + Encoding.Latin1.GetString(entries[i].Name.Span);
            paths.Add(name, entries[i].Node);
            if (entries[i].Node.IsDirectory)
                Gather(entries[i].Node, name, paths);
        }
    }
}
