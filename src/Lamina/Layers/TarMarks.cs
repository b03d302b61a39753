using Lamina.Archives;
using Lamina.Tree;

namespace Lamina.Layers;

/// <summary>
/// Turns the marks by which OCI layers hide what is below them into those of overlayfs, so that only one form of them is merged:
/// <c>.wh.NAME</c> becomes a whiteout called <c>NAME</c>, and <c>.wh..wh..opq</c> makes its directory opaque.
/// </summary>
/// <remarks>
/// A mark is about the layers below, wherever in the archive it stands: what this layer has under the name stays, and hides the
/// same.
/// </remarks>
internal sealed class TarMarks(TarPlace place, TreeBuilder tree, WhiteoutRules rules)
{
    /// <summary>What stands before a name that is hidden.</summary>
    public static ReadOnlySpan<byte> Whiteout => ".wh."u8;

    /// <summary>The name that makes its directory opaque.</summary>
    public static ReadOnlySpan<byte> Opaque => ".wh..wh..opq"u8;

    /// <summary>What other names begin with that AUFS kept for itself: they are no part of the layer.</summary>
    public static ReadOnlySpan<byte> Bookkeeping => ".wh..wh."u8;

    /// <summary>Takes an entry that is a mark, of whatever type it is; false if it is none.</summary>
    public bool TryTake(ReadOnlySpan<byte> path)
    {
        if (rules != WhiteoutRules.Oci || path.IndexOf(Whiteout) < 0)
            return false;
        int slash = path.LastIndexOf((byte)'/');
        ReadOnlySpan<byte> parent = slash < 0 ? [] : path[..slash], name = path[(slash + 1)..];
        foreach (Range part in parent.Split((byte)'/'))
        {
            if (parent[part].StartsWith(Whiteout) && !parent[part].StartsWith(Bookkeeping))
                throw place.Corrupt($"it lies below {TarPlace.Show(parent[part])}, a mark that hides a name");
        }
        if (name.SequenceEqual(Opaque))
        {
            tree.MarkOpaque(parent);
            return true;
        }
        if (!name.StartsWith(Whiteout) || name.StartsWith(Bookkeeping))
            return false;
        ReadOnlySpan<byte> hidden = name[Whiteout.Length..];
        if (hidden.IsEmpty || hidden.SequenceEqual("."u8) || hidden.SequenceEqual(".."u8))
            throw place.Corrupt("it marks no name as hidden");
        tree.AddWhiteout(parent, hidden);
        return true;
    }
}
