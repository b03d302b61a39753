using Lamina.Tree;

namespace Lamina.Merging;

/// <summary>
/// Merges layers, lowest first, by the rules of overlayfs. The result is a tree like any other; its directories are merged
/// when they are read, so cost follows what is looked at, and only directories that several layers have are opened together.
/// </summary>
public static class Merger
{
    /// <summary>Merges layers into the root of one tree.</summary>
    /// <param name="layers">The layers, lowest first; the upper one wins. One layer alone is passed through as it is.</param>
    /// <param name="options">How to merge.</param>
    /// <exception cref="UnsupportedImageException">A layer uses <c>overlay.redirect</c> or <c>overlay.metacopy</c> (also while
    /// the result is read).</exception>
    public static Node Merge(IReadOnlyList<Layer> layers, MergeOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfZero(layers.Count);
        options ??= new MergeOptions();
        Node root = layers.Count == 1 ? layers[0].Root : Join(ArchiveLayers.Prepare(layers, options), options);
        return options.LeavesOut is { } leavesOut ? FilteredListing.Filter(root, leavesOut) : root;
    }

    /// <summary>Merges layers whose names are where they belong.</summary>
    internal static Node Join(IReadOnlyList<Layer> layers, MergeOptions options)
    {
        if (layers.Count == 1)
            return layers[0].Root;
        MergeContext context = new([.. layers], options);
        List<MergeSource> sources = [];
        for (int i = layers.Count - 1; i >= 0; i--)
            sources.Add(new MergeSource(i, layers[i].Root));
        return context.MergeDirectories(sources, null);
    }
}

/// <summary>A directory of one layer that takes part in a merged one.</summary>
/// <param name="Layer">The layer's index, lowest 0.</param>
/// <param name="Node">The directory.</param>
internal readonly record struct MergeSource(int Layer, Node Node);

/// <summary>What one merge shares: its layers, its options, and the nodes it had to change.</summary>
internal sealed class MergeContext(Layer[] layers, MergeOptions options)
{
    private readonly Dictionary<Node, Node> _stripped = new(ReferenceEqualityComparer.Instance);
    private readonly Lock _lock = new();

    public MergeOptions Options => options;

    public string NameOf(int layer) => layers[layer].Name;

    /// <summary>Whether a layer's marks mean anything; a cpio has none.</summary>
    private bool HasMarks(MergeSource source) => layers[OwnerOf(source)].Rules != WhiteoutRules.Cpio;

    /// <summary>In which attributes a layer keeps its marks: an image as it was asked for, an archive as they were
    /// translated.</summary>
    private OverlayMarks MarksOf(MergeSource source) => MarksFor(layers[OwnerOf(source)].FollowsLinks);

    /// <summary>The layer a file is of; another one where it is a hard link to a file below.</summary>
    public int OwnerOf(MergeSource source) => layers[source.Layer].Borrowed.GetValueOrDefault(source.Node, source.Layer);

    private OverlayMarks MarksFor(bool isArchive) => options.UserXattr && !isArchive ? OverlayMarks.User : OverlayMarks.Trusted;

    public bool IsOpaque(MergeSource source) => HasMarks(source) && MarksOf(source).IsOpaque(source.Node);

    public bool IsWhiteout(MergeSource source) =>
        HasMarks(source) && (source.Node.IsWhiteout || MarksOf(source).IsXattrWhiteout(source.Node));

    /// <summary>
    /// Joins the directories of one name, uppermost first, down to the first opaque one. Metadata are the uppermost's that has
    /// any.
    /// </summary>
    /// <param name="sources">The directories, uppermost first.</param>
    /// <param name="path">Where they are; null for the root.</param>
    /// <param name="hidesBelow">Something that is not a directory lay below the last of them.</param>
    /// <param name="isClosed">A directory above is opaque already: nothing lower can show through here.</param>
    /// <param name="hidden">Directories below these that are hidden, uppermost first: where a layer merely marks a directory as
    /// opaque and has no entry for it, its metadata stay.</param>
    public Node MergeDirectories(List<MergeSource> sources, MergePath? path, bool hidesBelow = false, bool isClosed = false,
        IEnumerable<MergeSource>? hidden = null)
    {
        int count = 0;
        bool isOpaque = hidesBelow;
        while (count < sources.Count)
        {
            MergeSource source = sources[count++];
            RefuseUnsupported(source, path);
            if (path is null ? layers[source.Layer].HasOpaqueRoot : IsOpaque(source))
            {
                isOpaque = true;
                break;
            }
        }
        MergeSource[] joined = [.. sources[..count]];
        MergeSource metadata = MetadataOf(joined.Concat(sources.Skip(count)).Concat(hidden ?? [])) ?? joined[^1];
        bool marksOpaque = options.KeepWhiteouts && isOpaque && !isClosed;
        if (marksOpaque && path is null)
        {
            throw new UnsupportedImageException(NameOf(joined[^1].Layer),
                "its root hides all that is below, which no layer of an overlay can",
                "Merge without keeping whiteouts, or leave out the layers below this one.");
        }
        XattrSet shown = MarksOf(metadata).Strip(metadata.Node.Xattrs, options.KeepWhiteouts,
            marksOpaque ? MarksFor(isArchive: false).Opaque : null);
        return metadata.Node.With(shown, new MergedListing(this, joined, path, isOpaque || isClosed));
    }

    /// <summary>A whiteout that is kept.</summary>
    public static Node Keep(Node whiteout) => whiteout.IsWhiteout ? whiteout : OverlayMarks.Whiteout;

    /// <summary>A file as the merged tree shows it, the same object each time so that hard links stay links.</summary>
    public Node Show(MergeSource source, MergePath? parent, ReadOnlyMemory<byte> name)
    {
        Node node = source.Node;
        if (node.Xattrs.IsEmpty)
            return node;
        RefuseUnsupported(source, new MergePath(parent, name));
        XattrSet stripped = MarksOf(source).Strip(node.Xattrs, options.KeepWhiteouts, null);
        if (ReferenceEquals(stripped, node.Xattrs))
            return node;
        lock (_lock)
        {
            if (!_stripped.TryGetValue(node, out Node? shown))
                _stripped.Add(node, shown = node.With(stripped, node.Payload));
            return shown;
        }
    }

    private void RefuseUnsupported(MergeSource source, MergePath? path)
    {
        if (HasMarks(source) && MarksOf(source).Unsupported(source.Node) is { } feature)
        {
            throw new UnsupportedImageException(NameOf(source.Layer), $"{MergePath.Show(path)}: {feature} cannot be merged",
                "Mount the overlay that made this layer, and make the layer anew from what it shows.");
        }
    }

    private MergeSource? MetadataOf(IEnumerable<MergeSource> sources)
    {
        foreach (MergeSource source in sources)
        {
            Layer layer = layers[source.Layer];
            bool isSilent = layer.Implied.Contains(source.Node) || (!layer.HasRootMetadata && source.Node == layer.Root);
            if (!isSilent)
                return source;
        }
        return null;
    }
}
