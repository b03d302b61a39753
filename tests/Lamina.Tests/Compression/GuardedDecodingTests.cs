using Lamina.Compression;

namespace Lamina.Tests.Compression;

/// <summary>
/// Decoders work on memory with forbidden pages right beside it, at either end of what they read and of what they write.
/// </summary>
public class GuardedDecodingTests
{
    public static TheoryData<byte> Codecs => [0, 1, 2, 3];

    [Theory]
    [MemberData(nameof(Codecs))]
    public void A_sound_cluster_is_decoded_without_a_step_outside(byte codec)
    {
        IClusterDecoder decoder = ClusterDecoders.For((Codec)codec);
        foreach (int size in (int[])[1, 13, 64, 700, 4096, 5000, 70_000])
        {
            byte[] data = ClusterDecoderTests.Words(size);
            foreach (byte[] cluster in (byte[][])[Encode.Stream((Codec)codec, data), Encode.Padded((Codec)codec, data, 77)])
            {
                using GuardedBuffer source = new(cluster.Length), target = new(size);
                foreach (bool atEnd in (bool[])[false, true])
                {
                    Span<byte> input = atEnd ? source.AtEnd(cluster.Length) : source.AtStart(cluster.Length);
                    Span<byte> output = atEnd ? target.AtEnd(size) : target.AtStart(size);
                    cluster.CopyTo(input);
                    Assert.True(decoder.TryDecode(input, output, false), $"{size} bytes");
                    Assert.True(output.SequenceEqual(data), $"{size} bytes");
                    output = atEnd ? target.AtEnd(size / 2) : target.AtStart(size / 2);
                    Assert.True(size < 2 || decoder.TryDecode(input, output, true), $"half of {size} bytes");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void Changed_and_cut_clusters_lead_nowhere_outside(byte codec)
    {
        IClusterDecoder decoder = ClusterDecoders.For((Codec)codec);
        byte[][] clusters = [RealClusters.Get((Codec)codec), Encode.Stream((Codec)codec, ClusterDecoderTests.Words(700))];
        int[] sizes = [RealClusters.DecodedSize, 700];
        using GuardedBuffer source = new(clusters.Max(cluster => cluster.Length)), target = new(RealClusters.DecodedSize + 100);
        Random dice = new(77 + codec);
        for (int round = 0; round < 3000; round++)
        {
            int pick = round % 8 == 0 ? 0 : 1;
            int length = dice.Next(clusters[pick].Length) + 1, wanted = dice.Next(sizes[pick] + 100);
            bool atEnd = dice.Next(3) > 0;
            Span<byte> input = atEnd ? source.AtEnd(length) : source.AtStart(length);
            // Cut behind or in front, and changed nowhere, in a few places or everywhere.
            (dice.Next(2) == 0 ? clusters[pick].AsSpan(0, length) : clusters[pick].AsSpan(^length..)).CopyTo(input);
            for (int changes = dice.Next(5); changes > 0; changes--)
                input[dice.Next(length)] = (byte)dice.Next(256);
            if (round % 16 == 1)
                dice.NextBytes(input);
            decoder.TryDecode(input, atEnd ? target.AtEnd(wanted) : target.AtStart(wanted), dice.Next(2) == 0);
        }
        Span<byte> sound = source.AtEnd(clusters[1].Length);
        clusters[1].CopyTo(sound);
        Assert.True(decoder.TryDecode(sound, target.AtEnd(sizes[1]), false), "the decoder is none the worse for it");
    }
}
