namespace Lamina.Compression;

/// <summary>The decoders, one for each codec, shared by all threads.</summary>
internal static class ClusterDecoders
{
    private static readonly Lz4Decoder Lz4 = new(isPadded: true);
    private static readonly MicroLzmaDecoder Lzma = new();
    private static readonly DeflateDecoder Deflate = new();
    private static readonly ZstdDecoder Zstd = new();

    /// <summary>
    /// LZ4 as images without the 0-padding feature have it: data begins at the first byte, and what follows it is anything.
    /// </summary>
    public static IClusterDecoder Lz4Unpadded { get; } = new Lz4Decoder(isPadded: false);

    /// <summary>The decoder for clusters that are padded in front.</summary>
    public static IClusterDecoder For(Codec codec) => codec switch
    {
        Codec.Lz4 => Lz4,
        Codec.Lzma => Lzma,
        Codec.Deflate => Deflate,
        Codec.Zstd => Zstd,
        _ => throw new ArgumentOutOfRangeException(nameof(codec), codec, "There is no such codec."),
    };

    /// <summary>
    /// The cluster without the zero bytes in front; nothing is left of a cluster of zeros only. Where the stream starts has
    /// no other mark, and needs none: its first byte is not zero. (It would be in DEFLATE, if a stored block came first and
    /// another followed: such a stream cannot be kept in a cluster.)
    /// </summary>
    public static ReadOnlySpan<byte> SkipPadding(ReadOnlySpan<byte> cluster)
    {
        int start = cluster.IndexOfAnyExcept((byte)0);
        return start < 0 ? [] : cluster[start..];
    }
}
