using System.Text;
using Lamina.Tree;

namespace Lamina.Merging;

/// <summary>
/// Directories that a layer needs but has no entry for. Where layers below have a symbolic link under such a name, the way goes
/// through it, as container engines unpack (mkparent over fs.RootPath in containerd's archive/tar.go) and the kernel's cpio
/// unpacker does: <c>bin/foo</c> over <c>bin -> usr/bin</c> lands in <c>usr/bin</c>. Links lead nowhere outside the root. Such a
/// directory that holds nothing but whiteouts, over no directory, is none.
/// </summary>
internal sealed class ImpliedDirectories
{
    /// <summary>The most symbolic links on the way to a directory, as the kernel has it (<c>MAXSYMLINKS</c>).</summary>
    private const int MaxLinks = 40;

    private readonly Layer _layer;
    private readonly int _number;
    private readonly Node? _lower;
    private readonly MergeOptions _options;
    private readonly Place _root;

    private ImpliedDirectories(Layer layer, int number, Node? lower, MergeOptions options)
    {
        (_layer, _number, _lower, _options) = (layer, number, lower, options);
        _root = new Place(layer, layer.Root);
    }

    /// <summary>The layers, each with its implied directories where layers below have them.</summary>
    /// <param name="layers">The layers, lowest first.</param>
    /// <param name="options">How they are going to be merged.</param>
    public static Layer[] Follow(IReadOnlyList<Layer> layers, MergeOptions options)
    {
        Layer[] result = [.. layers];
        for (int i = 0; i < result.Length; i++)
        {
            Layer layer = result[i];
            if (!layer.FollowsLinks || layer.Implied.All(node => node == layer.Root))
                continue;
            Node? lower = i == 0 ? null : Merger.Join(result[..i], new MergeOptions());
            result[i] = new ImpliedDirectories(layer, i, lower, options).Apply();
        }
        return result;
    }

    private Layer Apply()
    {
        while (Visit(_root, _lower, []))
        {
            // What came to lie elsewhere may itself go through links there.
        }
        HashSet<Node> implied = [.. _layer.Implied];
        return _layer.With(_root.ToNode(implied), implied);
    }

    /// <summary>Puts right what is in a directory; whether something was moved.</summary>
    private bool Visit(Place place, Node? lower, IReadOnlyList<string> path)
    {
        Entry[] below = lower is null || place.IsOpaque || !place.HasPlaces ? [] : lower.Listing.Read();
        bool isMoved = false;
        foreach ((string name, Place child) in place.Places())
        {
            Node? there = Find(below, name);
            if (child.IsImplied && there is { Type: NodeType.SymbolicLink })
            {
                List<string> target = Resolve([.. path], name);
                place.Remove(name);
                Make(target).Take(child);
                _options.Account?.Add(new MergeEvent(ToBytes([.. path, name]), MergeOutcome.Followed, _number, [], 0));
                isMoved = true;
            }
            else if (child.IsImplied && there is not { IsDirectory: true } && !_options.KeepWhiteouts && child.HasMarksAlone)
            {
                place.Remove(name);
            }
            else
            {
                isMoved |= Visit(child, there is { IsDirectory: true } ? there : null, [.. path, name]);
            }
        }
        return isMoved;
    }

