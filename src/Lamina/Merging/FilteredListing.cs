using Lamina.Tree;

namespace Lamina.Merging;

/// <summary>A directory without some of its files, at any depth below.</summary>
/// <param name="inner">The directory as it is.</param>
/// <param name="path">Its path from the root, without a slash in front; empty for the root.</param>
/// <param name="leavesOut">Whether a file stays out, with all that is in it: its path, and what it is.</param>
internal sealed class FilteredListing(DirectoryListing inner, byte[] path, Func<byte[], Node, bool> leavesOut) : DirectoryListing
{
    /// <summary>The same tree without some of its files.</summary>
    public static Node Filter(Node root, Func<byte[], Node, bool> leavesOut) => Below(root, [], leavesOut);

    public override Entry[] Read()
    {
        List<Entry> entries = [];
        foreach (Entry entry in inner.Read())
        {
            byte[] own = path.Length == 0 ? entry.Name.ToArray() : [.. path, (byte)'/', .. entry.Name.Span];
            if (!leavesOut(own, entry.Node))
                entries.Add(entry.Node.IsDirectory ? entry with { Node = Below(entry.Node, own, leavesOut) } : entry);
        }
        return [.. entries];
    }

    private static Node Below(Node directory, byte[] path, Func<byte[], Node, bool> leavesOut) =>
        directory.With(directory.Xattrs, new FilteredListing(directory.Listing, path, leavesOut));
}
