using Lamina.Building;
using Lamina.Trust;

namespace Lamina.Writing;

/// <summary>What was written.</summary>
/// <param name="Path">The image.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="BlockSize">In bytes.</param>
/// <param name="InodeCount">Files of all types in it.</param>
/// <param name="MetadataLength">Bytes of inodes, xattrs and directories.</param>
/// <param name="CopiedLength">Bytes of data that could not stay where they were.</param>
/// <param name="Kernel">The oldest kernel that mounts it.</param>
/// <param name="Devices">With an index: the files the kernel must be given, in order.</param>
public sealed record WriteResult(
    string Path, long Length, int BlockSize, int InodeCount, long MetadataLength, long CopiedLength, Version Kernel,
    IReadOnlyList<string> Devices)
{
    /// <summary>The tree behind the image, if one was asked for and written; <see cref="Length"/> does not count it.</summary>
    public VerityInfo? Verity { get; init; }

    /// <summary>What became of the sharing of pages that layers announce; null if none does.</summary>
    public PageSharing? Sharing { get; init; }

    /// <summary>What encoding came to; null where nothing was encoded.</summary>
    internal EncodeSummary? Encoding { get; init; }

    /// <summary>The layers by name, lowest first: several where a container image was named.</summary>
    internal IReadOnlyList<string> LayerNames { get; init; } = [];

    /// <summary>What is odd about the layers, with their names; sentences for people.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
