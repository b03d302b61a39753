namespace Lamina.Tree;

/// <summary>A name in a directory.</summary>
/// <param name="Name">1 to 255 bytes, no slash and no NUL; never <c>.</c> or <c>..</c>.</param>
/// <param name="Node">The file it names.</param>
public readonly record struct Entry(ReadOnlyMemory<byte> Name, Node Node)
{
    /// <summary>The longest name (<c>NAME_MAX</c>), in bytes.</summary>
    public const int MaxNameLength = 255;
}

/// <summary>The names in a directory, read when asked: a directory that nobody opens costs nothing.</summary>
public abstract class DirectoryListing
{
    /// <summary>The entries, sorted by name bytes, names unique. Each call reads anew: callers keep what they need.</summary>
    /// <exception cref="CorruptImageException">The directory contradicts itself.</exception>
    public abstract Entry[] Read();

    /// <summary>A listing that is in memory already. The entries are sorted here; names must be unique.</summary>
    public static DirectoryListing Of(Entry[] entries)
    {
        Array.Sort(entries, static (a, b) => a.Name.Span.SequenceCompareTo(b.Name.Span));
        return new MemoryListing(entries);
    }

    private sealed class MemoryListing(Entry[] entries) : DirectoryListing
    {
        public override Entry[] Read() => entries;
    }
}
