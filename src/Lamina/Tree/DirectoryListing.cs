namespace Lamina.Tree;

/// <summary>A name in a directory.</summary>
/// <param name="Name">1 to 255 bytes, no slash and no NUL; never <c>.</c> or <c>..</c>.</param>
/// <param name="Node">The file it names.</param>
public readonly record struct Entry(ReadOnlyMemory<byte> Name, Node Node)
{
    /// <summary>The longest name (<c>NAME_MAX</c>), in bytes.</summary>
    public const int MaxNameLength = 255;

    /// <summary>The name as text: UTF-8, with what is none or cannot be printed as <c>\xNN</c>, the backslash doubled.</summary>
    public override string ToString() => ShownText.Of(Name.Span);
}

/// <summary>The names in a directory, read when asked: a directory that nobody opens costs nothing.</summary>
public abstract class DirectoryListing
{
    /// <summary>The entries, sorted by name bytes, names unique. Each call reads anew: callers keep what they need.</summary>
    /// <exception cref="CorruptImageException">The directory contradicts itself.</exception>
    public abstract Entry[] Read();

    /// <summary>
    /// The same entries, for who looks at each once: read piece by piece where the layer can, so that a directory of a million
    /// names need not be in memory.
    /// </summary>
    /// <exception cref="CorruptImageException">The directory contradicts itself.</exception>
    public virtual IEnumerable<Entry> Enumerate() => Read();

    /// <summary>Looks a name up; null if it is not there.</summary>
    /// <exception cref="CorruptImageException">The directory contradicts itself.</exception>
    public virtual Node? Find(ReadOnlySpan<byte> name)
    {
        Entry[] entries = Read();
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
