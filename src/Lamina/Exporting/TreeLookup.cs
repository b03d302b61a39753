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
            if (!at.IsDirectory || Find(at.Listing.Read(), name) is not { } next)
                return null;
            at = next;
        }
        return at;
    }

    private static Node? Find(Entry[] entries, ReadOnlySpan<byte> name)
    {
        int low = 0, high = entries.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            int order = entries[middle].Name.Span.SequenceCompareTo(name);
            if (order == 0)
                return entries[middle].Node;
            if (order < 0)
                low = middle + 1;
            else
                high = middle - 1;
        }
        return null;
    }
}
