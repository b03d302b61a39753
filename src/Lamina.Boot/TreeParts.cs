using Lamina.Layers;
using Lamina.Tree;

namespace Lamina.Boot;

/// <summary>A part of a tree that becomes a layer of its own.</summary>
/// <param name="Name">What the layer is called.</param>
/// <param name="Root">The part's files, below the directories that lead to them.</param>
internal sealed record TreePart(string Name, Node Root);

/// <summary>
/// Takes a tree apart into trees that are the same again once they are stacked: each file is in one of them, with all of its
/// names; the directories on the way are in each that needs them.
/// </summary>
internal sealed class TreeParts
{
    private readonly Dictionary<Node, int> _parts = new(ReferenceEqualityComparer.Instance);
    private readonly Node _root;

    private TreeParts(Node root) => _root = root;

    /// <summary>Patterns of what <c>--split-by modules</c> takes out, with the names of the layers.</summary>
    public static IReadOnlyList<(string Name, string[] Globs)> Modules { get; } =
    [
        ("modules", ["/lib/modules/*/", "/usr/lib/modules/*/"]),
        ("firmware", ["/lib/firmware/*", "/usr/lib/firmware/*"]),
    ];

    /// <summary>Puts what fits patterns into parts of their own.</summary>
    /// <param name="root">The tree.</param>
    /// <param name="name">What the rest is called, which comes first.</param>
    /// <param name="rules">A name and patterns for each part; of several that fit the first counts.</param>
    /// <param name="allowsNone">Whether a part may be empty, which is left out then.</param>
    /// <exception cref="ArgumentException">A pattern is none, or nothing fits it.</exception>
    public static IReadOnlyList<TreePart> ByPatterns(
        Node root, string name, IReadOnlyList<(string Name, string[] Globs)> rules, bool allowsNone)
    {
        PathPatterns[] patterns = [.. rules.Select(rule => new PathPatterns(rule.Globs))];
        TreeParts parts = new(root);
        parts.Assign(root, [], 0, (path, node) =>
        {
            int found = Array.FindIndex(patterns, pattern => pattern.Fit(path, node.IsDirectory));
            return found < 0 ? null : found + 1;
        });
        List<TreePart> made = [new TreePart(name, parts.Build(0))];
        for (int i = 0; i < rules.Count; i++)
        {
            if (parts._parts.ContainsValue(i + 1))
                made.Add(new TreePart(rules[i].Name, parts.Build(i + 1)));
            else if (!allowsNone)
                throw new ArgumentException($"--split {rules[i].Globs[0]}: fits nothing that a split before it has left");
        }
        return made;
    }

    /// <summary>Begins a further part whenever the data of one are as many as it may have.</summary>
    /// <param name="root">The tree.</param>
    /// <param name="name">What the parts are called, with a number from the second on.</param>
    /// <param name="limit">The bytes of data in a part, before they are compressed; one file may have more.</param>
    public static IReadOnlyList<TreePart> BySize(Node root, string name, long limit)
    {
        TreeParts parts = new(root);
        HashSet<Node> seen = new(ReferenceEqualityComparer.Instance);
        int last = 0;
        long size = 0;
        parts.Assign(root, [], 0, (_, node) =>
        {
            if (node.IsDirectory)
                return null;
            if (node.Type == NodeType.RegularFile && seen.Add(node))
            {
                if (size > 0 && node.Size > limit - size)
                    (last, size) = (last + 1, 0);
                size += node.Size;
            }
            return last;
        });
        return [.. Enumerable.Range(0, last + 1).Select(i => new TreePart(i == 0 ? name : $"{name}-{i + 1}", parts.Build(i)))];
    }

    /// <summary>Says of each file in which part it is: as the first of its names says, or as its directory is.</summary>
    private void Assign(Node directory, byte[] path, int inherited, Func<byte[], Node, int?> choose)
    {
        foreach (Entry entry in directory.EnumerateEntries())
        {
            byte[] below = path.Length == 0 ? entry.Name.ToArray() : [.. path, (byte)'/', .. entry.Name.Span];
            int part = inherited > 0 ? inherited : choose(below, entry.Node) ?? 0;
            _parts.TryAdd(entry.Node, part);
            if (entry.Node.IsDirectory)
                Assign(entry.Node, below, part, choose);
        }
    }

    private Node Build(int part) => Build(_root, part) ?? _root.With(_root.Xattrs, DirectoryListing.Of([]));

    /// <summary>A directory with what is of a part; null if nothing is.</summary>
    private Node? Build(Node directory, int part)
    {
        List<Entry> kept = [];
        foreach (Entry entry in directory.EnumerateEntries())
        {
            Node? node = entry.Node.IsDirectory ? Build(entry.Node, part) : _parts[entry.Node] == part ? entry.Node : null;
            if (node is not null)
                kept.Add(new Entry(entry.Name, node));
        }
        bool isOwn = directory != _root && _parts[directory] == part;
        return kept.Count > 0 || isOwn ? directory.With(directory.Xattrs, DirectoryListing.Of([.. kept])) : null;
    }

    /// <summary>What the layer of a pattern is called: its last name that is not all wildcards.</summary>
    public static string NameOf(string glob, int number)
    {
        foreach (string word in glob.Split('/').Reverse())
        {
            string name = string.Concat(word.Where(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')).TrimStart('.');
            if (name.Length > 0)
                return name;
        }
        return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"part-{number}");
    }
}
