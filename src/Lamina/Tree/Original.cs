namespace Lamina.Tree;

/// <summary>
/// A source file that already holds file data, and is never modified: an EROFS image, one of its devices, or a plain tar. Content
/// refers to bytes of it by position; a writer decides where the original comes to lie in the output.
/// </summary>
/// <param name="bytes">The whole file.</param>
/// <param name="kind">What the file is.</param>
public sealed class Original(ByteSource bytes, OriginalKind kind)
{
    /// <summary>The whole file.</summary>
    public ByteSource Bytes { get; } = bytes;

    /// <summary>The same bytes for those who read a few at a time; by way of a cache where the layer has one.</summary>
    internal ByteSource Small { get; init; } = bytes;

    /// <summary>What the file is.</summary>
    public OriginalKind Kind { get; } = kind;

    /// <summary>The name messages use: the path as given.</summary>
    public string Name => Bytes.Name;

    /// <summary>The length in bytes.</summary>
    public long Length => Bytes.Length;
}

/// <summary>What an original is, as the layer record names it.</summary>
public enum OriginalKind : byte
{
    /// <summary>An EROFS image.</summary>
    Erofs = 1,

    /// <summary>A device that an EROFS image refers to.</summary>
    Device = 2,

    /// <summary>A plain tar archive.</summary>
    Tar = 3,
}
