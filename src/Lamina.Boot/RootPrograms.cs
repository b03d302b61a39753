using System.Text;
using Lamina.Tree;

namespace Lamina.Boot;

/// <summary>The programs of a tree that is to be a root.</summary>
internal static class RootPrograms
{
    /// <summary>The kernel's own limit for links on the way to a file.</summary>
    private const int LinkLimit = 40;

    /// <summary>Whether a tree has a program that is started if the command line names none.</summary>
    public static bool HasInit(Node root) => BootFiles.InitPrograms.Any(path =>
        Follow(root, Encoding.UTF8.GetBytes(path)) is { Type: NodeType.RegularFile });

    /// <summary>The node that a path names, links followed; null if there is none.</summary>
    private static Node? Follow(Node root, byte[] path)
    {
        List<Node> way = [root];
        Stack<byte[]> names = new(Split(path));
        for (int links = 0; names.TryPop(out byte[]? name);)
        {
            if (name.AsSpan().SequenceEqual(".."u8))
            {
                way.RemoveRange(Math.Max(1, way.Count - 1), way.Count > 1 ? 1 : 0);
                continue;
            }
            if (!way[^1].IsDirectory || Child(way[^1], name) is not { } child)
                return null;
            if (child.Type != NodeType.SymbolicLink)
            {
                way.Add(child);
                continue;
            }
            if (++links > LinkLimit)
                return null;
            if (child.Target.AsSpan().StartsWith("/"u8))
                way = [root];
            foreach (byte[] part in Split(child.Target))
                names.Push(part);
        }
        return way[^1];
    }

    /// <summary>The names in a path, the last one first.</summary>
    private static IEnumerable<byte[]> Split(byte[] path)
    {
        int end = path.Length;
        for (int at = path.Length - 1; at >= -1; at--)
        {
            if (at >= 0 && path[at] != '/')
                continue;
            byte[] name = path[(at + 1)..end];
            if (name.Length > 0 && !name.AsSpan().SequenceEqual("."u8))
                yield return name;
            end = Math.Max(at, 0);
        }
    }

    private static Node? Child(Node directory, byte[] name)
    {
        foreach (Entry entry in directory.Listing.Read())
        {
            if (entry.Name.Span.SequenceEqual(name))
                return entry.Node;
        }
        return null;
    }
}
