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

    public static Xattr Opaque { get; } = new("trusted.overlay.opaque"u8.ToArray(), "y"u8.ToArray());

    /// <summary>Whether a directory hides all below it.</summary>
    public static bool IsOpaque(Node directory) => Value(directory, "opaque"u8) is { Length: 1 } value && value.Span[0] == (byte)'y';

    /// <summary>Whether a directory may hold whiteouts in the form of marked regular files.</summary>
    public static bool HasXattrWhiteouts(Node directory) => Value(directory, "opaque"u8) is { Length: 1 } value && value.Span[0] == (byte)'x';

    /// <summary>Whether a file in such a directory is a whiteout.</summary>
    public static bool IsXattrWhiteout(Node node) =>
        node.Type == NodeType.RegularFile && !node.Xattrs.IsEmpty && Value(node, "whiteout"u8) is not null && node.Content.Size == 0;

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
    public static XattrSet Strip(XattrSet set, bool markOpaque)
    {
        bool hasMarks = false;
        foreach (Xattr item in set.Items)
            hasMarks |= IsMark(item.Name.Span);
        if (!hasMarks && !markOpaque)
            return set;
        List<Xattr> kept = [];
        foreach (Xattr item in set.Items)
        {
            if (!IsMark(item.Name.Span))
                kept.Add(item);
            else if (Unescape(item.Name.Span) is { } name)
                kept.Add(item with { Name = name });
        }
        if (markOpaque)
            kept.Add(Opaque);
        return XattrSet.Create(kept);
    }

    private static bool IsMark(ReadOnlySpan<byte> name) => name.StartsWith(TrustedPrefix) || name.StartsWith(UserPrefix);

    private static byte[]? Unescape(ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> prefix = name.StartsWith(TrustedPrefix) ? TrustedPrefix : UserPrefix;
        ReadOnlySpan<byte> rest = name[prefix.Length..];
        return rest.StartsWith(Escape) ? [.. prefix, .. rest[Escape.Length..]] : null;
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
