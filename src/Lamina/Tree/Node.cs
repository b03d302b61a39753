using System.Text;

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

    /// <summary>
    /// The size in bytes: of a regular file's data or a symbolic link's target. 0 for the others, whose sizes are no part of a
    /// tree.
    /// </summary>
    public long Size => Payload switch
    {
        Content content => content.Size,
        byte[] target => target.Length,
        _ => 0,
    };

    /// <inheritdoc cref="Find(ReadOnlySpan{byte}, bool)"/>
    public Node? Find(string path, bool followLinks = false) => Find(Encoding.UTF8.GetBytes(path), followLinks);

    /// <summary>Looks a path up below this directory; null if there is no such file.</summary>
    /// <param name="path">With or without a slash in front; empty for this directory itself. <c>..</c> leads nowhere above
    /// it.</param>
    /// <param name="followLinks">
    /// Whether symbolic links are followed, the last name's too; absolute targets begin at this directory, never outside. If
    /// not, a link is found as itself, and nothing is found below one.
    /// </param>
    /// <exception cref="CorruptImageException">A directory on the way contradicts itself.</exception>
    /// <exception cref="IOException">More than 40 links were followed: they lead in a circle.</exception>
    public Node? Find(ReadOnlySpan<byte> path, bool followLinks = false)
    {
        PathWalk walk = new(this, followLinks);
        return walk.TryGo(path) ? walk.Reached : null;
    }

    /// <summary>Looks a path up that must be there; see <see cref="Find(ReadOnlySpan{byte}, bool)"/>.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public Node Get(string path, bool followLinks = false) =>
        Find(path, followLinks) ?? throw new FileNotFoundException($"there is no {path}", path);

    /// <summary>The entries of a directory, sorted by name bytes; read while they are looked at.</summary>
    /// <exception cref="InvalidOperationException">This is not a directory.</exception>
    /// <exception cref="CorruptImageException">The directory contradicts itself.</exception>
    public IEnumerable<Entry> EnumerateEntries() => Require(NodeType.Directory).Listing.Enumerate();

    /// <summary>
    /// Opens the data of a regular file as a stream that can be read and sought. Each call gives a stream of its own. For
    /// reading at any position by several threads at once, open the <see cref="Content"/>.
    /// </summary>
    /// <exception cref="InvalidOperationException">This is not a regular file.</exception>
    /// <exception cref="CorruptImageException">Where the data lies contradicts the format.</exception>
    public Stream OpenRead() => new ContentStream(Require(NodeType.RegularFile).Content.Open());

    private Node Require(NodeType type) =>
        Type == type ? this : throw new InvalidOperationException($"a {Type} is not a {type}");

    /// <summary>Whether this is a directory.</summary>
    public bool IsDirectory => Type == NodeType.Directory;

    /// <summary>Whether this is the overlay whiteout: a character device 0:0.</summary>
    public bool IsWhiteout => Type == NodeType.CharacterDevice && Device.Value == 0;

    /// <summary>Type and permissions as <c>st_mode</c> has them.</summary>
    public ushort Mode => (ushort)((ushort)Type | Permissions);
}
