using System.Text.Json;
using Lamina.Tree;

namespace Lamina.Cli;

/// <summary>A node's own properties as JSON, the same wherever a node is reported.</summary>
internal static class NodeJson
{
    public static void Write(Utf8JsonWriter writer, Node node)
    {
        writer.WriteString("type", Texts.Type(node.Type));
        writer.WriteString("mode", Texts.Octal(node));
        writer.WriteNumber("uid", node.UserId);
        writer.WriteNumber("gid", node.GroupId);
        writer.WriteString("modified", Texts.Time(node.Modified));
        switch (node.Type)
        {
            case NodeType.RegularFile:
                writer.WriteNumber("size", node.Content.Size);
                break;
            case NodeType.SymbolicLink:
                writer.WriteString("target", ShownText.Of(node.Target));
                break;
            case NodeType.CharacterDevice or NodeType.BlockDevice:
                writer.WriteString("device", $"{node.Device.Major}:{node.Device.Minor}");
                break;
        }
        if (node.Xattrs.IsEmpty)
            return;
        writer.WriteStartObject("xattrs");
        foreach (Xattr xattr in node.Xattrs.Items)
            writer.WriteString(ShownText.Of(xattr.Name.Span), NameText.OfValue(xattr.Value.Span));
        writer.WriteEndObject();
    }
}
