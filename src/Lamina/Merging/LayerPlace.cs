using System.Text;
using Lamina.Tree;

namespace Lamina.Merging;

/// <summary>
/// A directory of the layer that can be changed. Names are bytes, kept as letters of the same numbers.
/// </summary>
internal sealed class LayerPlace
{
    private readonly Layer _layer;
    private Node? _node;
    private Dictionary<string, object>? _children;
    private bool _isChanged;

    public LayerPlace(Layer layer, Node? node)
    {
        (_layer, _node) = (layer, node);
        IsImplied = node is null || (layer.Implied.Contains(node) && node != layer.Root);
        IsOpaque = node is not null && (node == layer.Root ? layer.HasOpaqueRoot : OverlayMarks.Trusted.IsOpaque(node));
        _isChanged = node is null;
    }

    public bool IsImplied { get; private set; }

    public bool IsOpaque { get; private set; }

    public bool HasPlaces => Children.Values.Any(child => child is LayerPlace);

    /// <summary>Whether all that is here marks what is hidden in layers below.</summary>
    public bool HasMarksAlone => Children.Values.All(child => child is LayerPlace { IsImplied: true, HasMarksAlone: true } or Node
    {
        IsWhiteout: true
    });

    private Dictionary<string, object> Children => _children ??= _node is null ? [] : _node.Listing.Read().ToDictionary(
        entry => Encoding.Latin1.GetString(entry.Name.Span),
        entry => entry.Node.IsDirectory ? new LayerPlace(_layer, entry.Node) : (object)entry.Node);

    public (string Name, LayerPlace Place)[] Places() =>
        [.. Children.Where(child => child.Value is LayerPlace).Select(child => (child.Key, (LayerPlace)child.Value))];

    public object? Find(string name) => Children.GetValueOrDefault(name);

    /// <summary>The directory of a path from here; null if there is none.</summary>
    public LayerPlace? At(IEnumerable<string> path)
    {
        LayerPlace? at = this;
        foreach (string name in path)
            at = at?.Find(name) as LayerPlace;
        return at;
    }

    /// <summary>Gives a name another file.</summary>
    public void Set(string name, Node node)
    {
        Children[name] = node;
        _isChanged = true;
    }

    /// <summary>Puts other files in the place of some, here and in all directories below.</summary>
    public void Replace(IReadOnlyDictionary<Node, Node> files)
    {
        foreach ((string name, object child) in Children.ToArray())
        {
            if (child is LayerPlace place)
                place.Replace(files);
            else if (files.TryGetValue((Node)child, out Node? file))
                Set(name, file);
        }
    }

    public void Remove(string name) => _isChanged |= Children.Remove(name);

    /// <summary>The directory of a name; what else has that name gives way to it.</summary>
    public LayerPlace Make(string name)
    {
        if (Find(name) is LayerPlace there)
            return there;
        LayerPlace made = new(_layer, null);
        Children[name] = made;
        _isChanged = true;
        return made;
    }

    /// <summary>Takes what another directory has. Where both have a name, what was here stays, but for whiteouts.</summary>
    public void Take(LayerPlace other)
    {
        _isChanged = true;
        IsOpaque |= other.IsOpaque;
        foreach ((string name, object child) in other.Children)
        {
            if (child is LayerPlace place && Find(name) is LayerPlace there)
            {
                if (there.IsImplied && !place.IsImplied)
                    (there._node, there.IsImplied) = (place._node, false);
                there.Take(place);
            }
            else if (Find(name) is null or Node { IsWhiteout: true })
            {
                Children[name] = child;
            }
        }
    }

    /// <summary>The directory as a node: the same one where nothing in it has changed.</summary>
    public Node ToNode(HashSet<Node> implied)
    {
        if (_children is null)
            return _node!;
        bool isChanged = _isChanged;
        Entry[] entries = new Entry[_children.Count];
        int count = 0;
        foreach ((string name, object child) in _children)
        {
            Node node = child as Node ?? ((LayerPlace)child).ToNode(implied);
            isChanged |= child is LayerPlace place && node != place._node;
            entries[count++] = new Entry(Encoding.Latin1.GetBytes(name), node);
        }
        if (!isChanged && _node is not null)
            return _node;
        Node metadata = _node ?? new Node { Type = NodeType.Directory, Permissions = 0x1ED };
        Node made = metadata.With(Xattrs(), DirectoryListing.Of(entries));
        if (IsImplied || (_node is not null && implied.Contains(_node)))
            implied.Add(made);
        return made;
    }

    private XattrSet Xattrs()
    {
        XattrSet set = _node?.Xattrs ?? XattrSet.Empty;
        return IsOpaque && _node != _layer.Root ? OverlayMarks.Trusted.MarkOpaque(set) : set;
    }
}
