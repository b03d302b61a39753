using Lamina.Tree;

namespace Lamina.Merging;

/// <summary>
/// The extended attributes overlayfs keeps its books in (Documentation/filesystems/overlayfs.rst): those of
/// <c>trusted.overlay.</c>, or where it is mounted with <c>userxattr</c> those of <c>user.overlay.</c>. The other namespace
/// means nothing then, and is shown.
/// </summary>
internal sealed class OverlayMarks
{
    private readonly byte[] _prefix;
    private readonly byte[] _opaque, _whiteout, _redirect, _metacopy;

    private OverlayMarks(ReadOnlySpan<byte> prefix)
    {
        _prefix = prefix.ToArray();
        _opaque = [.. prefix, .. "opaque"u8];
        _whiteout = [.. prefix, .. "whiteout"u8];
        _redirect = [.. prefix, .. "redirect"u8];
        _metacopy = [.. prefix, .. "metacopy"u8];
        Opaque = new Xattr(_opaque, "y"u8.ToArray());
    }

    /// <summary>Those of an overlay mounted as usual; marks of OCI layers come out as these.</summary>
    public static OverlayMarks Trusted { get; } = new("trusted.overlay."u8);

    /// <summary>Those of an overlay mounted with <c>userxattr</c>.</summary>
    public static OverlayMarks User { get; } = new("user.overlay."u8);

    /// <summary>What stands before a name that a nested overlay is to see: <c>trusted.overlay.overlay.opaque</c>.</summary>
    private static ReadOnlySpan<byte> Escape => "overlay."u8;

    /// <summary>The mark of a directory that hides all below it.</summary>
    public Xattr Opaque { get; }

    /// <summary>A whiteout in the form that every overlay knows.</summary>
    public static Node Whiteout { get; } = new() { Type = NodeType.CharacterDevice, Permissions = 0 };

    /// <summary>Whether a directory hides all below it.</summary>
    public bool IsOpaque(Node directory) => IsOpaque(directory.Xattrs);

    /// <summary>The attributes of a directory that hides all below it; the same object where they say so.</summary>
    public XattrSet MarkOpaque(XattrSet set) =>
        IsOpaque(set) ? set : XattrSet.Create([.. set.Items, Opaque], set.Fingerprint);

    private bool IsOpaque(XattrSet set) => set.TryGet(_opaque, out ReadOnlyMemory<byte> value) && value.Span.SequenceEqual("y"u8);

    /// <summary>
    /// Whether a file is a whiteout in the form of a marked empty file. The kernel takes it for one whether or not its
    /// directory says that it may hold such (<c>overlay.opaque</c> = <c>x</c>): lookup does not ask, only listing does.
    /// </summary>
    public bool IsXattrWhiteout(Node node) =>
        node.Type == NodeType.RegularFile && node.Xattrs.TryGet(_whiteout, out _) && node.Content.Size == 0;

    /// <summary>The name of a feature that cannot be merged yet, if the node uses it.</summary>
    public string? Unsupported(Node node)
    {
        if (node.Xattrs.TryGet(_redirect, out _))
            return "overlay.redirect (a renamed directory)";
        return node.Xattrs.TryGet(_metacopy, out _) ? "overlay.metacopy (a file without its data)" : null;
    }

    /// <summary>
    /// The set as a mount of the overlay would show it: books gone, escaped names one level less escaped. The same object where
    /// there is nothing to do.
    /// </summary>
    /// <param name="set">The attributes of a file of a layer.</param>
    /// <param name="isForOverlay">The result is to be a layer of an overlay again, so escapes stay.</param>
    /// <param name="mark">A mark that is to be among them; null for none.</param>
    public XattrSet Strip(XattrSet set, bool isForOverlay, Xattr? mark)
    {
        bool hasMarks = false;
        foreach (Xattr item in set.Items)
            hasMarks |= item.Name.Span.StartsWith(_prefix);
        if (!hasMarks && mark is null)
            return set;
        List<Xattr> kept = [];
        foreach (Xattr item in set.Items)
        {
            if (!item.Name.Span.StartsWith(_prefix))
                kept.Add(item);
            else if (item.Name.Span[_prefix.Length..].StartsWith(Escape))
                kept.Add(isForOverlay ? item
                    : item with { Name = (byte[])[.. _prefix, .. item.Name.Span[(_prefix.Length + Escape.Length)..]] });
        }
        if (mark is { } added)
            kept.Add(added);
        return XattrSet.Create(kept, set.Fingerprint);
    }
}
