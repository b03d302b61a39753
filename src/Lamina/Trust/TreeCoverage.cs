using Lamina.Format;
using Lamina.Platform;

namespace Lamina.Trust;

/// <summary>
/// Whether a tree covers exactly what is used. A tree over a part is right for that part, and says nothing of the rest; nor does
/// it say how long a file is. Asked only after every block was compared, as it looks into the data.
/// </summary>
internal static class TreeCoverage
{
    /// <summary>What is not covered, in words; null if all is.</summary>
    /// <param name="tree">The tree.</param>
    /// <param name="offset">Where its superblock is.</param>
    /// <param name="data">The data, whose blocks the tree covers were compared.</param>
    /// <param name="hash">What has the tree; the same as the data if it stands behind them.</param>
    /// <param name="isPlaceTold">
    /// Whether the user said where the tree is: then there may be a gap in front of it that belongs to neither.
    /// </param>
    public static string? FindFault(
        VeritySuperBlock tree, long offset, ByteSource data, ByteSource hash, bool isPlaceTold = false)
    {
        bool isBehind = ReferenceEquals(data, hash);
        long covered = tree.DataLength, end = offset + tree.Length;
        if (FindMismatch(tree, data) is { } mismatch)
            return $"{hash.Name}: {mismatch}";
        if (isBehind && !isPlaceTold && AppendedTree.OffsetFor(covered, tree.HashBlockSize) != offset)
        {
            return $"{data.Name}: {offset - covered} bytes between the data and the tree, from byte {covered} on, " +
                "are not covered";
        }
        if (!isBehind && data.Length > covered && !data.IsVolume)
        {
            return $"{data.Name}: {data.Length - covered} bytes from byte {covered} on are not covered; cut them off: " +
                $"truncate -s {covered} {ShellText.Quote(data.Name)}";
        }
        if (hash.Length > end && !hash.IsVolume)
        {
            return $"{hash.Name}: {hash.Length - end} bytes behind the tree, from byte {end} on, are not covered; " +
                $"cut them off: truncate -s {end} {ShellText.Quote(hash.Name)}";
        }
        byte[] rest = new byte[tree.TreeOffset - VeritySuperBlock.Size];
        hash.ReadExactly(offset + VeritySuperBlock.Size, rest);
        return rest.AsSpan().ContainsAnyExcept((byte)0)
            ? $"{hash.Name}: bytes behind the tree's superblock (byte {offset}) are not zero" : null;
    }

    /// <summary>Whether an EROFS image has other bytes than the tree covers, in words; null if not, or of other data.</summary>
    public static string? FindMismatch(VeritySuperBlock tree, ByteSource data)
    {
        if (EndOf(data, tree.DataLength) is not { } end)
            return null;
        long expected = AppendedTree.OffsetFor(end, tree.DataBlockSize);
        return expected == tree.DataLength ? null : $"the tree covers {tree.DataLength} bytes, the image has {expected}";
    }

    /// <summary>How many bytes an EROFS image says that it has; null of other data.</summary>
    private static long? EndOf(ByteSource data, long covered)
    {
        Span<byte> bytes = stackalloc byte[SuperBlock.ParsedSize];
        bytes.Clear();
        if (covered < SuperBlock.Offset + SuperBlock.BaseSize)
            return null;
        int count = (int)Math.Min(bytes.Length, covered - SuperBlock.Offset);
        data.ReadExactly(SuperBlock.Offset, bytes[..count]);
        if (!SuperBlock.HasMagic(bytes))
            return null;
        SuperBlock superBlock = SuperBlock.Parse(bytes);
        return superBlock.BlockBits is < 9 or > 16 || superBlock.Blocks > (ulong)(long.MaxValue >> (superBlock.BlockBits + 1))
            ? -1 : (long)superBlock.Blocks << superBlock.BlockBits;
    }
}
