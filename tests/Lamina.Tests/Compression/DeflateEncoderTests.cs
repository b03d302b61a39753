using System.IO.Compression;
using CsCheck;
using Lamina.Compression;
using Lamina.Tests.Generators;

namespace Lamina.Tests.Compression;

/// <summary>DEFLATE streams that hold all of the data, or as much as fits.</summary>
public class DeflateEncoderTests
{
    private const byte Behind = 0xA5;

    public static TheoryData<int> Levels => [1, 2, 3, 4, 5, 6, 7, 8, 9];

    [Theory]
    [MemberData(nameof(Levels))]
    public void What_is_encoded_decodes_to_the_data(int level)
    {
        using DeflateEncoder encoder = new(level, 15);
        for (int seed = 0; seed < 24; seed++)
        {
            Random dice = new(seed);
            byte[] source = Compressible.Data(dice, dice.Next(1, 400_000), seed % 4);
            Check(encoder, source, source.Length + 1000, true);
        }
        Check(encoder, File.ReadAllBytes(typeof(DeflateEncoder).Assembly.Location), 4 << 20, true);
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void What_fills_a_cluster_decodes_to_the_start_of_the_data(int level)
    {
        using DeflateEncoder encoder = new(level, 15);
        byte[] program = File.ReadAllBytes(typeof(DeflateEncoder).Assembly.Location);
        for (int seed = 0; seed < 27; seed++)
        {
            Random dice = new(seed);
            byte[] source = seed % 5 == 4 ? program[dice.Next(program.Length)..]
                : Compressible.Data(dice, dice.Next(1, 1_500_000), seed % 5);
            int room = 4096 << (seed % 9);
            (int size, int consumed) = Check(encoder, source, room, false);
            Assert.True(size > 0);
            if (consumed < source.Length)
                Assert.InRange(size, room - Math.Max(room / 200, 24), room);
        }
    }

    [Fact]
    public void Any_small_destination_takes_what_fits()
    {
        using DeflateEncoder encoder = new(6, 15);
        for (int kind = 0; kind < 4; kind++)
        {
            byte[] source = Compressible.Data(new Random(kind), 9000, kind);
            for (int room = 0, before = 0; room <= 300; room++)
            {
                (int size, int consumed) = Check(encoder, source, room, false);
                Assert.Equal(size == 0, consumed == 0);
                Assert.True(consumed >= before - 2, $"{room} bytes take {consumed}, a byte less took {before}");
                Assert.True(room < 24 || consumed >= room - 6);
                before = consumed;
            }
        }
    }

    [Fact]
    public void Any_small_source_is_encoded()
    {
        using DeflateEncoder encoder = new(9, 15);
        for (int length = 0; length <= 300; length++)
        {
            for (int kind = 0; kind < 3; kind++)
            {
                byte[] source = Compressible.Data(new Random(length), length, kind);
                (int size, _) = Check(encoder, source, length + 5, true);
                Assert.True(size > 0);
                (int filled, int consumed) = Check(encoder, source, length + 5, false);
                Assert.Equal((size, length), (filled, consumed));
                Check(encoder, source, size, true);
                Assert.Equal(0, encoder.Encode(source, new byte[size - 1]));
            }
        }
    }

    [Fact]
    public void Noise_is_stored_with_five_bytes_a_block()
    {
        byte[] noise = new byte[60_000];
        new Random(5).NextBytes(noise);
        using DeflateEncoder encoder = new(6, 15);
        Assert.Equal((noise.Length + 5, noise.Length), Check(encoder, noise, noise.Length + 5, true));
        Assert.Equal((4096, 4091), Check(encoder, noise, 4096, false));
        byte[] mixed = [.. Compressible.Data(new Random(6), 30_000, 0), .. noise];
        (int size, int consumed) = Check(encoder, mixed, 65536, false);
        Assert.Equal(65536, size);
        Assert.True(consumed > 70_000);
    }

    /// <summary>A stored block in front would begin with a zero byte, which is taken for padding.</summary>
    [Fact]
    public void No_stream_begins_with_a_zero_byte()
    {
        byte[] noise = new byte[200_000];
        new Random(7).NextBytes(noise);
        using DeflateEncoder encoder = new(1, 15);
        foreach (int length in (int[])[1, 65535, 65536, 200_000])
            Check(encoder, noise[..length], 300_000, true);
        byte[] later = [.. noise, .. new byte[100_000]];
        (int size, int consumed) = Check(encoder, later, 1 << 20, false);
        Assert.Equal(later.Length, consumed);
        Assert.InRange(size, 200_000, 203_000);
    }

    [Fact]
    public void Zeros_take_a_thousandth()
    {
        using DeflateEncoder encoder = new(1, 15);
        (int size, _) = Check(encoder, new byte[4 << 20], 8192, true);
        Assert.InRange(size, 4000, 4400);
        (_, int consumed) = Check(encoder, new byte[8 << 20], 4096, false);
        Assert.InRange(consumed, 3_900_000, 4_400_000);
    }

    /// <summary>A literal that occurs as often as the two before it together makes the longest codes there are.</summary>
    [Fact]
    public void Codes_are_15_bits_at_most()
    {
        List<byte> bytes = [];
        for (int i = 0, count = 1, before = 1; i < 24; i++)
        {
            bytes.AddRange(Enumerable.Repeat((byte)(i * 7), count));
            (count, before) = (count + before, count);
        }
        byte[] source = [.. bytes];
        new Random(8).Shuffle(source);
        foreach (int level in (int[])[1, 6, 9])
        {
            using DeflateEncoder encoder = new(level, 15);
            (int size, _) = Check(encoder, source, source.Length, true);
            Assert.InRange(size, source.Length / 8, source.Length / 2);
        }
        PrefixCode code = new(286, 15);
        int[] counts = new int[286];
        for (int i = 0, count = 1, before = 1; i < 40; i++)
        {
            counts[i * 3] = count;
            (count, before) = (count + before, count);
        }
        code.Build(counts);
        Assert.Equal(15, code.Lengths.Max());
        Assert.Equal(1 << 15, code.Lengths.Sum(static bits => bits == 0 ? 0 : 1 << (15 - bits)));
    }

    [Fact]
    public void Any_code_is_complete_and_as_short_as_it_can_be_within_its_limit() =>
        Gen.Int[0, 5000].Array[2, 286].Sample(counts =>
        {
            PrefixCode code = new(counts.Length, 15);
            code.Build(counts);
            Assert.Equal(1 << 15, code.Lengths.Sum(static bits => bits == 0 ? 0 : 1 << (15 - bits)));
            Assert.Equal(Math.Max(counts.Count(static count => count > 0), 2), code.Lengths.Count(static bits => bits > 0));
            if (code.Lengths.Max() < 15 && counts.Count(static count => count > 0) > 1)
                Assert.Equal(LeastBits(counts), code.Lengths.Zip(counts, static (bits, count) => (long)bits * count).Sum());
        }, iter: 200);

    [Fact]
    public void Any_data_and_any_room_work() =>
        Gen.Select(Gen.Byte[0, 3].Array[0, 2000], Gen.Byte.Array[0, 300], Gen.Int[0, 1500], Gen.Int[1, 9], Gen.Int[8, 15]).Sample(
            static (few, many, room, level, window) =>
            {
                using DeflateEncoder encoder = new(level, window);
                byte[] source = [.. few, .. many, .. few];
                Check(encoder, source, room, false);
                Check(encoder, source, room, true);
            }, iter: 500);

    [Fact]
    public void No_distance_is_longer_than_the_window()
    {
        byte[] noise = new byte[1000];
        new Random(9).NextBytes(noise);
        byte[] twice = [.. noise, .. noise];
        using DeflateEncoder small = new(9, 9), large = new(9, 10);
        Assert.True(Check(small, twice, 3000, true).Size > 1900);
        Assert.True(Check(large, twice, 3000, true).Size < 1200);
    }

    [Fact]
    public void What_was_encoded_before_makes_no_difference()
    {
        byte[] source = Compressible.Data(new Random(1), 400_000, 3);
        foreach (int level in (int[])[1, 4, 7, 9])
        {
            using DeflateEncoder encoder = new(level, 15);
            byte[] first = new byte[65536], second = new byte[65536];
            int size = encoder.Fill(source, first, out int consumed);
            for (int seed = 0; seed < 20; seed++)
                encoder.Fill(Compressible.Data(new Random(seed), 50_000, seed % 4), second, out _);
            Assert.Equal(size, encoder.Fill(source, second, out int again));
            Assert.Equal(consumed, again);
            Assert.Equal(first[..size], second[..size]);
        }
    }

    [Fact]
    public void Neither_the_source_nor_the_destination_is_left()
    {
        using GuardedBuffer from = new(70_000), to = new(70_000);
        using DeflateEncoder encoder = new(9, 15);
        for (int seed = 0; seed < 60; seed++)
        {
            Random dice = new(seed);
            byte[] data = Compressible.Data(dice, dice.Next(1, 70_000), seed % 4);
            int room = dice.Next(1, 30_000);
            byte[] target = new byte[room];
            int size = encoder.Fill(data, target, out int consumed);
            data.CopyTo(from.AtStart(data.Length));
            Assert.Equal(size, encoder.Fill(from.AtStart(data.Length), to.AtStart(room), out int again));
            Assert.Equal(consumed, again);
            data.CopyTo(from.AtEnd(data.Length));
            Assert.Equal(size, encoder.Fill(from.AtEnd(data.Length), to.AtEnd(room), out again));
            Assert.True(target.AsSpan(0, size).SequenceEqual(to.AtEnd(room)[..size]));
        }
    }

    private static long LeastBits(int[] counts)
    {
        PriorityQueue<long, long> queue = new();
        foreach (int count in counts)
        {
            if (count > 0)
                queue.Enqueue(count, count);
        }
        long bits = 0;
        while (queue.Count > 1)
        {
            long sum = queue.Dequeue() + queue.Dequeue();
            bits += sum;
            queue.Enqueue(sum, sum);
        }
        return bits;
    }

    /// <summary>Encodes, and decodes with two decoders.</summary>
    private static (int Size, int Consumed) Check(DeflateEncoder encoder, byte[] source, int room, bool isWhole)
    {
        byte[] target = new byte[room + 16];
        target.AsSpan().Fill(Behind);
        int consumed = source.Length;
        Span<byte> free = target.AsSpan(0, room);
        int size = isWhole ? encoder.Encode(source, free) : encoder.Fill(source, free, out consumed);
        Assert.InRange(size, 0, room);
        Assert.False(target.AsSpan(room).ContainsAnyExcept(Behind));
        if (size == 0)
        {
            Assert.True(isWhole || consumed == 0);
            return (0, 0);
        }
        Assert.NotEqual(0, target[0]);
        byte[] stream = target[..size], decoded = new byte[consumed];
        Assert.True(ClusterDecoders.For(Codec.Deflate).TryDecode(stream, decoded, false));
        Assert.True(decoded.AsSpan().SequenceEqual(source.AsSpan(0, consumed)));
        using MemoryStream other = new(consumed);
        using (DeflateStream decoder = new(new MemoryStream(stream), CompressionMode.Decompress))
            decoder.CopyTo(other);
        Assert.True(other.ToArray().AsSpan().SequenceEqual(decoded));
        return (size, consumed);
    }
}
