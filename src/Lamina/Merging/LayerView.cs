using System.Text;
using Lamina.Tree;

namespace Lamina.Merging;

/// <summary>
/// A layer that can be changed, over the tree that the layers below it make. Paths are names from the root on; names are bytes,
/// kept as letters of the same numbers.
/// </summary>
/// <param name="layer">The layer.</param>
/// <param name="lower">The root of the layers below; null if there are none.</param>
internal sealed class LayerView(Layer layer, Node? lower)
{
    /// <summary>The most symbolic links on the way to a directory, as the kernel has it (<c>MAXSYMLINKS</c>).</summary>
    private const int MaxLinks = 40;

    private readonly Dictionary<Node, Entry[]> _read = [];

    /// <summary>The root of the layer.</summary>
    public LayerPlace Root { get; } = new(layer, layer.Root);

    /// <summary>The root of the layers below.</summary>
    public Node? Lower => lower;

    /// <summary>The layer with what was changed.</summary>
    public Layer ToLayer(IReadOnlyDictionary<Node, int> borrowed)
    {
        HashSet<Node> implied = [.. layer.Implied];
        return layer.With(Root.ToNode(implied), implied, borrowed);
    }

    /// <summary>Where a path in a directory leads, in this layer and those below together. Nothing need be there.</summary>
    public List<string> Resolve(IEnumerable<string> directory, IEnumerable<string> path)
    {
        List<string> at = [.. directory];
        Stack<string> names = new(path.Reverse());
        int links = 0;
        while (names.TryPop(out string? next))
        {
            if (next is "" or ".")
                continue;
            if (next == "..")
            {
                if (at.Count > 0)                                       // above the root is the root
                    at.RemoveAt(at.Count - 1);
                continue;
            }
            if (LinkAt(at, next) is not { } target)
            {
                if (next.Length > Entry.MaxNameLength || at.Count >= MergedListing.MaxDepth)
                    throw Refuse("a name too long or to a folder too deep");
                at.Add(next);
                continue;
            }
            if (++links > MaxLinks)
            {
                throw new CorruptImageException(layer.Name, $"{Start()}: its path leads through more than {MaxLinks} symbolic " +
                    "links of layers below; they may lead in a circle");
            }
            string text = Encoding.Latin1.GetString(target);
            if (text.StartsWith('/'))
                at.Clear();
            foreach (string part in text.Split('/').Reverse())
                names.Push(part);
        }
        return at;

        UnsupportedImageException Refuse(string what) =>
            new(layer.Name, $"{Start()}: its path leads through a symbolic link of a layer below with {what}");
        string Start() => MergePath.Show(ToBytes([.. directory, .. path]));
    }

    /// <summary>What this layer itself has: a <see cref="Node"/>, a <see cref="LayerPlace"/>, or null.</summary>
    public object? FindOwn(IReadOnlyList<string> directory, string name) => Root.At(directory)?.Find(name);

    /// <summary>What the layers below have, whatever this layer hides.</summary>
    public Node? FindLower(IReadOnlyList<string> directory, string name)
    {
        Node? at = lower;
        foreach (string part in directory)
            at = Find(at, part);
        return Find(at, name);
    }

    /// <summary>The directory of a path of this layer, implied where there is none.</summary>
    public LayerPlace Make(IReadOnlyList<string> path)
    {
        LayerPlace at = Root;
        foreach (string name in path)
            at = at.Make(name);
        return at;
    }

    /// <summary>Looks a name up among entries; a whiteout is none.</summary>
    public static Node? Find(Entry[] entries, string name)
    {
        int low = 0, high = entries.Length - 1;
        byte[] bytes = Encoding.Latin1.GetBytes(name);
        while (low <= high)
        {
            int middle = (low + high) / 2, order = entries[middle].Name.Span.SequenceCompareTo(bytes);
            if (order == 0)
                return entries[middle].Node.IsWhiteout ? null : entries[middle].Node;
            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }
        return null;
    }

    /// <summary>A path as bytes, with a slash in front.</summary>
    public static byte[] ToBytes(IEnumerable<string> path) =>
        Encoding.Latin1.GetBytes(string.Concat(path.Select(name => "/" + name)));

    /// <summary>The target of the link under a name; null if there is none.</summary>
    private byte[]? LinkAt(List<string> path, string name)
    {
        LayerPlace? place = Root;
        Node? below = lower;
        foreach (string part in path)
        {
            below = place is { IsOpaque: true } ? null : Find(below, part);
            place = place?.Find(part) as LayerPlace;
        }
        object? own = place?.Find(name);
        if (own is Node node)
            return node.Type == NodeType.SymbolicLink ? node.Target : null;
        if (own is LayerPlace { IsImplied: false } || place is { IsOpaque: true })
            return null;
        return Find(below, name) is { Type: NodeType.SymbolicLink } link ? link.Target : null;
    }

    /// <summary>Looks a name up in a directory of the layers below, which is read once.</summary>
    private Node? Find(Node? directory, string name)
    {
        if (directory is not { IsDirectory: true })
            return null;
        if (!_read.TryGetValue(directory, out Entry[]? entries))
            _read.Add(directory, entries = directory.Listing.Read());
        return Find(entries, name);
    }
}
