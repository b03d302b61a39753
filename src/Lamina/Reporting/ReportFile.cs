using Lamina.Tree;

namespace Lamina.Reporting;

/// <summary>A name of the merged tree.</summary>
/// <param name="name">The name, as bytes; empty for the root.</param>
/// <param name="node">What it names.</param>
/// <param name="parent">The directory it is in; null for the root.</param>
/// <param name="layer">The layer that what it names is of, lowest 0.</param>
internal sealed class ReportFile(ReadOnlyMemory<byte> name, Node node, ReportFile? parent, int layer)
{
    public ReadOnlyMemory<byte> Name => name;

    public Node Node => node;

    public ReportFile? Parent => parent;

    public int Layer => layer;

    /// <summary>Of a directory: what is in it, by name bytes.</summary>
    public ReportFile[] Children { get; set; } = [];

    /// <summary>Bytes of a regular file's data.</summary>
    public long Size { get; set; }

    /// <summary>
    /// Bytes that the data takes where it lies, compressed or not; 0 where it lies there for another file already.
    /// </summary>
    public long Stored { get; set; }

    /// <summary>Whether it is a further name of a file that is counted by another (a hard link).</summary>
    public bool IsFurtherName { get; set; }

    /// <summary>The path from the root as bytes, a slash in front of each name.</summary>
    public byte[] Path
    {
        get
        {
            int length = 0;
            for (ReportFile at = this; at.Parent is not null; at = at.Parent)
                length += at.Name.Length + 1;
            byte[] path = new byte[length];
            for (ReportFile at = this; at.Parent is not null; at = at.Parent)
            {
                at.Name.CopyTo(path.AsMemory(length -= at.Name.Length));
                path[--length] = (byte)'/';
            }
            return path.Length == 0 ? "/"u8.ToArray() : path;
        }
    }
}
