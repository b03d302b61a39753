using CsCheck;
using Lamina.Compression;
using Lamina.Tests.Generators;
using SharpCompress.Compressors.LZMA;

namespace Lamina.Tests.Compression;

/// <summary>MicroLZMA streams: decoded by our decoder and another one, and cut where they no longer fit.</summary>
public class MicroLzmaEncoderTests
{
    private const byte Canary = 0xA7;

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(6)]
    [InlineData(9)]
    [InlineData(100)]
    [InlineData(105)]
    public void What_is_encoded_whole_decodes_to_the_data(int level)
    {
        using MicroLzmaEncoder encoder = new(level, 1 << 16);
        for (int seed = 0; seed < 24; seed++)
        {
            Random dice = new(seed);
            byte[] source = Compressible.Data(dice, dice.Next(1, 150_000), seed % 4);
            byte[] target = new byte[source.Length + (source.Length / 64) + 64];
            int size = encoder.Encode(source, target);
            Assert.InRange(size, 5, target.Length);
            CheckStream(target[..size], source);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    public void Short_data_is_encoded(int level)
    {
        using MicroLzmaEncoder encoder = new(level, 4096);
        byte[] target = new byte[400];
        for (int length = 1; length <= 300; length++)
        {
            for (int kind = 0; kind < 3; kind++)
            {
                byte[] source = Compressible.Data(new Random(length), length, kind);
                int size = encoder.Encode(source, target);
                Assert.NotEqual(0, size);
                CheckStream(target[..size], source);
                Assert.Equal(size, encoder.Encode(source, target.AsSpan(0, size)));
                Assert.Equal(0, encoder.Encode(source, target.AsSpan(0, size - 1)));
            }
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(6)]
    public void Small_clusters_are_filled(int level)
    {
        using MicroLzmaEncoder encoder = new(level, 1 << 15);
        for (int room = 0; room <= 300; room++)
        {
            for (int kind = 0; kind < 3; kind++)
            {
                byte[] source = Compressible.Data(new Random(7), 3000, kind);
                int size = CheckFill(encoder, source, room);
                Assert.Equal(room < 6, size == 0);
                if (kind != 2)
                    Assert.InRange(room - size, 0, 6);
            }
        }
    }

    [Theory]
    [InlineData(0, 4096)]
    [InlineData(6, 4096)]
    [InlineData(6, 65536)]
    [InlineData(9, 1 << 20)]
    public void A_cluster_is_filled_to_the_end(int level, int room)
    {
        using MicroLzmaEncoder encoder = new(level, 1 << 19);
        for (int kind = 0; kind < 2; kind++)
        {
            byte[] source = Compressible.Data(new Random(room), room * 5, kind);
            Assert.InRange(CheckFill(encoder, source, room), room - Math.Max(4, room / 1000), room);
        }
    }

    [Fact]
    public void Any_data_fills_any_room()
    {
        Gen.Select(Gen.Byte[0, 3].Array[1, 2000], Gen.Int[6, 600], Gen.Int[0, 9]).Sample((source, room, level) =>
        {
            using MicroLzmaEncoder encoder = new(level, 4096);
            CheckFill(encoder, source, room);
        }, iter: 200);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    public void What_was_encoded_before_makes_no_difference(int level)
    {
        byte[] source = Compressible.Data(new Random(1), 400_000, 0), other = Compressible.Data(new Random(2), 400_000, 3);
        using MicroLzmaEncoder encoder = new(level, 1 << 17), another = new(level, 1 << 17);
        byte[] first = new byte[65536], second = new byte[65536];
        int size = encoder.Fill(source, first, out int consumed);
        for (int i = 0; i < 5; i++)
            another.Fill(other.AsSpan(i), second, out _);
        Assert.Equal(size, another.Fill(source, second, out int again));
        Assert.Equal(consumed, again);
        Assert.Equal(first[..size], second[..size]);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(6)]
    public void Copies_are_never_from_behind_the_window(int level)
    {
        // The same noise again, just within reach and just out of it.
        byte[] noise = Compressible.Data(new Random(5), 4096, 1);
        using MicroLzmaEncoder encoder = new(level, 4096);
        byte[] near = [.. noise.AsSpan(0, 4000), .. noise.AsSpan(0, 4000)];
        byte[] far = [.. noise, 1, .. noise];
        byte[] target = new byte[10_000];
        Assert.InRange(encoder.Encode(near, target), 4000, 4300);
        int size = encoder.Encode(far, target);
        Assert.InRange(size, 8000, 8600);
        CheckStream(target[..size], far, 4096);
    }

    [Fact]
    public void Nothing_outside_of_guarded_memory_is_touched()
    {
        using GuardedBuffer input = new(20_000), output = new(8192);
        foreach (int level in (int[])[0, 6])
        {
            using MicroLzmaEncoder encoder = new(level, 8192);
            for (int seed = 0; seed < 60; seed++)
            {
                Random dice = new(seed);
                byte[] data = Compressible.Data(dice, dice.Next(1, 20_000), seed % 4);
                int room = dice.Next(6, 8192);
                data.CopyTo(input.AtEnd(data.Length));
                int size = encoder.Fill(input.AtEnd(data.Length), output.AtEnd(room), out int consumed);
                data.CopyTo(input.AtStart(data.Length));
                Span<byte> again = new byte[room];
                Assert.Equal(size, encoder.Fill(input.AtStart(data.Length), again, out int consumedAgain));
                Assert.Equal(consumed, consumedAgain);
                Assert.True(again[..size].SequenceEqual(output.AtEnd(room)[..size]));
            }
        }
    }

    [Theory]
    [InlineData(-1, 4096)]
    [InlineData(10, 4096)]
    [InlineData(110, 4096)]
    [InlineData(6, 4095)]
    [InlineData(6, (8 << 20) + 1)]
    public void Levels_and_windows_that_there_are_not_are_refused(int level, int window) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new MicroLzmaEncoder(level, window));

    private static int CheckFill(MicroLzmaEncoder encoder, byte[] source, int room)
    {
        byte[] target = new byte[room + 64];
        target.AsSpan().Fill(Canary);
        int size = encoder.Fill(source, target.AsSpan(0, room), out int consumed);
        Assert.Equal(-1, target.AsSpan(room).IndexOfAnyExcept(Canary));
        Assert.InRange(size, 0, room);
        Assert.Equal(size == 0, consumed == 0);
        if (size > 0)
            CheckStream(target[..size], source[..consumed]);
        return size;
    }

    private static void CheckStream(byte[] stream, byte[] expected, int window = 1 << 20)
    {
        byte[] decoded = new byte[expected.Length];
        Assert.NotEqual(0, stream[0]);
        Assert.True(ClusterDecoders.For(Codec.Lzma).TryDecode(stream, decoded, false));
        Assert.Equal(expected, decoded);

        byte[] properties = [(byte)~stream[0], 0, 0, 0, 0];
        BitConverter.TryWriteBytes(properties.AsSpan(1), window);
        byte[] plain = [0, .. stream.AsSpan(1)];
        using MemoryStream input = new(plain);
        using LzmaStream decoder = LzmaStream.Create(properties, input, plain.Length, expected.Length);
        byte[] other = new byte[expected.Length];
        decoder.ReadExactly(other);
        Assert.Equal(expected, other);
    }
}
