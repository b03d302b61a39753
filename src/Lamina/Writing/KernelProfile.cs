using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>The oldest kernel that must be able to mount an image, and so what the image may use.</summary>
/// <param name="Version">Major and minor version; what lies between the known ones counts as the older.</param>
public sealed record KernelProfile(Version Version)
{
    /// <summary>Linux 6.1: LZ4 alone, blocks of 4096 bytes.</summary>
    public static KernelProfile Linux61 { get; } = new(new Version(6, 1));

    /// <summary>Linux 6.12: all codecs, smaller blocks, mounting from files.</summary>
    public static KernelProfile Linux612 { get; } = new(new Version(6, 12));

    /// <summary>Linux 6.15: encoded extents, 48-bit addresses, a time for each compact inode.</summary>
    public static KernelProfile Linux615 { get; } = new(new Version(6, 15));

    /// <summary>The first Linux with blocks below the page size.</summary>
    internal static Version SmallBlocks { get; } = new(6, 4);

    /// <summary>The first Linux with long xattr name prefixes.</summary>
    internal static Version NamePrefixes { get; } = new(6, 4);

    /// <summary>Reads <c>6.12</c>; false for what is not a version from 6.1 on.</summary>
    public static bool TryParse(string text, out KernelProfile profile)
    {
        bool isVersion = Version.TryParse(text, out Version? version) && version >= Linux61.Version;
        profile = isVersion ? new KernelProfile(new Version(version!.Major, version.Minor)) : Linux612;
        return isVersion;
    }

    /// <summary>Encoded extents, with any byte position (48BIT).</summary>
    internal bool HasExtents => Version >= Linux615.Version;

    /// <summary>
    /// Encoded extents at any byte, without the race that kernels from 6.15 on had ("erofs: fix managed cache race for unaligned
    /// extents", spring 2026).
    /// </summary>
    internal bool HasSafeExtents => Version >= new Version(7, 2);

    /// <summary>A compact inode's own seconds: older kernels show the epoch instead.</summary>
    internal bool HasCompactTimes => HasExtents;

    /// <summary>Blocks below the page size, for files that are not compressed.</summary>
    internal bool HasSmallPlainBlocks => Version >= SmallBlocks;

    /// <summary>Blocks below the page size, whatever is in them.</summary>
    internal bool HasSmallBlocks => Version >= new Version(6, 8);

    /// <summary>
    /// The longest label, in bytes. Older kernels refuse to mount an image whose label has no NUL behind it.
    /// </summary>
    internal int MaxLabel => Version >= Linux615.Version ? Format.SuperBlock.LabelSize : Format.SuperBlock.LabelSize - 1;

    /// <summary>
    /// The target of a symbolic link may lie in the block behind the one that its inode ends in. Before Linux 6.12, and before
    /// the fixes of autumn 2024 of older ones, such a link is "corrupt".
    /// </summary>
    internal bool ReadsLinksAcrossBlocks => Version >= Linux612.Version;

    /// <summary>Whether a codec may be used. In 6.1 only LZ4 is there for sure: distributions leave LZMA out.</summary>
    internal bool HasCodec(ClusterEncoding encoding) => encoding switch
    {
        ClusterEncoding.Lzma or ClusterEncoding.Deflate => Version >= new Version(6, 6),
        ClusterEncoding.Zstd => Version >= new Version(6, 10),
        _ => true,
    };
}
