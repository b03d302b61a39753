namespace Lamina.Tree;

/// <summary>What a decoder must be ready for to read a layer's compressed clusters.</summary>
/// <param name="Lz4Distance">LZ4: how far back a match may lie, in bytes; 0 for the full 64 KiB.</param>
/// <param name="Lz4ClusterSize">LZ4: the largest cluster, in bytes.</param>
/// <param name="LzmaDictionary">LZMA: the dictionary's size, in bytes.</param>
/// <param name="DeflateWindowBits">DEFLATE: the window's binary logarithm.</param>
/// <param name="ZstdWindowBits">Zstandard: the window's binary logarithm, less 10 as EROFS keeps it.</param>
internal readonly record struct CodecLimits(
    int Lz4Distance, int Lz4ClusterSize, uint LzmaDictionary, byte DeflateWindowBits, byte ZstdWindowBits)
{
    /// <summary>The largest of both.</summary>
    public CodecLimits Union(CodecLimits other) => new(
        // 0 stands for the full window, so it wins; a layer without LZ4 has a cluster size of 0 and no say.
        Lz4ClusterSize == 0 ? other.Lz4Distance : other.Lz4ClusterSize == 0 ? Lz4Distance
            : Lz4Distance == 0 || other.Lz4Distance == 0 ? 0 : Math.Max(Lz4Distance, other.Lz4Distance),
        Math.Max(Lz4ClusterSize, other.Lz4ClusterSize),
        Math.Max(LzmaDictionary, other.LzmaDictionary),
        Math.Max(DeflateWindowBits, other.DeflateWindowBits),
        Math.Max(ZstdWindowBits, other.ZstdWindowBits));
}
