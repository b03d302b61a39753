namespace Lamina.Compression;

/// <summary>
/// A compression algorithm, with the number that a compressed inode's map header gives it (<c>h_algorithmtype</c>).
/// </summary>
internal enum Codec : byte
{
    /// <summary>LZ4 block format, no frame.</summary>
    Lz4 = 0,

    /// <summary>MicroLZMA: an LZMA1 stream whose first byte carries the properties.</summary>
    Lzma = 1,

    /// <summary>Raw DEFLATE, no zlib or gzip wrapper.</summary>
    Deflate = 2,

    /// <summary>One Zstandard frame.</summary>
    Zstd = 3,
}
