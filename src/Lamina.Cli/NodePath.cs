using Lamina.Tree;

namespace Lamina.Cli;

/// <summary>From paths to nodes.</summary>
internal static class NodePath
{
    /// <summary>Deeper than any path that a program can name: PATH_MAX is 4096 bytes, and each step takes two.</summary>
    public const int MaxDepth = 2048;

    /// <summary>The node that a path names, from the root. Symbolic links on the way are not followed.</summary>
    /// <exception cref="NoException">There is none.</exception>
    public static Node Find(Node root, byte[] path, string image)
    {
        PathWalk walk = new(root, followLinks: false);
        if (walk.TryGo(path))
            return walk.Reached;
        if (walk.Reached.Type == NodeType.SymbolicLink)
        {
            throw new NoException($"{image}: {Show(walk.Path)} is a symbolic link to {ShownText.Of(walk.Reached.Target)}",
                "Links are not followed; name the place it leads to.");
        }
        if (!walk.Reached.IsDirectory)
            throw new NoException($"{image}: {Show(walk.Path)} is not a directory but a {Texts.Type(walk.Reached.Type)}");
        throw new NoException($"{image}: there is no {Show([.. walk.Path, (byte)'/', .. walk.Missing.Span])}");
    }

    /// <summary>A path in its plain form: names with a slash before each; empty for the root.</summary>
    public static byte[] Normalize(byte[] path) => [.. Split(path).SelectMany(name => name.Prepend((byte)'/'))];

    /// <summary>A path as it is shown.</summary>
    public static string Show(IReadOnlyCollection<byte> path) => path.Count == 0 ? "/" : ShownText.Of([.. path]);

    private static IEnumerable<byte[]> Split(byte[] path)
    {
        for (int at = 0; at < path.Length;)
        {
            int end = Array.IndexOf(path, (byte)'/', at);
            if (end < 0)
                end = path.Length;
            byte[] name = path[at..end];
            if (name.Length > 0 && !name.AsSpan().SequenceEqual("."u8))
                yield return name;
            at = end + 1;
        }
    }
}
