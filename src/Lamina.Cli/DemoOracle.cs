using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Cli;

/// <summary>How much was compared.</summary>
internal readonly record struct Compared(long Names, long Files, long Bytes)
{
    public override string ToString() =>
        $"{Texts.Count(Names, "name")}, {Texts.Count(Files, "file")} with {Texts.Number(Bytes)} bytes";
}

/// <summary>
/// Says what a merged tree must show, one path at a time and straight from the layers: none of the code that merges is used.
/// Slow, and so simple that it can be believed.
/// </summary>
internal sealed class DemoOracle(IReadOnlyList<Layer> layers)
{
    private const int StepSize = 1 << 16;

    /// <summary>Compares a merged tree with the layers: names, metadata and every byte.</summary>
    /// <exception cref="NoException">They differ.</exception>
    public Compared Compare(Node merged)
    {
        SortedSet<string> expected = [];
        foreach (Layer layer in layers)
            expected.UnionWith(Paths(layer.Root).Where(path => Winner(path) is not null));
        string[] found = [.. Paths(merged)];
        string? missing = expected.Except(found).FirstOrDefault();
        string? tooMany = found.Except(expected).FirstOrDefault();
        if (missing is not null || tooMany is not null)
            throw new NoException(missing is not null
                ? $"{missing} is missing in the merged image"
                : $"{tooMany} must not be in the merged image");

        long files = 0, bytes = 0;
        foreach (string path in found)
        {
            Node is_ = NodePath.Find(merged, NameText.Parse(path), "merged image"), must = Winner(path)!;
            CompareMetadata(path, is_, must);
            if (is_.Type != NodeType.RegularFile)
                continue;
            files++;
            bytes += CompareBytes(path, is_.Content.Open(path), must.Content.Open(path));
        }
        return new Compared(found.Length, files, bytes);
    }

    /// <summary>Compares two sources to the end; returns the count of bytes.</summary>
    public static long CompareBytes(string path, ByteSource a, ByteSource b)
    {
        if (a.Length != b.Length)
            throw new NoException($"{path} has {a.Length} bytes, {b.Length} were expected");
        byte[] left = new byte[StepSize], right = new byte[StepSize];
        for (long at = 0; at < a.Length; at += StepSize)
        {
            int count = (int)Math.Min(StepSize, a.Length - at);
            a.ReadExactly(at, left.AsSpan(0, count));
            b.ReadExactly(at, right.AsSpan(0, count));
            if (!left.AsSpan(0, count).SequenceEqual(right.AsSpan(0, count)))
                throw new NoException($"{path} differs, between bytes {at} and {at + count}");
        }
        return a.Length;
    }

    /// <summary>All paths of a tree but the root's, directories before what is in them.</summary>
    public static IEnumerable<string> Paths(Node root) => Paths(root, []);

    private static IEnumerable<string> Paths(Node directory, byte[] path)
    {
        foreach (Entry entry in directory.Listing.Read())
        {
            byte[] here = [.. path, (byte)'/', .. entry.Name.Span];
            yield return ShownText.Of(here);
            if (!entry.Node.IsDirectory)
                continue;
            foreach (string below in Paths(entry.Node, here))
                yield return below;
        }
    }

    /// <summary>The file that a path must show: the uppermost layer's that has it, unless something above hides it.</summary>
    private Node? Winner(string path)
    {
        string[] names = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        for (int layer = layers.Count - 1; layer >= 0; layer--)
        {
            Node? node = layers[layer].Root;
            bool hidesLower = false;
            foreach (string name in names)
            {
                if (!node.IsDirectory)
                    return null;                    // a file, or a whiteout, where a directory would have to be
                hidesLower |= IsOpaque(node);
                node = node.Listing.Read().FirstOrDefault(entry => entry.Name.Span.SequenceEqual(NameText.Parse(name))).Node;
                if (node is null)
                    break;
            }
            if (node is not null)
                return node.IsWhiteout ? null : node;
            if (hidesLower)
                return null;
        }
        return null;
    }

    private static bool IsOpaque(Node node) =>
        node.Xattrs.TryGet("trusted.overlay.opaque"u8, out ReadOnlyMemory<byte> value) && value.Span.SequenceEqual("y"u8);

    private static void CompareMetadata(string path, Node found, Node expected)
    {
        (string What, object? Found, object? Expected)[] all =
        [
            ("type", found.Type, expected.Type), ("mode", Texts.Octal(found), Texts.Octal(expected)),
            ("owner", (found.UserId, found.GroupId), (expected.UserId, expected.GroupId)),
            ("time", Texts.Time(found.Modified), Texts.Time(expected.Modified)), ("device", found.Device, expected.Device),
            ("target", Target(found), Target(expected)), ("xattrs", Xattrs(found), Xattrs(expected)),
        ];
        foreach ((string what, object? is_, object? must) in all)
        {
            if (!Equals(is_, must))
                throw new NoException($"{path}: its {what} is {is_}, {must} was expected");
        }
    }

    private static string Target(Node node) => node.Type == NodeType.SymbolicLink ? ShownText.Of(node.Target) : "";

    private static string Xattrs(Node node)
    {
        List<string> all = [];
        foreach (Xattr xattr in node.Xattrs.Items)
        {
            if (!xattr.Name.Span.StartsWith("trusted.overlay."u8))
                all.Add($"{ShownText.Of(xattr.Name.Span)}={NameText.OfValue(xattr.Value.Span)}");
        }
        return string.Join(", ", all);
    }
}
