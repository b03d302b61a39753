using Lamina.Layers;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Reporting;

/// <summary>
/// What data takes where it lies: clusters of images, bytes of archives; where an archive is compressed as a whole, its share of
/// that. What several files refer to counts for the first of them.
/// </summary>
internal sealed class StoredData
{
    private static readonly string[] s_codecs = ["lz4", "lzma", "deflate", "zstd"];

    private readonly HashSet<long> _counted = [];
    private readonly Dictionary<object, Holder> _holders = new(ReferenceEqualityComparer.Instance);
    private int _encodings;

    /// <summary>The codecs of the data that was counted.</summary>
    public string Codecs => string.Join(", ", s_codecs.Where((_, number) => (_encodings & (1 << number)) != 0));

    /// <summary>What a layer is, in words.</summary>
    public static string KindOf(Layer layer)
    {
        if (layer.Originals.Length > 0)
            return layer.Originals[0].Kind == OriginalKind.Tar ? "tar" : "erofs";
        if (layer.Held.Length == 0)
            return "directory";
        return TarLayer.IsTar(layer.Held[0]) || TarLayer.IsEmpty(layer.Held[0]) ? "tar" : "cpio";
    }

    /// <summary>How an archive is compressed as a whole; empty if it is not, or is none.</summary>
    public static string PackingOf(Layer layer) => string.Join(", ", layer.Held.OfType<SpooledFile>()
        .Select(spool => spool.Packing).Distinct());

    /// <summary>The length of a layer's files, in bytes; 0 for a directory.</summary>
    public static long LengthOf(Layer layer) => layer.Originals.Length > 0
        ? ByteCounts.Sum(layer.Originals.Select(original => original.Length))
        : layer.Held.Length == 0 ? 0 : layer.Held[0] is SpooledFile spool ? spool.PackedLength : layer.Held[0].Length;

    /// <summary>Counts the data of one file.</summary>
    /// <exception cref="CorruptImageException">The map of its clusters contradicts itself.</exception>
    public long Count(Content content)
    {
        switch (content)
        {
            case PlacedContent placed:
                long bytes = 0;
                foreach (ref readonly PlacedExtent extent in placed.Extents)
                    bytes = ByteCounts.Add(bytes, CountRun(extent.Original, extent.Offset, extent.Length));
                return bytes;
            case EncodedContent encoded:
                return Count(encoded.ReadMap());
            default:
                return content.Size;
        }
    }

    private long Count(ClusterMap map)
    {
        long bytes = 0;
        foreach (ref readonly ClusterExtent extent in map.Extents.AsSpan())
        {
            if (extent.Original is null)
                continue;
            _encodings |= 1 << (int)extent.Encoding;
            bytes = ByteCounts.Add(bytes, CountRun(extent.Original, extent.Offset, extent.EncodedLength));
        }
        if (map.Packed is { } packed && IsFirst(packed, map.FragmentOffset))
            bytes = ByteCounts.Add(bytes, (long)((map.Size - map.FragmentStart) * ShareOf(packed)));
        return bytes;
    }

    private long CountRun(Original original, long offset, long length)
    {
        if (original.Bytes is SpooledFile spool)
            return (long)((double)length / spool.Length * spool.PackedLength);
        if (original.Kind == OriginalKind.Tar)
            return length;
        return IsFirst(original, offset) ? length : 0;
    }

    /// <summary>Whether nothing was counted yet that begins at a byte of something.</summary>
    private bool IsFirst(object of, long offset) => _counted.Add(offset ^ ((long)HolderOf(of).Number << 48));

    /// <summary>What a byte of a packed file takes.</summary>
    private double ShareOf(PackedFile packed)
    {
        Holder holder = HolderOf(packed);
        if (holder.Share < 0)
            holder.Share = (double)Count(packed.Content) / Math.Max(packed.Content.Size, 1);
        return holder.Share;
    }

    private Holder HolderOf(object holder)
    {
        if (!_holders.TryGetValue(holder, out Holder? found))
            _holders.Add(holder, found = new Holder(_holders.Count));
        return found;
    }

    /// <summary>What holds data: an original or a packed file.</summary>
    private sealed class Holder(int number)
    {
        public int Number => number;

        /// <summary>Of a packed file: what a byte of it takes; less than 0 as long as that is not known.</summary>
        public double Share { get; set; } = -1;
    }
}
