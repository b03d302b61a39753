using Lamina.Tree;

namespace Lamina.Merging;

/// <summary>
/// The extended attributes overlayfs keeps its books in (Documentation/filesystems/overlayfs.rst), in the namespaces
/// <c>trusted.overlay.</c> and <c>user.overlay.</c>.
/// </summary>
internal static class OverlayMarks
{
    private static ReadOnlySpan<byte> TrustedPrefix => "trusted.overlay."u8;

    private static ReadOnlySpan<byte> UserPrefix => "user.overlay."u8;

    /// <summary>What stands before a name that a nested overlay is to see: <c>trusted.overlay.overlay.opaque</c>.</summary>
    private static ReadOnlySpan<byte> Escape => "overlay."u8;

    /// <summary>The marks there are (<c>enum ovl_xattr</c>, fs/overlayfs/overlayfs.h).</summary>
    private static readonly byte[][] s_known =
    [
        [.. "opaque"u8], [.. "redirect"u8], [.. "origin"u8], [.. "impure"u8], [.. "nlink"u8], [.. "upper"u8], [.. "uuid"u8],
        [.. "metacopy"u8], [.. "protattr"u8], [.. "whiteout"u8], [.. "whiteouts"u8],
    ];

    public static Xattr Opaque { get; } = new("trusted.overlay.opaque"u8.ToArray(), "y"u8.ToArray());

    /// <summary>Whether a directory hides all below it.</summary>
    public static bool IsOpaque(Node directory) => Value(directory, "opaque"u8) is { Length: 1 } value &&
        value.Span[0] == (byte)'y';

    /// <summary>
    /// Whether a file is a whiteout in the form of a marked empty file. The kernel takes it for one whether or not its
    /// directory says that it may hold such (<c>overlay.opaque</c> = <c>x</c>): lookup does not ask, only listing does.
    /// </summary>
    public static bool IsXattrWhiteout(Node node) =>
        node.Type == NodeType.RegularFile && !node.Xattrs.IsEmpty && Value(node, "whiteout"u8) is not null &&
            node.Content.Size == 0;

    /// <summary>The name of a feature that cannot be merged yet, if the node uses it.</summary>
    public static string? Unsupported(Node node)
    {
        if (node.Xattrs.IsEmpty)
            return null;
        if (Value(node, "redirect"u8) is not null)
            return "overlay.redirect (a renamed directory)";
        return Value(node, "metacopy"u8) is not null ? "overlay.metacopy (a file without its data)" : null;
    }

    /// <summary>
    /// The set as a mount of the overlay would show it: books gone, escaped names one level less escaped. The same object where
    /// there is nothing to do.
    /// </summary>
    /// <param name="set">The attributes of a file of a layer.</param>
    /// <param name="isForOverlay">The result is to be a layer of an overlay again, so escapes stay.</param>
    /// <param name="marksOpaque">Whether the opaque mark is to be among them.</param>
    public static XattrSet Strip(XattrSet set, bool isForOverlay, bool marksOpaque)
    {
        bool hasMarks = false;
        foreach (Xattr item in set.Items)
            hasMarks |= IsMark(item.Name.Span);
        if (!hasMarks && !marksOpaque)
            return set;
        List<Xattr> kept = [];
        foreach (Xattr item in set.Items)
        {
            if (!IsMark(item.Name.Span))
                kept.Add(item);
            else if (Unescape(item.Name.Span) is { } name)
                kept.Add(isForOverlay ? item : item with { Name = name });
        }
        if (marksOpaque)
            kept.Add(Opaque);
        return XattrSet.Create(kept);
    }

    /// <summary>
    /// Whether an attribute belongs to the books: all of <c>trusted.overlay.</c>, which no overlay shows; of
    /// <c>user.overlay.</c>,
    /// which is shown to all but overlays mounted with <c>userxattr</c>, only what is known to be a mark.
    /// </summary>
    private static bool IsMark(ReadOnlySpan<byte> name)
    {
        if (name.StartsWith(TrustedPrefix))
            return true;
        return name.StartsWith(UserPrefix) && IsKnown(name[UserPrefix.Length..]);
    }

    private static bool IsKnown(ReadOnlySpan<byte> mark)
    {
        foreach (byte[] known in s_known)
        {
            if (mark.SequenceEqual(known))
                return true;
        }
        return false;
    }

    private static byte[]? Unescape(ReadOnlySpan<byte> name)
    {
        if (!name.StartsWith(TrustedPrefix))
            return null;
        ReadOnlySpan<byte> rest = name[TrustedPrefix.Length..];
        return rest.StartsWith(Escape) ? [.. TrustedPrefix, .. rest[Escape.Length..]] : null;
    }

    private static ReadOnlyMemory<byte>? Value(Node node, ReadOnlySpan<byte> mark)
    {
        if (node.Xattrs.IsEmpty)
            return null;
        Span<byte> name = stackalloc byte[TrustedPrefix.Length + mark.Length];
        TrustedPrefix.CopyTo(name);
        mark.CopyTo(name[TrustedPrefix.Length..]);
        if (node.Xattrs.TryGet(name, out ReadOnlyMemory<byte> value))
            return value;
        name = name[..(UserPrefix.Length + mark.Length)];
        UserPrefix.CopyTo(name);
        mark.CopyTo(name[UserPrefix.Length..]);
        return node.Xattrs.TryGet(name, out value) ? value : (ReadOnlyMemory<byte>?)null;
    }
}
