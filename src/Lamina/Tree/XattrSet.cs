
namespace Lamina.Tree;

/// <summary>One extended attribute: full name (<c>user.note</c>) and value, both bytes.</summary>
/// <param name="Name">The whole name with its namespace; no trailing dot on POSIX ACLs.</param>
/// <param name="Value">The value; may be empty and may hold any byte.</param>
public readonly record struct Xattr(ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> Value);

/// <summary>
/// The extended attributes of a node, sorted by name bytes, names unique. Immutable, and shared between nodes where a layer knows
/// that they are the same, so that sets are compared by reference first.
/// </summary>
public sealed class XattrSet
{
    /// <summary>The longest name (<c>XATTR_NAME_MAX</c>), in bytes.</summary>
    public const int MaxNameLength = 255;

    /// <summary>The largest value (<c>XATTR_SIZE_MAX</c>), in bytes.</summary>
    public const int MaxValueLength = 65536;

    private readonly Xattr[] _items;

    private XattrSet(Xattr[] items, ReadOnlyMemory<byte> fingerprint = default)
    {
        _items = items;
        Fingerprint = fingerprint;
    }

    /// <summary>No attributes.</summary>
    public static XattrSet Empty { get; } = new([]);

    /// <summary>Whether there are none.</summary>
    public bool IsEmpty => _items.Length == 0;

    /// <summary>Whether there is nothing to write either: no fingerprint.</summary>
    internal bool HasNothing => IsEmpty && Fingerprint.IsEmpty;

    /// <summary>
    /// The fingerprint of the file's data, where its image has it in an attribute of no namespace: kernels share pages by it and
    /// show it to nobody. Empty without.
    /// </summary>
    internal ReadOnlyMemory<byte> Fingerprint { get; }

    /// <summary>The attributes, sorted by name bytes.</summary>
    public ReadOnlySpan<Xattr> Items => _items;

    /// <summary>Makes a set; of several attributes of one name the last counts.</summary>
    public static XattrSet Create(IEnumerable<Xattr> items) => Create(items, default);

    /// <summary>Makes a set with a fingerprint that is not among the attributes.</summary>
    internal static XattrSet Create(IEnumerable<Xattr> items, ReadOnlyMemory<byte> fingerprint)
    {
        Xattr[] all = [.. items];
        if (all.Length == 0)
            return fingerprint.IsEmpty ? Empty : new XattrSet([], fingerprint);
        int[] order = [.. Enumerable.Range(0, all.Length)];
        Array.Sort(order, (a, b) =>
        {
            int byName = all[a].Name.Span.SequenceCompareTo(all[b].Name.Span);
            return byName != 0 ? byName : a.CompareTo(b);
        });
        List<Xattr> kept = new(all.Length);
        foreach (int at in order)
        {
            if (kept.Count > 0 && kept[^1].Name.Span.SequenceEqual(all[at].Name.Span))
                kept[^1] = all[at];
            else
                kept.Add(all[at]);
        }
        return new XattrSet([.. kept], fingerprint);
    }

    /// <summary>The value of one attribute, or false.</summary>
    public bool TryGet(ReadOnlySpan<byte> name, out ReadOnlyMemory<byte> value)
    {
        foreach (Xattr item in _items)
        {
            if (item.Name.Span.SequenceEqual(name))
            {
                value = item.Value;
                return true;
            }
        }
        value = default;
        return false;
    }
}
