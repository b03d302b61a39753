using System.IO.Compression;
using K4os.Compression.LZ4;
using Lamina.Compression;
using SharpCompress.Compressors.LZMA;

namespace Lamina.Tests.Compression;

/// <summary>Encoders other than ours, to check the decoders with.</summary>
internal static class Encode
{
    /// <summary>A stream of the codec, with zero bytes in front.</summary>
    public static byte[] Padded(Codec codec, byte[] data, int padding)
    {
        byte[] stream = Stream(codec, data);
        byte[] cluster = new byte[padding + stream.Length];
        stream.CopyTo(cluster, padding);
        return cluster;
    }

    public static byte[] Stream(Codec codec, byte[] data) => codec switch
    {
        Codec.Lz4 => Lz4(data),
        Codec.Lzma => Lzma(data),
        Codec.Deflate => Deflate(data, CompressionLevel.Optimal),
        _ => Zstd(data),
    };

    public static byte[] Deflate(byte[] data, CompressionLevel level)
    {
        using MemoryStream target = new();
        using (DeflateStream encoder = new(target, level))
            encoder.Write(data);
        return target.ToArray();
    }

    private static byte[] Lz4(byte[] data)
    {
        byte[] target = new byte[LZ4Codec.MaximumOutputSize(data.Length)];
        return target[..LZ4Codec.Encode(data, target, LZ4Level.L09_HC)];
    }

    private static byte[] Lzma(byte[] data)
    {
        using MemoryStream target = new();
        byte properties;
        using (LzmaStream encoder = LzmaStream.Create(new LzmaEncoderProperties(false), false, target))
        {
            encoder.Write(data);
            properties = encoder.Properties[0];
        }
        byte[] stream = target.ToArray();
        stream[0] = (byte)~properties;
        return stream;
    }

    private static byte[] Zstd(byte[] data)
    {
        using ZstdSharp.Compressor encoder = new(5);
        return encoder.Wrap(data).ToArray();
    }
}
