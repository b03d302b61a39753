using System.Text;
using Lamina.Tree;

namespace Lamina.Merging;

/// <summary>
/// Hard links of an archive to files that only layers below have: further names of these files, as link(2) makes them where one
/// archive is unpacked over the other.
/// </summary>
/// <param name="view">The layer, its implied directories where they belong.</param>
/// <param name="layers">All layers; those below are changed where a file is to have more names than it knows of.</param>
/// <param name="number">The layer's index.</param>
/// <param name="options">How the layers are merged.</param>
internal sealed class LinksBelow(LayerView view, Layer[] layers, int number, MergeOptions options)
{
    private readonly LayerPlace?[] _roots = new LayerPlace?[number];
    private readonly HashSet<Node> _standIns = [.. layers[number].LowerLinks.Select(link => link.StandIn)];
    private readonly Dictionary<Node, Node> _files = [];
    private readonly Dictionary<Node, int> _owners = [];

    /// <summary>Replaces what stands for the links by the files; returns these, with the layers they are of.</summary>
    public IReadOnlyDictionary<Node, int> Apply()
    {
        foreach (LowerLink link in layers[number].LowerLinks)
            _files.Add(link.StandIn, FileOf(link));
        view.Root.Replace(_files);
        for (int i = 0; i < number; i++)
        {
            if (_roots[i] is not { } root)
                continue;
            HashSet<Node> implied = [.. layers[i].Implied];
            Node changed = root.ToNode(implied);
            if (changed != layers[i].Root)
                layers[i] = layers[i].With(changed, implied, layers[i].Borrowed);
        }
        return _owners;
    }

    private Node FileOf(LowerLink link)
    {
        string[] path = Encoding.Latin1.GetString(link.Target.Span).Split('/');
        List<string> directory = view.Resolve([], path[..^1]);          // a link under the last name is itself what is meant
        // What the archive has under the very name came behind the link: else the link would have found it.
        object? own = link.IsTargetLater ? null : view.FindOwn(directory, path[^1]);
        if (own is Node { IsWhiteout: false } node && (!_standIns.Contains(node) || _files.ContainsKey(node)))
            return _files.GetValueOrDefault(node, node);
        Node found = view.FindLower(directory, path[^1])
            ?? throw Corrupt(link, "which is not in the archive before it and in no layer below");
        if (found.IsDirectory || own is LayerPlace { IsImplied: false })
            throw Corrupt(link, "which is a directory");
        int owner = number - 1;
        while (RootOf(owner).At(directory)?.Find(path[^1]) is not Node)
            owner--;                                                    // the uppermost that has the name decides
        LayerPlace place = RootOf(owner).At(directory)!;
        Node file = (Node)place.Find(path[^1])!;
        if (file.HasSingleName)
            place.Set(path[^1], file = file.WithMoreNames());
        _owners[file] = layers[owner].Borrowed.GetValueOrDefault(file, owner);
        options.Account?.Add(new MergeEvent((byte[])[(byte)'/', .. link.Path.Span], MergeOutcome.Linked, number, [owner], 0));
        return file;
    }

    private LayerPlace RootOf(int layer) => _roots[layer] ??= new LayerPlace(layers[layer], layers[layer].Root);

    private CorruptImageException Corrupt(LowerLink link, string what) => new(layers[number].Name,
        $"entry {MergePath.Show(link.Path.Span)}: it is a hard link to {MergePath.Show(link.Target.Span)}, {what}", null,
        link.Header);
}
