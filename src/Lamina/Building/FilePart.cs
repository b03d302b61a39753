using Lamina.Tree;

namespace Lamina.Building;

/// <summary>A run of a file that one thread works on, and what it becomes.</summary>
/// <param name="File">The file; null of the packed file.</param>
/// <param name="Source">Its data.</param>
/// <param name="Start">The run's first byte in the file.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="IsLast">Whether it is the file's last.</param>
internal sealed record FilePart(FileToEncode? File, ContentSource Source, long Start, int Length, bool IsLast)
{
    /// <summary>What it becomes.</summary>
    public EncodedPart Result { get; } = new();

    /// <summary>Where clusters end within it; null where that follows from its length.</summary>
    public int[]? Chunks { get; init; }

    /// <summary>
    /// The length of the next part of a run: a small rest is not worth a part, and would spoil the last clusters.
    /// </summary>
    public static int NextLength(long left) =>
        (int)(left < EncodeShape.PartSize + EncodeShape.PartSize / 4 ? left : EncodeShape.PartSize);
}
