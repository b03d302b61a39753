namespace Lamina.Compression;

/// <summary>Makes encoders, and says what levels and windows there are.</summary>
internal static class ClusterEncoders
{
    /// <summary>Makes an encoder of one codec for one thread.</summary>
    /// <param name="codec">The codec.</param>
    /// <param name="level">One of <see cref="LevelsOf"/>.</param>
    /// <param name="window">How far back data may refer, in bytes: a power of two that suits the codec.</param>
    /// <param name="block">The size of a block, in bytes.</param>
    public static IClusterEncoder Create(Codec codec, int level, int window, int block) => codec switch
    {
        Codec.Lz4 => new Lz4Encoder(level),
        Codec.Lzma => new MicroLzmaEncoder(level, window),
        Codec.Deflate => new DeflateEncoder(level, int.Log2(window)),
        Codec.Zstd => new ZstdEncoder(level, int.Log2(window), block),
        _ => throw new ArgumentOutOfRangeException(nameof(codec), codec, "There is no such encoder."),
    };

    /// <summary>The levels of a codec, and the one that is taken where none is named.</summary>
    public static (int Least, int Most, int Usual) LevelsOf(Codec codec) => codec switch
    {
        Codec.Lz4 => (0, 12, 0),
        Codec.Lzma => (0, 9, 6),
        Codec.Deflate => (1, 9, 6),
        _ => (1, ZstdEncoder.MaxLevel, 3),
    };

    /// <summary>
    /// The window for clusters of a size, in bytes: eight clusters, as the data of one can be several times its size, within what
    /// EROFS allows.
    /// </summary>
    public static int WindowOf(Codec codec, int clusterSize)
    {
        int wanted = (int)Math.Min((1L << int.Log2(clusterSize)) * 8, 1 << 30);
        return codec switch
        {
            Codec.Lz4 => 1 << 16,
            Codec.Deflate => 1 << 15,
            Codec.Lzma => Math.Clamp(wanted, 1 << 15, 8 << 20),        // Z_EROFS_LZMA_MAX_DICT_SIZE
            _ => Math.Clamp(wanted, 1 << 10, 1 << 20),                  // Z_EROFS_ZSTD_MAX_DICT_SIZE
        };
    }
}
