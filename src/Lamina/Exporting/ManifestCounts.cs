using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>What is known of a tree only when all of it was looked at: names, subdirectories, bytes.</summary>
internal sealed class ManifestCounts
{
    private readonly Dictionary<Node, uint> _names = new(ReferenceEqualityComparer.Instance);
    private readonly List<uint> _subdirectories = [];

    /// <summary>The size of all regular files together.</summary>
    public long Bytes { get; private set; }

    /// <summary>Counts.</summary>
    public static ManifestCounts Of(string name, Node root, CancellationToken cancellation)
    {
        ManifestCounts counts = new();
        foreach (OrderedItem item in PathOrderWalk.Walk(name, root))
        {
            cancellation.ThrowIfCancellationRequested();
            counts.Add(item);
        }
        return counts;
    }

    /// <summary>How many names a file has; of a directory itself, its name and its subdirectories.</summary>
    public uint LinksOf(in OrderedItem item) =>
        item.Directory >= 0 ? _subdirectories[item.Directory] + 2 : _names.GetValueOrDefault(item.Item.Node, 1u);

    private void Add(in OrderedItem item)
    {
        Node node = item.Item.Node;
        if (item.Directory >= 0)
        {
            _subdirectories.Add(0);
            if (item.Parent >= 0)
                _subdirectories[item.Parent]++;
            return;
        }
        bool isFirst = node.HasSingleName;
        if (!isFirst)
        {
            uint before = _names.GetValueOrDefault(node);
            _names[node] = before + 1;
            isFirst = before == 0;
        }
        if (isFirst && node.Type == NodeType.RegularFile)
            Bytes = ByteCounts.Add(Bytes, node.Content.Size);
    }
}
