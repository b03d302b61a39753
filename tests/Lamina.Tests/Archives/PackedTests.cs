using Lamina.Archives;
using Lamina.Tests.Generators;

namespace Lamina.Tests.Archives;

/// <summary>What real programs compressed comes out as it went in, and nothing else passes for it.</summary>
public class PackedTests
{
    public static TheoryData<string> Commands => [.. Packers.All];

    public static TheoryData<string> Summed => [.. Packers.Summed];

    /// <summary>Text, noise and zeros, so that there are all kinds of blocks.</summary>
    private static byte[] Sample(int size)
    {
        byte[] bytes = new byte[size];
        new Random(7).NextBytes(bytes.AsSpan(0, size / 4));
        for (int i = size / 4; i < size * 3 / 4; i++)
            bytes[i] = (byte)"the quick brown fox jumps over the lazy dog "[(int)(i * 2654435761L % 3 + i / 7) % 44];
        new Random(8).NextBytes(bytes.AsSpan(size - 1000, 500));
        return bytes;
    }

    private static byte[] Decode(byte[] packed)
    {
        using MemoryStream all = new();
        Packed.DecodeAll(ByteSource.FromMemory("packed", packed), run => all.Write(run));
        return all.ToArray();
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void What_a_program_compressed_comes_out_as_it_went_in(string command)
    {
        byte[] plain = Sample(1_200_000);
        Assert.Equal(plain, Decode(Packers.Pack(command, plain)));
        Assert.Empty(Decode(Packers.Pack(command, [])));
        Assert.Equal([42], Decode(Packers.Pack(command, [42])));
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void Several_streams_are_one_and_zeros_may_follow(string command)
    {
        byte[] first = Sample(200_000), second = Sample(70_000), packed = Packers.Pack(command, first);
        byte[] both = [.. packed, .. Packers.Pack(command, second)];
        Assert.Equal([.. first, .. second], Decode(both));
        Assert.Equal(first, Decode([.. packed, .. new byte[100_000]]));
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void A_stream_in_the_middle_of_a_file_ends_where_it_ends(string command)
    {
        byte[] plain = Sample(300_000), packed = Packers.Pack(command, plain);
        byte[] file = [.. new byte[77], .. packed, .. "070701 and what follows"u8];
        using ByteSource source = ByteSource.FromMemory("file", file);
        PackedInput input = new(source, 77);
        using PackedStream stream = Packed.Open(input, Packed.KindAt(source, 77)!);
        long length = 0;
        for (int count; (count = stream.Next().Length) > 0;)
            length += count;
        bool isOneOfMany = command.Contains("-i -b", StringComparison.Ordinal);        // pigz -i: a member for each block
        if (!isOneOfMany)
            Assert.Equal((plain.Length, 77 + packed.Length), (length, input.Position));
        Assert.True(stream.Next().IsEmpty);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void What_is_cut_off_is_corrupt(string command)
    {
        byte[] plain = Sample(16_000), packed = Packers.Pack(command, plain);
        int step = Math.Max(packed.Length / 50, 1);
        for (int length = 20; length < packed.Length; length += length > packed.Length - 40 ? 1 : step)
        {
            byte[] part = packed[..length];
            if (Packed.KindAt(ByteSource.FromMemory("part", part), 0) is null)
                continue;
            CorruptImageException fault = Assert.Throws<CorruptImageException>(() => Decode(part));
            Assert.Equal("packed", fault.File);
            Assert.InRange(fault.Offset!.Value, 0, length);
        }
    }

    [Theory]
    [MemberData(nameof(Summed))]
    public void A_changed_bit_is_found(string command)
    {
        byte[] plain = Sample(8_000), packed = Packers.Pack(command, plain);
        Random dice = new(11);
        int found = 0;
        for (int i = 0; i < 400; i++)
        {
            int at = i < 160 ? i / 8 : dice.Next(packed.Length);
            byte old = packed[at];
            packed[at] ^= (byte)(1 << (i % 8));
            try
            {
                if (Packed.KindAt(ByteSource.FromMemory("packed", packed), 0) is not null)
                    Assert.Equal(plain, Decode(packed));                // bits of a name or a time change nothing
                else
                    found++;
            }
            catch (Exception fault) when (fault is CorruptImageException or UnsupportedImageException)
            {
                found++;
            }
            packed[at] = old;
        }
        Assert.InRange(found, 320, 400);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void Changed_bits_end_in_a_clear_failure_or_in_data(string command)
    {
        byte[] packed = Packers.Pack(command, Sample(6_000));
        Random dice = new(12);
        for (int i = 0; i < 120; i++)
        {
            byte[] changed = [.. packed];
            for (int bits = dice.Next(1, 4); bits > 0; bits--)
                changed[dice.Next(changed.Length)] ^= (byte)(1 << dice.Next(8));
            if (Packed.KindAt(ByteSource.FromMemory("packed", changed), 0) is null)
                continue;
            try
            {
                Packed.DecodeAll(ByteSource.FromMemory("packed", changed), run => { });
            }
            catch (Exception fault) when (fault is CorruptImageException or UnsupportedImageException)
            {
                Assert.StartsWith("packed: ", fault.Message, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Summed))]
    public void Something_else_behind_it_is_refused_with_its_place(string command)
    {
        byte[] packed = Packers.Pack(command, Sample(5_000));
        CorruptImageException fault = Assert.Throws<CorruptImageException>(() => Decode([.. packed, .. "garbage"u8]));
        Assert.Equal(packed.Length, fault.Offset);
        Assert.Contains("something else follows", fault.Message);
        fault = Assert.Throws<CorruptImageException>(() => Decode([.. packed, .. new byte[5000], 1]));
        Assert.Equal(packed.Length, fault.Offset);
    }

    [Theory]
    [InlineData("zstd -3")]
    [InlineData("lz4 -1")]
    public void Frames_to_be_skipped_are_skipped(string command)
    {
        byte[] plain = Sample(5_000), packed = Packers.Pack(command, plain);
        byte[] skipped = [0x5A, 0x2A, 0x4D, 0x18, 5, 0, 0, 0, 1, 2, 3, 4, 5];
        Assert.Equal([.. plain, .. plain], Decode([.. skipped, .. packed, .. skipped, .. skipped, .. packed, .. skipped]));
        CorruptImageException fault = Assert.Throws<CorruptImageException>(() => Decode([.. packed, .. skipped[..^1]]));
        Assert.Contains("is cut off", fault.Message);
    }

    [Fact]
    public void Headers_of_gzip_may_have_a_name_a_comment_and_more()
    {
        byte[] plain = TarBuilder.Bytes("hello"), packed = Packers.Pack("gzip -n", plain);
        byte[] head = [.. packed[..3], 0x1E, .. packed[4..10], 3, 0, 9, 8, 7, .. "name\0comment\0"u8, 0, 0];
        Assert.Equal(plain, Decode([.. head, .. packed[10..]]));
        packed[3] = 0x20;
        Assert.Contains("flags 20", Assert.Throws<CorruptImageException>(() => Decode(packed)).Message);
    }

    [Fact]
    public void What_is_not_known_is_refused_by_name()
    {
        AssertUnknown(Packers.Pack("xz --x86 --lzma2", new byte[1000]), "the filter 04 in front of others");
        byte[] largeWindow = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x90, 0x01, 0x00, 0x00, .. new byte[20]];      // 256 MiB
        AssertUnknown(largeWindow, "a window of more than 128 MiB");
    }

    private static void AssertUnknown(byte[] packed, string expected)
    {
        UnsupportedImageException fault = Assert.Throws<UnsupportedImageException>(() => Decode(packed));
        Assert.Contains(expected, fault.Message);
        Assert.Contains("-d", fault.Advice);
    }
}
