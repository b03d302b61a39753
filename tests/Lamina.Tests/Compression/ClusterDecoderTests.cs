using System.Security.Cryptography;
using System.Text;
using Lamina.Compression;

namespace Lamina.Tests.Compression;

public class ClusterDecoderTests
{
    public static TheoryData<byte> Codecs => [0, 1, 2, 3];

    [Theory]
    [MemberData(nameof(Codecs))]
    public void A_cluster_that_mkfs_wrote_decodes_to_the_file(byte codec)
    {
        byte[] file = DecodeReal(codec);
        Assert.Equal(RealClusters.DecodedSha256, Convert.ToHexString(SHA256.HashData(file)));
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void Every_prefix_of_a_cluster_can_be_decoded_partially_and_only_so(byte codec)
    {
        byte[] file = DecodeReal(codec);
        byte[] cluster = RealClusters.Get((Codec)codec);
        IClusterDecoder decoder = ClusterDecoders.For((Codec)codec);
        for (int length = 1; length <= file.Length; length += length < 300 || length > file.Length - 50 ? 1 : 37)
        {
            byte[] part = new byte[length];
            Assert.True(decoder.TryDecode(cluster, part, true), $"length {length}");
            Assert.True(file.AsSpan(0, length).SequenceEqual(part), $"length {length}");
            Assert.Equal(length == file.Length, decoder.TryDecode(cluster, part, false));
        }
        Assert.False(decoder.TryDecode(cluster, new byte[file.Length + 1], false));
        Assert.False(decoder.TryDecode(cluster, new byte[file.Length + 1], true));
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void What_other_encoders_write_is_decoded_with_any_padding(byte codec)
    {
        int padding = 0;
        foreach (byte[] data in Samples())
        {
            byte[] cluster = Encode.Padded((Codec)codec, data, padding);
            if (cluster[padding] == 0) // a stored block of DEFLATE with others after it: noise, which no writer compresses
                continue;
            byte[] decoded = new byte[data.Length];
            Assert.True(ClusterDecoders.For((Codec)codec).TryDecode(cluster, decoded, false), $"{data.Length} bytes");
            Assert.True(data.AsSpan().SequenceEqual(decoded), $"{data.Length} bytes");
            padding = (padding * 5) + 1;
            if (padding > 10_000)
                padding = 0;
        }
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void A_cluster_of_zeros_or_of_nothing_is_refused(byte codec)
    {
        IClusterDecoder decoder = ClusterDecoders.For((Codec)codec);
        foreach (int size in new[] { 0, 1, 5, 4096 })
        {
            Assert.False(decoder.TryDecode(new byte[size], new byte[100], false));
            Assert.False(decoder.TryDecode(new byte[size], new byte[100], true));
            Assert.False(decoder.TryDecode(new byte[size], [], true));
        }
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void A_cluster_that_is_cut_off_is_refused_wherever_it_is_cut(byte codec)
    {
        byte[] stream = Encode.Stream((Codec)codec, Words(3000));
        IClusterDecoder decoder = ClusterDecoders.For((Codec)codec);
        byte[] decoded = new byte[3000];
        Assert.True(decoder.TryDecode(stream, decoded, false));
        for (int length = 0; length < stream.Length; length++)
            Assert.False(decoder.TryDecode(stream.AsSpan(0, length), decoded, false), $"cut to {length} of {stream.Length}");
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void Changed_bytes_never_throw_nor_write_outside_the_destination(byte codec)
    {
        const byte Guard = 0xA5;
        const int Margin = 64;
        IClusterDecoder decoder = ClusterDecoders.For((Codec)codec);
        byte[][] clusters = [RealClusters.Get((Codec)codec), Encode.Stream((Codec)codec, Words(700))];
        int[] sizes = [RealClusters.DecodedSize, 700];
        Random random = new(20240611 + codec);
        byte[] buffer = new byte[RealClusters.DecodedSize + (2 * Margin)];
        for (int round = 0; round < 3000; round++)
        {
            int pick = round % 8 == 0 ? 0 : 1;
            byte[] cluster = (byte[])clusters[pick].Clone();
            for (int changes = random.Next(1, 5); changes > 0; changes--)
                cluster[^random.Next(1, cluster.Length + 1)] = (byte)random.Next(256);
            if (round % 16 == 1)
                random.NextBytes(cluster);
            bool isPartial = random.Next(2) == 0;
            int size = isPartial ? random.Next(sizes[pick] + 1) : sizes[pick];
            buffer.AsSpan().Fill(Guard);
            int start = random.Next(4) == 0 ? random.Next(cluster.Length) : 0;
            decoder.TryDecode(cluster.AsSpan(start), buffer.AsSpan(Margin, size), isPartial);
            Assert.False(buffer.AsSpan(0, Margin).ContainsAnyExcept(Guard));
            Assert.False(buffer.AsSpan(Margin + size).ContainsAnyExcept(Guard));
        }
        Assert.True(decoder.TryDecode(clusters[1], buffer.AsSpan(0, sizes[1]), false), "the decoder is none the worse for it");
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void Decoding_allocates_nothing_once_warm(byte codec)
    {
        IClusterDecoder decoder = ClusterDecoders.For((Codec)codec);
        byte[] cluster = RealClusters.Get((Codec)codec);
        byte[] decoded = new byte[RealClusters.DecodedSize];
        for (int i = 0; i < 10; i++)
            decoder.TryDecode(cluster, decoded, false);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            decoder.TryDecode(cluster, decoded, false);
        // The pool, and other tests that take from it meanwhile, may cost a little; a buffer per cluster would cost 800 KiB.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void Several_threads_decode_at_once(byte codec)
    {
        byte[] file = DecodeReal(codec);
        byte[] cluster = RealClusters.Get((Codec)codec);
        int right = 0;
        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 8 }, _ =>
        {
            byte[] decoded = new byte[file.Length];
            if (ClusterDecoders.For((Codec)codec).TryDecode(cluster, decoded, false) && decoded.AsSpan().SequenceEqual(file))
                Interlocked.Increment(ref right);
        });
        Assert.Equal(64, right);
    }

    [Fact]
    public void An_unknown_codec_is_the_callers_fault() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ClusterDecoders.For((Codec)4));

    /// <summary>Pseudo-random words: compressible, with copies of many lengths and distances.</summary>
    internal static byte[] Words(int size)
    {
        Random random = new(size);
        string[] words = ["layer", "merge", "root", "inode", "xattr", "block"];
        StringBuilder text = new();
        while (text.Length < size)
            text.Append(words[random.Next(words.Length)]).Append((char)random.Next(32, 40)).Append(random.Next(99));
        return Encoding.ASCII.GetBytes(text.ToString(0, size));
    }

    private static byte[] DecodeReal(byte codec)
    {
        byte[] file = new byte[RealClusters.DecodedSize];
        Assert.True(ClusterDecoders.For((Codec)codec).TryDecode(RealClusters.Get((Codec)codec), file, false));
        return file;
    }

    private static IEnumerable<byte[]> Samples()
    {
        Random random = new(7);
        foreach (int size in new[] { 1, 2, 5, 12, 13, 17, 64, 255, 256, 273, 274, 4095, 4096, 40_000, 150_000 })
        {
            byte[] noise = new byte[size];
            random.NextBytes(noise);
            yield return noise;
            yield return new byte[size];
            yield return Words(size);
            byte[] period = new byte[size]; // overlapping copies of each short distance
            for (int i = 0; i < size; i++)
                period[i] = (byte)(i % (1 + (i / 400 % 40)));
            yield return period;
            byte[] mixed = Words(size); // noise far apart that comes again: long distances
            for (int at = 0; at + 600 < size; at += 9_000)
                noise.AsSpan(0, 500).CopyTo(mixed.AsSpan(at));
            yield return mixed;
        }
    }
}
