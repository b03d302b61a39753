using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>Finds files of a tree by path.</summary>
public static class TreeLookup
{
    /// <summary>Finds a file. Symbolic links are not followed.</summary>
    /// <param name="root">The root directory.</param>
    /// <param name="path">The path from the root, with or without a slash in front.</param>
    /// <returns>The file, or null if there is none of that path.</returns>
    public static Node? Find(Node root, ReadOnlySpan<byte> path)
    {
        Node at = root;
        foreach (Range range in path.Split((byte)'/'))
        {
            ReadOnlySpan<byte> name = path[range];
            if (name.IsEmpty || name.SequenceEqual("."u8))
                continue;
            if (!at.IsDirectory || at.Listing.Find(name) is not { } next)
                return null;
            at = next;
        }
        return at;
    }
}
