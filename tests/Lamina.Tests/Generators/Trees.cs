using System.Text;
using Lamina.Layers;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Tests.Generators;

/// <summary>Looks into images with the library itself, where it is not the kernel's view that counts.</summary>
internal static class Trees
{
    /// <summary>All paths of an image, the root as a slash.</summary>
    public static string[] Paths(ImageFile image)
    {
        using Layer layer = LayerOpener.Open(image.Specification);
        return [.. Walk(layer.Root).Select(file => Encoding.Latin1.GetString(file.Path))];
    }

    /// <summary>The file of a path.</summary>
    public static Node At(Layer layer, string path)
    {
        Node node = layer.Root;
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
            node = node.Listing.Read().Single(entry => entry.Name.Span.SequenceEqual(Grow.Bytes(name))).Node;
        return node;
    }

    /// <summary>Every file with its path, directories before what is in them; not by recursion, as trees may be deep.</summary>
    public static IEnumerable<(byte[] Path, Node Node)> Walk(Node root)
    {
        Stack<(byte[] Path, Node Node)> open = new([([], root)]);
        while (open.TryPop(out (byte[] Path, Node Node) next))
        {
            yield return (next.Path.Length == 0 ? "/"u8.ToArray() : next.Path, next.Node);
            if (!next.Node.IsDirectory)
                continue;
            foreach (Entry entry in next.Node.Listing.Read().Reverse())
                open.Push(([.. next.Path, (byte)'/', .. entry.Name.Span], entry.Node));
        }
    }

    /// <summary>A file's bytes, read the way the library reads them.</summary>
    public static byte[] Read(Node node, long offset, int count)
    {
        byte[] bytes = new byte[count];
        node.Content.Open("data").ReadExactly(offset, bytes);
        return bytes;
    }
}
