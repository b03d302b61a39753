using Lamina.Compression;
using Lamina.Tests.Generators;

namespace Lamina.Tests.Compression;

/// <summary>Zstandard frames that fill clusters.</summary>
public class ZstdEncoderTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(19)]
    public void What_fills_a_cluster_decodes_to_the_start_of_the_data(int level)
    {
        using ZstdEncoder encoder = new(level, 19, 4096);
        List<int> free = [];
        for (int seed = 0; seed < 40; seed++)
        {
            Random dice = new(seed);
            byte[] source = Compressible.Data(dice, dice.Next(1, 600_000), seed % 4);
            byte[] cluster = new byte[4096 << dice.Next(6)];
            encoder.Reset();
            int size = encoder.Fill(source, cluster, out int consumed);
            if (size == 0)
            {
                Assert.Equal(1, seed % 2);                      // noise, or noise first
                continue;
            }
            byte[] decoded = new byte[consumed];
            Assert.True(ClusterDecoders.For(Codec.Zstd).TryDecode(cluster.AsSpan(0, size), decoded, false));
            Assert.Equal(source[..consumed], decoded);
            if (consumed < source.Length && seed % 4 == 0)
                free.Add(-size & 4095);
        }
        Assert.True(free.Count > 4);
        Assert.InRange(free.Average(), 0, 300);
    }

    [Fact]
    public void What_was_encoded_before_makes_no_difference_after_a_reset()
    {
        byte[] source = Compressible.Data(new Random(1), 400_000, 0), other = Compressible.Data(new Random(2), 400_000, 3);
        using ZstdEncoder encoder = new(3, 19, 4096);
        byte[] first = new byte[65536], second = new byte[65536];
        int size = encoder.Fill(source, first, out int consumed);
        encoder.Fill(other, second, out _);
        encoder.Reset();
        Assert.Equal(size, encoder.Fill(source, second, out int again));
        Assert.Equal(consumed, again);
        Assert.Equal(first[..size], second[..size]);
    }

    [Fact]
    public void What_does_not_fit_is_said_to_be_0()
    {
        byte[] noise = new byte[10_000];
        new Random(3).NextBytes(noise);
        using ZstdEncoder encoder = new(3, 17, 4096);
        Assert.Equal(0, encoder.Encode(noise, new byte[9000]));
        Assert.Equal(0, encoder.Fill(noise, new byte[4096], out int consumed));
        Assert.Equal(0, consumed);
    }
}
