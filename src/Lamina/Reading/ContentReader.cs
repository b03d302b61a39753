using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>From content to its bytes, whatever form it has: holes read as zeros, clusters are decoded.</summary>
public static class ContentReader
{
    /// <summary>The bytes of a file's content. The layer that the content comes from must stay open.</summary>
    /// <param name="content">The content.</param>
    /// <param name="name">What messages call it.</param>
    /// <remarks>Reads throw <see cref="CorruptImageException"/> where a cluster cannot be decoded.</remarks>
    public static ByteSource Open(Content content, string name = "file") =>
        content is ImageEncodedContent encoded ? encoded.OpenSource(name) : new ContentSource(name, content);
}
