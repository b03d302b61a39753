namespace Lamina.Tree;

/// <summary>One way through a tree, name by name. It remembers how far it came, for who wants to say why it ended.</summary>
/// <param name="root">Where absolute paths begin.</param>
/// <param name="followLinks">
/// Whether symbolic links are followed, the last name's too; absolute targets begin at the root, never outside. If not, a link is
/// found as itself, and nothing is found below one.
/// </param>
internal sealed class PathWalk(Node root, bool followLinks)
{
    /// <summary>
    /// How many symbolic links one look-up follows at most, as in the kernel (<c>MAXSYMLINKS</c>): more are a loop.
    /// </summary>
    private const int MaxLinks = 40;

    private readonly List<(Node Node, byte[] Name)> _way = [(root, [])];
    private int _links;

    /// <summary>The file that the way has come to.</summary>
    public Node Reached => _way[^1].Node;

    /// <summary>The path of <see cref="Reached"/>: a slash in front of each name; empty for the root.</summary>
    public byte[] Path => [.. _way.Skip(1).SelectMany(step => step.Name.Prepend((byte)'/'))];

    /// <summary>The name that <see cref="Reached"/> does not have, or cannot have; empty if the way went to its end.</summary>
    public ReadOnlyMemory<byte> Missing { get; private set; }

    /// <summary>Goes on from where the way has come to.</summary>
    /// <param name="path">Names with slashes between them. <c>..</c> leads back along the way, at most to the root.</param>
    /// <returns>Whether all of it is there.</returns>
    /// <exception cref="IOException">More than 40 links were followed: they lead in a circle.</exception>
    public bool TryGo(ReadOnlySpan<byte> path)
    {
        while (true)
        {
            path = path.TrimStart((byte)'/');
            if (path.IsEmpty)
                return true;
            int end = path.IndexOf((byte)'/');
            ReadOnlySpan<byte> name = end < 0 ? path : path[..end];
            path = end < 0 ? [] : path[end..];
            if (!Reached.IsDirectory || Step(name) is not { } goesOn)
            {
                Missing = name.ToArray();
                return false;
            }
            if (!goesOn)
                return false;
        }
    }

    /// <summary>One name further: true if it is there, null if not, false if it is a link that leads nowhere.</summary>
    private bool? Step(ReadOnlySpan<byte> name)
    {
        if (name.SequenceEqual("."u8))
            return true;
        if (name.SequenceEqual(".."u8))
        {
            if (_way.Count > 1)
                _way.RemoveAt(_way.Count - 1);
            return true;
        }
        if (Reached.Listing.Find(name) is not { } node)
            return null;
        if (!followLinks || node.Type != NodeType.SymbolicLink)
        {
            _way.Add((node, name.ToArray()));
            return true;
        }
        if (++_links > MaxLinks)
            throw new IOException($"more than {MaxLinks} symbolic links lead from one to another");
        if (node.Target[0] == '/')
            _way.RemoveRange(1, _way.Count - 1);
        return TryGo(node.Target);
    }
}
