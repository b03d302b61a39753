using System.Text;

namespace Lamina.Merging;

/// <summary>
/// Where in the merged tree something is: a name and what it is in. Made for every directory, shown only in messages.
/// </summary>
internal sealed record MergePath(MergePath? Parent, ReadOnlyMemory<byte> Name)
{
    /// <summary>The number of names from the root.</summary>
    public int Depth { get; } = Parent is null ? 1 : Parent.Depth + 1;

    public byte[] ToBytes()
    {
        List<MergePath> parts = [];
        for (MergePath? part = this; part is not null; part = part.Parent)
            parts.Add(part);
        List<byte> bytes = [];
        for (int i = parts.Count - 1; i >= 0; i--)
        {
            bytes.Add((byte)'/');
            bytes.AddRange(parts[i].Name.Span);
        }
        return [.. bytes];
    }

    public static string Show(MergePath? path) => path is null ? "/" : Show(path.ToBytes());

    public static string Show(ReadOnlySpan<byte> path) => Encoding.UTF8.GetString(path);
}
