namespace Lamina.Tree;

/// <summary>
/// A file of any type: metadata, and what its type has besides. Several names for one file (hard links) are entries with the same
/// <see cref="Node"/> object. Immutable once a layer has made it.
/// </summary>
public sealed class Node
{
    /// <summary>The longest symbolic link target, in bytes (<c>PATH_MAX</c> less the final NUL).</summary>
    public const int MaxTargetLength = 4095;

    /// <summary>The type.</summary>
    public required NodeType Type { get; init; }

    /// <summary>Permissions with set-user-id, set-group-id and sticky: the low 12 bits of <c>st_mode</c>.</summary>
    public required ushort Permissions { get; init; }

    /// <summary>The owner.</summary>
    public uint UserId { get; init; }

    /// <summary>The group.</summary>
    public uint GroupId { get; init; }

    /// <summary>The time of the last modification.</summary>
    public Timestamp Modified { get; init; }

    /// <summary>The extended attributes.</summary>
    public XattrSet Xattrs { get; init; } = XattrSet.Empty;

    /// <summary>Whether the layer is sure that there is no other name for it, so that nobody needs to look for one.</summary>
    public bool HasSingleName { get; init; }

    /// <summary>For devices: which.</summary>
    public DeviceNumber Device { get; init; }

    /// <summary>
    /// What the type has besides: <see cref="Tree.Content"/> of a regular file, <c>byte[]</c> target of a symbolic link,
    /// <see cref="DirectoryListing"/> of a directory; null for the others. One field, as there are many nodes.
    /// </summary>
    public object? Payload { get; init; }

    /// <summary>The data of a regular file.</summary>
    public Content Content => (Content)Payload!;

    /// <summary>The target of a symbolic link.</summary>
    public byte[] Target => (byte[])Payload!;

    /// <summary>The names in a directory.</summary>
    public DirectoryListing Listing => (DirectoryListing)Payload!;

    /// <summary>The same file with other attributes, and for a directory other names in it.</summary>
    public Node With(XattrSet xattrs, object? payload) => With(xattrs, payload, HasSingleName);

    /// <summary>The same file, which has further names from now on.</summary>
    internal Node WithMoreNames() => With(Xattrs, Payload, hasSingleName: false);

    private Node With(XattrSet xattrs, object? payload, bool hasSingleName) => new()
    {
        Type = Type,
        Permissions = Permissions,
        UserId = UserId,
        GroupId = GroupId,
        Modified = Modified,
        Xattrs = xattrs,
        HasSingleName = hasSingleName,
        Device = Device,
        Payload = payload,
    };

    /// <summary>Whether this is a directory.</summary>
    public bool IsDirectory => Type == NodeType.Directory;

    /// <summary>Whether this is the overlay whiteout: a character device 0:0.</summary>
    public bool IsWhiteout => Type == NodeType.CharacterDevice && Device.Value == 0;

    /// <summary>Type and permissions as <c>st_mode</c> has them.</summary>
    public ushort Mode => (ushort)((ushort)Type | Permissions);
}
