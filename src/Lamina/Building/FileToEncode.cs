using Lamina.Tree;

namespace Lamina.Building;

/// <summary>A file whose data is to be encoded, and what becomes of it.</summary>
/// <param name="content">Its data as the layer has it.</param>
/// <param name="path">Makes its path, for messages and to tell what is alike.</param>
internal sealed class FileToEncode(Content content, Func<byte[]> path)
{
    /// <summary>The smallest file whose holes are looked for, in bytes.</summary>
    public const long MinSparse = 1 << 20;

    /// <summary>Its data as the layer has it.</summary>
    public Content Content => content;

    /// <summary>Its size in bytes.</summary>
    public long Size => content.Size;

    /// <summary>How it is encoded, where that is not as all files are.</summary>
    public EncodeShape? Shape { get; init; }

    /// <summary>Its place among those that come first; <see cref="int.MaxValue"/> of all others.</summary>
    public int Rank { get; init; } = int.MaxValue;

    /// <summary>Its data as the output has it; null until it is encoded.</summary>
    public Content? Encoded { get; set; }

    /// <summary>Of several files with the same data the first one, which is encoded for all.</summary>
    public FileToEncode? Same { get; set; }

    /// <summary>Its path from the root, without a slash in front.</summary>
    public byte[] Path => path();

    /// <summary>Opens the data.</summary>
    public ContentSource Open() => content.Open(ShownText.Of(Path));
}
