using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Layers;

/// <summary>How sources become layers.</summary>
public sealed record LayerOptions
{
    /// <summary>
    /// How sources mark what they hide; images always do so as overlayfs does. Null: each kind as is usual, which is
    /// <see cref="WhiteoutRules.Oci"/> for tars, <see cref="WhiteoutRules.Overlay"/> for directories and
    /// <see cref="WhiteoutRules.Cpio"/> for cpio archives.
    /// </summary>
    public WhiteoutRules? Rules { get; init; }

    /// <summary>Gives the user that a file of a directory or an archive belongs to; null: the one that it has there.</summary>
    public Func<uint, uint>? MapUser { get; init; }

    /// <summary>Gives the group that a file of a directory or an archive belongs to; null: the one that it has there.</summary>
    public Func<uint, uint>? MapGroup { get; init; }

    /// <summary>
    /// Patterns of what is left out of directories, with all that is below. Without a slash: any name at any depth. With one in
    /// front or within: the path from the directory on. With one behind: directories alone. <c>*</c> and <c>?</c> take no slash,
    /// <c>**</c> takes any; <c>[a-z]</c>, <c>[!a-z]</c>; a backslash takes the next character as it is.
    /// </summary>
    public IReadOnlyList<string> Excludes { get; init; } = [];

    /// <summary>Whether what is mounted in a directory stays out: its mount point is an empty directory.</summary>
    public bool OneFileSystem { get; init; }

    /// <summary>
    /// Told of each file of a directory that may not be read, which is left out then. Null: such a file is an error.
    /// </summary>
    public Action<string>? OnUnreadable { get; init; }

    /// <summary>Beside which file what comes through a pipe is kept; null for the folder of temporary files.</summary>
    internal string? SpoolBeside { get; init; }

    /// <summary>The file that is written, if it is there already: in a directory that becomes a layer it is left out.</summary>
    internal FileIdentity? Output { get; init; }

    /// <summary>The most bytes that one file may decompress to; 0 for any number.</summary>
    internal long MaxSize { get; init; }

    /// <summary>What a container image is to run on, as os/arch or os/arch/variant; null for this machine.</summary>
    internal string? Platform { get; init; }

    /// <summary>Is given the config of the uppermost container image, before anything is written; null if nobody cares.</summary>
    internal Action<ReadOnlyMemory<byte>>? TakeConfig { get; init; }

    /// <summary>With how many threads the layers of a container image are opened, and what stops that.</summary>
    internal WorkOptions Work { get; init; } = new();

    /// <summary>Whether it is merged over other layers: hard links of a tar may then go to files of these.</summary>
    internal bool IsUpper { get; init; }

    /// <summary>The user that a file belongs to.</summary>
    internal uint UserOf(uint user) => MapUser is null ? user : MapUser(user);

    /// <summary>The group that a file belongs to.</summary>
    internal uint GroupOf(uint group) => MapGroup is null ? group : MapGroup(group);
}
