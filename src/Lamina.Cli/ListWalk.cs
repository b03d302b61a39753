using Lamina.Tree;

namespace Lamina.Cli;

/// <summary>
/// What <c>lamina ls</c> lists: the names in a directory, with all below if that is wanted; of another file its own name. One
/// path is in memory, that of the entry that came last, and the directories that lead to it.
/// </summary>
internal sealed class ListWalk(byte[] start, Node node, bool recursive)
{
    private readonly List<byte> _path = [];

    /// <summary>The path of the entry that came last.</summary>
    public ReadOnlySpan<byte> Path => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_path);

    /// <summary>The entries, a directory before what is in it. Can be asked for again.</summary>
    public IEnumerable<Entry> Entries()
    {
        _path.Clear();
        _path.AddRange(start);
        if (node.IsDirectory)
            return Below();
        return [new Entry(start.AsMemory(Array.LastIndexOf(start, (byte)'/') + 1), node)];
    }

    private IEnumerable<Entry> Below()
    {
        Stack<(IEnumerator<Entry> Entries, int Length)> open = new([(node.Listing.Enumerate().GetEnumerator(), start.Length)]);
        while (open.TryPeek(out (IEnumerator<Entry> Entries, int Length) directory))
        {
            if (!directory.Entries.MoveNext())
            {
                open.Pop().Entries.Dispose();
                continue;
            }
            Entry entry = directory.Entries.Current;
            _path.RemoveRange(directory.Length, _path.Count - directory.Length);
            _path.Add((byte)'/');
            _path.AddRange(entry.Name.Span);
            yield return entry;
            if (!recursive || !entry.Node.IsDirectory)
                continue;
            if (open.Count > NodePath.MaxDepth)
            {
                throw new UnsupportedImageException(NodePath.Show(_path.ToArray()),
                    $"directories are nested deeper than {NodePath.MaxDepth}");
            }
            open.Push((entry.Node.Listing.Enumerate().GetEnumerator(), _path.Count));
        }
    }
}
