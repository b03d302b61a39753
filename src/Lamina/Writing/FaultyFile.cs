using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>Which file cannot be written: its path in the output, and the layer that it comes from.</summary>
/// <param name="layers">The layers, lowest first.</param>
internal sealed class FaultyFile(IReadOnlyList<Layer> layers)
{
    /// <summary>What messages name where no layer has the file: a tree that was made by hand.</summary>
    private const string NoLayer = "the tree";

    /// <summary>The layer's name and the path, as it is shown.</summary>
    /// <param name="directory">The planned directory that names the file; null for the root itself.</param>
    /// <param name="name">The name in it.</param>
    /// <param name="node">The file.</param>
    public (string Source, string Path) Of(PlannedInode? directory, ReadOnlySpan<byte> name, Node node)
    {
        byte[] path = directory is null ? [(byte)'/'] : [.. PathOf(directory), (byte)'/', .. name];
        return (SourceOf(path, node), ShownText.Of(path));
    }

    /// <summary>The same of an inode that is planned; the first of its names.</summary>
    public (string Source, string Path) Of(PlannedInode inode, IEnumerable<PlannedInode> all)
    {
        foreach (PlannedInode directory in all)
        {
            if (directory.Data is PlannedDirectory names && Array.IndexOf(names.Children, inode) is >= 0 and var at)
                return Of(directory, names.Entries[at].Name.Span, inode.Node);
        }
        return Of(null, [], inode.Node);
    }

    /// <summary>The path of a directory whose parents have all their names.</summary>
    private static byte[] PathOf(PlannedInode directory)
    {
        List<byte[]> names = [];
        for (PlannedInode at = directory; at.Parent != at; at = at.Parent)
        {
            var parent = (PlannedDirectory)at.Parent.Data!;
            names.Add([(byte)'/', .. parent.Entries[Array.IndexOf(parent.Children, at)].Name.Span]);
        }
        names.Reverse();
        return [.. names.SelectMany(name => name)];
    }

    /// <summary>The topmost layer that has such a file there.</summary>
    private string SourceOf(byte[] path, Node node) =>
        layers.LastOrDefault(layer => new PathWalk(layer.Root, followLinks: false) is var walk && walk.TryGo(path)
            && (walk.Reached == node || AreSame(walk.Reached.Xattrs, node.Xattrs)))?.Name ?? NoLayer;

    private static bool AreSame(XattrSet one, XattrSet other)
    {
        if (one.Items.Length != other.Items.Length)
            return false;
        for (int i = 0; i < one.Items.Length; i++)
        {
            if (!one.Items[i].Name.Span.SequenceEqual(other.Items[i].Name.Span)
                || !one.Items[i].Value.Span.SequenceEqual(other.Items[i].Value.Span))
                return false;
        }
        return true;
    }
}
