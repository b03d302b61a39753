using System.Text;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>Where in a tree something is: a name and the directory it is in. The root has neither.</summary>
internal sealed class ItemPath
{
    private ItemPath(ItemPath? parent, ReadOnlyMemory<byte> name)
    {
        Parent = parent;
        Name = name;
        Depth = parent is null ? 0 : parent.Depth + 1;
    }

    /// <summary>A root.</summary>
    public static ItemPath Root { get; } = new(null, default);

    public ItemPath? Parent { get; }

    public ReadOnlyMemory<byte> Name { get; }

    /// <summary>The number of names from the root.</summary>
    public int Depth { get; }

    /// <summary>The place of a name in this directory.</summary>
    public ItemPath Of(ReadOnlyMemory<byte> name) => new(this, name);

    /// <summary>The path with a slash before every name; empty for the root.</summary>
    public byte[] ToBytes()
    {
        int length = 0;
        for (ItemPath at = this; at.Parent is not null; at = at.Parent)
            length += at.Name.Length + 1;
        byte[] bytes = new byte[length];
        for (ItemPath at = this; at.Parent is not null; at = at.Parent)
        {
            length -= at.Name.Length;
            at.Name.Span.CopyTo(bytes.AsSpan(length));
            bytes[--length] = (byte)'/';
        }
        return bytes;
    }

    public override string ToString() => Parent is null ? "/" : ShownText.Of(ToBytes());
}
