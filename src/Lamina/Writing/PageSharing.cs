namespace Lamina.Writing;

/// <summary>
/// What became of page cache sharing: layers may announce an attribute with a fingerprint of each file's data, by which kernels
/// (7.0, <c>inode_share</c>) keep data in memory once for all mounts.
/// </summary>
public sealed record PageSharing
{
    /// <summary>The attribute with the fingerprints, as the layers name it; empty where they name several.</summary>
    public required ReadOnlyMemory<byte> Attribute { get; init; }

    /// <summary>Why the output does not announce it; null if it does.</summary>
    public string? Loss { get; init; }

    /// <summary>What can be done about that; null if nothing can, or nothing need be.</summary>
    public string? Advice { get; init; }

    /// <summary>The layers whose files have no fingerprints: they take no part, the others do.</summary>
    public IReadOnlyList<string> LayersWithout { get; init; } = [];

    /// <summary>Whether kernels can share pages of the output's files.</summary>
    public bool IsKept => Loss is null;
}