    /// <summary>Where a name in a directory leads, in this layer and those below together. Nothing need be there.</summary>
    private List<string> Resolve(List<string> at, string name)
    {
        string start = MergePath.Show(ToBytes([.. at, name]));
        Stack<string> names = new([name]);
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
                at.Add(next);
                continue;
            }
            if (++links > MaxLinks)
            {
                throw new CorruptImageException(_layer.Name, $"{start}: its path leads through more than {MaxLinks} symbolic " +
                    "links of layers below; they may lead in a circle");
            }
            string text = Encoding.Latin1.GetString(target);
            if (text.StartsWith('/'))
                at.Clear();
            foreach (string part in text.Split('/').Reverse())
                names.Push(part);
        }
        return at;
    }

    /// <summary>The target of the link under a name; null if there is none.</summary>
    private byte[]? LinkAt(List<string> path, string name)
    {
        Place? place = _root;
        Node? lower = _lower;
        foreach (string part in path)
        {
            lower = place is { IsOpaque: true } ? null : Find(lower is { IsDirectory: true } ? lower.Listing.Read() : [], part);
            place = place?.Find(part) as Place;
        }
        object? own = place?.Find(name);
        if (own is Node node)
            return node.Type == NodeType.SymbolicLink ? node.Target : null;
        if (own is Place { IsImplied: false } || place is { IsOpaque: true } || lower is not { IsDirectory: true })
            return null;
        return Find(lower.Listing.Read(), name) is { Type: NodeType.SymbolicLink } link ? link.Target : null;
    }

    /// <summary>The directory of a path of this layer, implied where there is none.</summary>
    private Place Make(List<string> path)
    {
        Place at = _root;
        foreach (string name in path)
            at = at.Make(name);
        return at;
    }

    private static Node? Find(Entry[] entries, string name)
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

    private static byte[] ToBytes(IEnumerable<string> path) =>
        Encoding.Latin1.GetBytes(string.Concat(path.Select(name => "/" + name)));

    /// <summary>
    /// A directory of the layer that can be changed. Names are bytes, kept as letters of the same numbers.
    /// </summary>
    private sealed class Place
    {
        private readonly Layer _layer;
        private Node? _node;
        private Dictionary<string, object>? _children;
        private bool _isChanged;

        public Place(Layer layer, Node? node)
        {
            (_layer, _node) = (layer, node);
            IsImplied = node is null || (layer.Implied.Contains(node) && node != layer.Root);
            IsOpaque = node is not null && (node == layer.Root ? layer.HasOpaqueRoot : OverlayMarks.Trusted.IsOpaque(node));
            _isChanged = node is null;
        }

        public bool IsImplied { get; private set; }

        public bool IsOpaque { get; private set; }

        public bool HasPlaces => Children.Values.Any(child => child is Place);

        /// <summary>Whether all that is here marks what is hidden in layers below.</summary>
        public bool HasMarksAlone => Children.Values.All(child => child is Place { IsImplied: true, HasMarksAlone: true } or Node
        {
            IsWhiteout: true
        });

        private Dictionary<string, object> Children => _children ??= _node is null ? [] : _node.Listing.Read().ToDictionary(
            entry => Encoding.Latin1.GetString(entry.Name.Span),
            entry => entry.Node.IsDirectory ? new Place(_layer, entry.Node) : (object)entry.Node);

        public (string Name, Place Place)[] Places() =>
            [.. Children.Where(child => child.Value is Place).Select(child => (child.Key, (Place)child.Value))];

        public object? Find(string name) => Children.GetValueOrDefault(name);

        public void Remove(string name) => _isChanged |= Children.Remove(name);

        /// <summary>The directory of a name; what else has that name gives way to it.</summary>
        public Place Make(string name)
        {
            if (Find(name) is Place there)
                return there;
            Place made = new(_layer, null);
            Children[name] = made;
            _isChanged = true;
            return made;
        }

        /// <summary>Takes what another directory has. Where both have a name, what was here stays, but for whiteouts.</summary>
        public void Take(Place other)
        {
            _isChanged = true;
            IsOpaque |= other.IsOpaque;
            foreach ((string name, object child) in other.Children)
            {
                if (child is Place place && Find(name) is Place there)
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
                Node node = child as Node ?? ((Place)child).ToNode(implied);
                isChanged |= child is Place place && node != place._node;
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
            bool isMarked = _node is not null && OverlayMarks.Trusted.IsOpaque(_node);
            return IsOpaque && !isMarked && _node != _layer.Root
                ? XattrSet.Create([.. set.Items, OverlayMarks.Trusted.Opaque]) : set;
        }
    }
}
