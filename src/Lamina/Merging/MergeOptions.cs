using Lamina.Tree;

namespace Lamina.Merging;

/// <summary>How layers are merged.</summary>
public sealed record MergeOptions
{
    /// <summary>
    /// Keep whiteouts and opaque marks that would still hide something in layers below all of these, for a result that is used
    /// as a lower layer of an overlay.
    /// </summary>
    public bool KeepWhiteouts { get; init; }

    /// <summary>
    /// Take <c>user.overlay.*</c> for the marks of images, not <c>trusted.overlay.*</c>, as an overlay mounted with
    /// <c>userxattr</c> does: layers that an unprivileged user's overlay wrote.
    /// </summary>
    public bool UserXattr { get; init; }

    /// <summary>
    /// Whether a file of the result stays out, with all that is in it: its path from the root, without a slash in front, and what
    /// it is. Null to keep all.
    /// </summary>
    internal Func<byte[], Node, bool>? LeavesOut { get; init; }

    /// <summary>Whether system extensions are compared with the system below them before anything is written.</summary>
    internal bool ChecksExtensions { get; init; }

    /// <summary>Is told of every name that more than one layer has; null to save the work.</summary>
    public MergeAccount? Account { get; init; }

    /// <summary>Is told of every name of a merged directory while the directory is read; null to save the work.</summary>
    internal MergeWatcher? Watcher { get; init; }
}
