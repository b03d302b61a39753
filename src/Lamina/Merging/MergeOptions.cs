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

    /// <summary>Is told of every name that more than one layer has; null to save the work.</summary>
    public MergeAccount? Account { get; init; }
}
