using System.Text;
using Lamina.Tree;

namespace Lamina.Tests.Generators;

/// <summary>What a test says of a file besides its name and data.</summary>
internal sealed record Traits
{
    public ushort Permissions { get; init; } = 0x1ED;                  // 0755
    public uint UserId { get; init; }
    public uint GroupId { get; init; }
    public Timestamp Modified { get; init; } = new(1_700_000_000, 0);
    public (string Name, byte[] Value)[] Xattrs { get; init; } = [];

    public static Traits With(params (string Name, string Value)[] xattrs) =>
        new() { Xattrs = [.. xattrs.Select(item => (item.Name, Encoding.UTF8.GetBytes(item.Value)))] };
}

/// <summary>Grows trees by hand, file by file, for the library to write as images.</summary>
internal static class Grow
{
    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static Node Directory(params (string Name, Node Node)[] entries) => Directory(new Traits(), entries);

    public static Node Directory(Traits traits, params (string Name, Node Node)[] entries) =>
        DirectoryOf(traits, entries.Select(entry => new Entry(Bytes(entry.Name), entry.Node)));

    public static Node DirectoryOf(Traits traits, IEnumerable<Entry> entries) =>
        Make(NodeType.Directory, traits, DirectoryListing.Of([.. entries]));

    public static Node Opaque(params (string Name, Node Node)[] entries) =>
        Directory(Traits.With(("trusted.overlay.opaque", "y")), entries);

    public static Node File(string data, Traits? traits = null) => File(Bytes(data), traits);

    public static Node File(byte[] data, Traits? traits = null) => Make(NodeType.RegularFile, traits, new BytesContent(data));

    public static Node Placed(Content content, Traits? traits = null) => Make(NodeType.RegularFile, traits, content);

    public static Node Link(string target, Traits? traits = null) => Make(NodeType.SymbolicLink, traits, Bytes(target));

    public static Node Fifo(Traits? traits = null) => Make(NodeType.Fifo, traits, null);

    public static Node Socket(Traits? traits = null) => Make(NodeType.Socket, traits, null);

    public static Node Device(NodeType type, uint major, uint minor, Traits? traits = null) =>
        Make(type, traits, null, DeviceNumber.Of(major, minor));

    public static Node Whiteout() => Make(NodeType.CharacterDevice, new Traits { Permissions = 0 }, null);

    /// <summary>A whiteout in the form of a marked file.</summary>
    public static Node XattrWhiteout() => File("", Traits.With(("trusted.overlay.whiteout", "y")));

    /// <summary>A directory inside directories of one name, so and so deep.</summary>
    public static Node Nested(int depth, string name, Node inside)
    {
        Node node = inside;
        for (int i = 0; i < depth; i++)
            node = Directory((name, node));
        return node;
    }

    public static Node Make(NodeType type, Traits? traits, object? payload, DeviceNumber device = default)
    {
        traits ??= new Traits { Permissions = 0x1A4 };
        return new Node
        {
            Type = type,
            Permissions = traits.Permissions,
            UserId = traits.UserId,
            GroupId = traits.GroupId,
            Modified = traits.Modified,
            Xattrs = XattrSet.Create(traits.Xattrs.Select(item => new Xattr(Bytes(item.Name), item.Value))),
            Device = device,
            Payload = payload,
        };
    }
}
