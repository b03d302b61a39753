using Lamina.Tree;
namespace Lamina.Exporting;

/// <summary>The paths that a user asked for, as a tree of names.</summary>
internal sealed class PathSelection
{
    private readonly Dictionary<string, PathSelection> _below = new(StringComparer.Ordinal);

    /// <summary>Whether the path itself was asked for, and so all below it.</summary>
    private bool _isWhole;

    /// <summary>
    /// What a walk is to visit, parents before what is in them; null, which is everything, if nothing was asked for.
    /// </summary>
    /// <exception cref="ArgumentException">A path holds a <c>..</c>.</exception>
    public static Func<ItemPath, bool>? FilterOf(IReadOnlyList<ReadOnlyMemory<byte>> paths)
    {
        if (Of(paths) is not { } selection)
            return null;
        Dictionary<ItemPath, PathSelection> wanted = new(ReferenceEqualityComparer.Instance) { [ItemPath.Root] = selection };
        return path =>
        {
            if (wanted[path.Parent!].Below(path.Name.Span) is not { } below)
                return false;
            wanted.Add(path, below);
            return true;
        };
    }

    private static PathSelection? Of(IReadOnlyList<ReadOnlyMemory<byte>> paths)
    {
        if (paths.Count == 0)
            return null;
        PathSelection root = new();
        foreach (ReadOnlyMemory<byte> path in paths)
        {
            PathSelection at = root;
            foreach (Range range in path.Span.Split((byte)'/'))
            {
                ReadOnlySpan<byte> name = path.Span[range];
                if (name.IsEmpty || name.SequenceEqual("."u8))
                    continue;
                if (name.SequenceEqual(".."u8))
                    throw new ArgumentException($"{ShownText.Of(path.Span)}: paths are those in the tree, without \"..\"");
                if (!at._below.TryGetValue(Key(name), out PathSelection? next))
                    at._below.Add(Key(name), next = new PathSelection());
                at = next;
            }
            at._isWhole = true;
        }
        return root;
    }

    /// <summary>What of the selection is under a name; null if nothing of it is wanted.</summary>
    private PathSelection? Below(ReadOnlySpan<byte> name) => _isWhole ? this : _below.GetValueOrDefault(Key(name));

    /// <summary>Bytes as a key: one character each.</summary>
    private static string Key(ReadOnlySpan<byte> name) => System.Text.Encoding.Latin1.GetString(name);
}
