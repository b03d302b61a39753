using Lamina.Archives;
using Lamina.Tree;

namespace Lamina.Layers;

/// <summary>
/// A plain tar archive as a layer. Its data is never copied: files refer to it where it lies, at multiples of 512 bytes. Where
/// it was compressed it lies nowhere else, and what is seen of its data is copied instead.
/// </summary>
internal static class TarLayer
{
    /// <summary>
    /// The largest archive that may be nothing but zeros, and still is an empty archive: tools pad to records, 10 KiB by
    /// default. A disk image may begin with zeros too, but does not end there.
    /// </summary>
    private const int MaxEmptyLength = 1 << 20;

    /// <summary>Whether bytes are a tar archive: the first header has the right checksum.</summary>
    public static bool IsTar(ByteSource source)
    {
        byte[] block = new byte[TarHeader.Size];
        return source.Read(0, block) == block.Length && TarHeader.HasRightChecksum(block);
    }

    /// <summary>
    /// Whether a file is an archive of nothing: no bytes, or zero blocks alone. It may as well be what a program left that
    /// failed, such as the 4096 zeros of mkfs.erofs.
    /// </summary>
    public static bool IsEmpty(ByteSource source)
    {
        if (source.Length > MaxEmptyLength || source.Length % TarHeader.Size != 0)
            return false;
        byte[] block = new byte[8 * TarHeader.Size];
        int count;
        for (long at = 0; at < source.Length; at += count)
        {
            count = source.Read(at, block);
            if (count == 0 || !TarHeader.IsZero(block.AsSpan(0, count)))
                return false;
        }
        return true;
    }

    /// <summary>
    /// Reads all headers of an archive. The layer owns the source from then on; if this fails the caller still does. With
    /// <see cref="WhiteoutRules.Oci"/> the marks <c>.wh.NAME</c> come out as those of overlayfs, and <see cref="Layer.Rules"/>
    /// says so.
    /// </summary>
    /// <param name="source">The archive.</param>
    /// <param name="options">How it marks what it hides, whether it is merged over other layers, whose the files are.</param>
    /// <exception cref="CorruptImageException">The archive contradicts itself or is cut off.</exception>
    /// <exception cref="UnsupportedImageException">The archive has what no tree can have.</exception>
    public static Layer Open(ByteSource source, LayerOptions options) =>
        new TarParser(new Original(source, OriginalKind.Tar), options).Read(IsEmpty(source)
            ? source.Length == 0 ? "is a file of 0 bytes, taken as an empty layer"
                : $"holds {source.Length} zeros and nothing else, taken as an empty layer"
            : null);

    /// <summary>Reads all headers of an archive, as above.</summary>
    public static Layer Open(ByteSource source, WhiteoutRules rules = WhiteoutRules.Oci) =>
        Open(source, new LayerOptions { Rules = rules });
}
