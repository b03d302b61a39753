using System.IO.Compression;
using SharpCompress.Compressors.Xz;
using ZstdSharp;

namespace Lamina.Boot;

/// <summary>
/// What an initramfs can be compressed with: what the kernel knows by these bytes (lib/decompress.c), and how it is read here,
/// where that can be done.
/// </summary>
/// <param name="Name">What it is called.</param>
/// <param name="Magic">The bytes it begins with.</param>
/// <param name="Open">Makes a stream of the data; null where it is taken at its word.</param>
internal sealed record Packing(string Name, byte[] Magic, Func<Stream, Stream>? Open)
{
    private static readonly Packing[] s_known =
    [
        new("gzip", [0x1F, 0x8B], packed => new GZipStream(packed, CompressionMode.Decompress)),
        new("gzip", [0x1F, 0x9E], null),
        new("bzip2", [.. "BZ"u8], null),
        new("lzma", [0x5D, 0x00], null),
        new("xz", [0xFD, .. "7zXZ"u8], packed => new XZStream(packed)),
        new("lzop", [0x89, .. "LZO"u8], null),
        new("lz4", [0x02, 0x21], null),
        new("zstd", [0x28, 0xB5, 0x2F, 0xFD], packed => new DecompressionStream(packed)),
    ];

    /// <summary>What bytes are compressed with; null if they are not.</summary>
    public static Packing? Find(ReadOnlySpan<byte> head)
    {
        foreach (Packing packing in s_known)
        {
            if (head.StartsWith(packing.Magic))
                return packing;
        }
        return null;
    }
}
