using Lamina.Archives;
using Lamina.Tree;

namespace Lamina.Layers;

/// <summary>Makes the paths of an archive plain: components with one slash between them, none in front and none behind.</summary>
internal static class TarPath
{
    /// <summary>
    /// The most components in a path: no path that the kernel takes (<c>PATH_MAX</c>, 4096 bytes) has more, and a tree of any
    /// depth would let an archive of a few KiB exhaust the stack of whoever walks it.
    /// </summary>
    public const int MaxDepth = 2048;

    /// <summary>
    /// Writes a plain path to <paramref name="buffer"/>, which is at least as long, and returns it. Slashes in front, doubled and
    /// behind, and <c>.</c> components, are left out; the empty path is the root.
    /// </summary>
    /// <exception cref="CorruptImageException">A <c>..</c>, a NUL or a component that is too long.</exception>
    public static Span<byte> Plain(TarPlace place, ReadOnlySpan<byte> path, Span<byte> buffer)
    {
        if (path.Contains((byte)0))
            throw place.Corrupt($"the path {TarPlace.Show(path)} holds a NUL");
        int length = 0, depth = 0;
        while (!path.IsEmpty)
        {
            int slash = path.IndexOf((byte)'/');
            ReadOnlySpan<byte> component = slash < 0 ? path : path[..slash];
            path = slash < 0 ? [] : path[(slash + 1)..];
            if (component.IsEmpty || component.SequenceEqual("."u8))
                continue;
            if (component.SequenceEqual(".."u8))
                throw place.Corrupt("a path with .. could lead out of the tree");
            if (component.Length > Entry.MaxNameLength)
                throw place.Corrupt($"a name of {component.Length} bytes, {Entry.MaxNameLength} is the most");
            if (++depth > MaxDepth)
                throw place.Unsupported($"a path of more than {MaxDepth} components");
            if (length > 0)
                buffer[length++] = (byte)'/';
            component.CopyTo(buffer[length..]);
            length += component.Length;
        }
        return buffer[..length];
    }
}
