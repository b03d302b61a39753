using CsCheck;
using K4os.Compression.LZ4;
using Lamina.Compression;
using Lamina.Tests.Generators;

namespace Lamina.Tests.Compression;

/// <summary>LZ4 blocks: what is encoded is read by two decoders, and clusters are full.</summary>
public class Lz4EncoderTests
{
    public static TheoryData<int> Levels => [0, 1, 3, 6, 9, 10, 11, 12];

    [Theory]
    [MemberData(nameof(Levels))]
    public void The_shortest_sources_come_back(int level)
    {
        using Lz4Encoder encoder = new(level);
        for (int size = 1; size <= 64; size++)
        {
            byte[] noise = new byte[size];
            new Random(size).NextBytes(noise);
            foreach (byte[] source in (byte[][])[noise, new byte[size], [.. noise.Select((_, i) => noise[i % 5 % size])]])
            {
                byte[] block = new byte[LZ4Codec.MaximumOutputSize(size)];
                int length = encoder.Encode(source, block);
                Check(source, block.AsSpan(0, length));
                Assert.Equal(length, encoder.Fill(source, block, out int consumed));
                Assert.Equal(size, consumed);
                Check(source, block.AsSpan(0, length));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void Nothing_in_is_nothing_out(int level)
    {
        using Lz4Encoder encoder = new(level);
        byte[] block = new byte[64];
        Assert.Equal(0, encoder.Encode([], block));
        Assert.Equal(0, encoder.Encode([1], []));
        Assert.Equal(0, encoder.Encode([1], block.AsSpan(0, 1)));
        Assert.Equal(2, encoder.Encode([1], block.AsSpan(0, 2)));
        Assert.Equal(0, encoder.Fill([], block, out _));
        Assert.Equal(0, encoder.Fill([1], [], out _));
        Assert.Equal(0, encoder.Fill([1, 2], block.AsSpan(0, 1), out int consumed));
        Assert.Equal(0, consumed);
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void Destinations_of_every_small_size_are_filled(int level)
    {
        using Lz4Encoder encoder = new(level);
        byte[][] sources =
        [
            new byte[200_000], Text(20_000), [.. new byte[40].Concat(Text(5000))], Compressible.Data(new Random(7), 20_000, 3),
            [.. Enumerable.Range(0, 70_000).Select(i => (byte)(i % 300 % 256))],
        ];
        foreach (byte[] source in sources)
        {
            int before = 0;
            for (int room = 2; room <= 300; room++)
            {
                using GuardedBuffer target = new(room);
                int length = encoder.Fill(source, target.AtEnd(room), out int consumed);
                Check(source.AsSpan(0, consumed), target.AtEnd(room)[..length]);
                // A literal more may need a byte of length, and a shorter run of one byte some literals at its end.
                Assert.True(consumed == source.Length || length >= room - 1, $"{length} of {room}");
                Assert.True(consumed >= before - 20, $"{consumed} in {room}, {before} in a byte less");
                before = consumed;
                length = encoder.Encode(source.AsSpan(0, Math.Min(source.Length, room * 2)), target.AtEnd(room));
                if (length > 0)
                    Check(source.AsSpan(0, Math.Min(source.Length, room * 2)), target.AtEnd(room)[..length]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void Clusters_of_real_data_are_full_and_come_back(int level)
    {
        byte[] source = Assemblies(3 << 20);
        using Lz4Encoder encoder = new(level);
        for (int room = 4096; room <= 1 << 20; room <<= 2)
        {
            byte[] cluster = new byte[room];
            for (int at = 0, count = 0; at < source.Length && count < 12; count++)
            {
                int length = encoder.Fill(source.AsSpan(at), cluster, out int consumed);
                Check(source.AsSpan(at, consumed), cluster.AsSpan(0, length));
                Assert.True(at + consumed == source.Length || length >= room * 99L / 100, $"{length} of {room}");
                at += consumed;
            }
        }
    }

    /// <summary>Not far from what the library's port makes, at the same level, of the same bytes.</summary>
    [Theory]
    [InlineData(0, LZ4Level.L00_FAST)]
    [InlineData(9, LZ4Level.L09_HC)]
    [InlineData(12, LZ4Level.L12_MAX)]
    public void Blocks_are_as_small_as_those_of_another_encoder(int level, LZ4Level peer)
    {
        byte[] source = Assemblies(2 << 20), block = new byte[LZ4Codec.MaximumOutputSize(source.Length)];
        using Lz4Encoder encoder = new(level);
        long ours = 0, theirs = 0;
        for (int at = 0; at < source.Length; at += 1 << 17)
        {
            ReadOnlySpan<byte> part = source.AsSpan(at, Math.Min(1 << 17, source.Length - at));
            ours += encoder.Encode(part, block);
            theirs += LZ4Codec.Encode(part, block, peer);
        }
        Assert.InRange(ours, 1, theirs * 101 / 100);
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void What_was_encoded_before_makes_no_difference(int level)
    {
        byte[] source = Text(400_000), other = Assemblies(300_000);
        using Lz4Encoder encoder = new(level);
        byte[] first = new byte[65536], second = new byte[65536];
        int length = encoder.Fill(source, first, out int consumed);
        for (int i = 0; i < 20; i++)
        {
            encoder.Fill(other.AsSpan(i * 1000), second.AsSpan(i * 100), out _);
            encoder.Encode(other.AsSpan(0, 1 << i >> 2 | 1), second);
            Assert.Equal(length, encoder.Fill(source, second, out int again));
            Assert.Equal(consumed, again);
            Assert.Equal(first.AsSpan(0, length), second.AsSpan(0, length));
        }
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void Noise_fills_a_cluster_and_does_not_fit_whole(int level)
    {
        byte[] noise = new byte[300_000], cluster = new byte[65536];
        new Random(3).NextBytes(noise);
        using Lz4Encoder encoder = new(level);
        Assert.Equal(0, encoder.Encode(noise, cluster));
        Assert.Equal(0, encoder.Encode(noise.AsSpan(0, 65536), cluster));
        int length = encoder.Fill(noise, cluster, out int consumed);
        Assert.InRange(consumed, 65536 - 260, 65536);
        Check(noise.AsSpan(0, consumed), cluster.AsSpan(0, length));
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void Matches_reach_65535_bytes_back_and_no_further(int level)
    {
        using Lz4Encoder encoder = new(level);
        foreach ((int distance, bool isMatch) in ((int, bool)[])[(65534, true), (65535, true), (65536, false), (65537, false)])
        {
            byte[] source = new byte[distance + 4000], block = new byte[80_000];
            new Random(5).NextBytes(source);
            source.AsSpan(0, 3000).CopyTo(source.AsSpan(distance));
            int length = encoder.Encode(source, block);
            Check(source, block.AsSpan(0, length));
            Assert.Equal(isMatch, length < source.Length - 2500);
        }
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void Whatever_the_data_it_comes_back_and_nothing_is_touched_outside(int level)
    {
        using Lz4Encoder encoder = new(level);
        using GuardedBuffer input = new(40_000), output = new(41_000);
        Gen.Select(Gen.Int[1, 40_000], Gen.Int[1, 41_000], Gen.Int[0, 3], Gen.Int).Sample(
            (size, room, kind, seed) =>
            {
                Random dice = new(seed);
                byte[] data = kind == 3
                    ? [.. Enumerable.Range(0, size).Select(_ => (byte)dice.Next(2))]
                    : Compressible.Data(dice, size, kind);
                Span<byte> source = seed % 2 == 0 ? input.AtStart(size) : input.AtEnd(size);
                data.CopyTo(source);
                Span<byte> target = seed % 3 == 0 ? output.AtStart(room) : output.AtEnd(room);
                int length = encoder.Fill(source, target, out int consumed);
                if (room > 1)
                    Check(source[..consumed], target[..length]);
                length = encoder.Encode(source, target);
                if (length > 0)
                    Check(source, target[..length]);
                else
                    Assert.True(consumed < size, "all fits, and then it does not");
            }, iter: 150, threads: 1);
    }

    /// <summary>Both decoders give the source, and the rules about the end of a block hold.</summary>
    private static void Check(ReadOnlySpan<byte> source, ReadOnlySpan<byte> block)
    {
        Assert.NotEqual(0, block[0]);
        byte[] decoded = new byte[source.Length];
        Assert.True(new Lz4Decoder(true).TryDecode(block, decoded, false));
        Assert.True(source.SequenceEqual(decoded));
        Assert.Equal(source.Length, LZ4Codec.Decode(block, decoded));
        Assert.True(source.SequenceEqual(decoded));

        int from = 0, at = 0, start = -1;
        while (true)
        {
            int token = block[from++], literals = token >> 4, length = token & 15;
            for (bool isLong = literals == 15; isLong; isLong = block[from++] == 255)
                literals += block[from];
            from += literals;
            at += literals;
            if (from == block.Length)
            {
                Assert.True(start < 0 || (literals >= 5 && start <= at - 12), $"{literals} literals, match at {start} of {at}");
                Assert.Equal(0, length);
                return;
            }
            start = at;
            from += 2;
            for (bool isLong = length == 15; isLong; isLong = block[from++] == 255)
                length += block[from];
            at += length + 4;
        }
    }

    private static byte[] Text(int size) => ClusterDecoderTests.Words(size);

    /// <summary>Programs of this test: real data that is there everywhere.</summary>
    private static byte[] Assemblies(int size)
    {
        List<byte> bytes = [];
        foreach (string path in Directory.GetFiles(AppContext.BaseDirectory, "*.dll").Order(StringComparer.Ordinal))
        {
            if (bytes.Count < size)
                bytes.AddRange(File.ReadAllBytes(path));
        }
        return [.. bytes.Take(size)];
    }
}
