using Lamina.Tree;
namespace Lamina.Exporting;

/// <summary>In what a path differs between two trees.</summary>
public enum DifferenceKind
{
    /// <summary>It is in the second tree only. Told of a directory, not of what is in it.</summary>
    Added,

    /// <summary>It is in the first tree only. Told of a directory, not of what is in it.</summary>
    Removed,

    /// <summary>The type of file. Nothing else is compared then.</summary>
    Type,

    /// <summary>The permissions.</summary>
    Mode,

    /// <summary>The owner or the group.</summary>
    Owner,

    /// <summary>The time of the last modification.</summary>
    Time,

    /// <summary>The extended attributes.</summary>
    Xattrs,

    /// <summary>The target of a symbolic link.</summary>
    Target,

    /// <summary>The number of a device.</summary>
    Device,

    /// <summary>The data of a regular file, or its size.</summary>
    Content,

    /// <summary>Which other names the file has.</summary>
    Links,
}

/// <summary>Something in which two trees differ.</summary>
/// <param name="Path">The path, a slash before every name; empty for the root.</param>
/// <param name="Kind">In what.</param>
/// <param name="First">What the first tree has; empty if nothing.</param>
/// <param name="Second">What the second tree has; empty if nothing.</param>
/// <param name="Offset">For data: the first byte that differs.</param>
public sealed record Difference(ReadOnlyMemory<byte> Path, DifferenceKind Kind, string First, string Second, long? Offset = null)
{
    /// <summary>The path as text; bytes that are none are written <c>\xNN</c>.</summary>
    public string PathText => Path.IsEmpty ? "/" : ShownText.Of(Path.Span);
}

/// <summary>How trees are compared.</summary>
public sealed record CompareOptions : WorkOptions
{
    /// <summary>What need not be the same.</summary>
    public IReadOnlySet<DifferenceKind> Ignored { get; init; } = new HashSet<DifferenceKind>();
}

/// <summary>What a comparison found.</summary>
public sealed record CompareResult
{
    /// <summary>All differences, by path.</summary>
    public required IReadOnlyList<Difference> Differences { get; init; }

    /// <summary>How many paths are in both trees.</summary>
    public required long Paths { get; init; }

    /// <summary>How many bytes of data were compared.</summary>
    public required long Bytes { get; init; }

    /// <summary>Whether the trees are the same.</summary>
    public bool AreSame => Differences.Count == 0;
}
