using Lamina.Reading;
using Lamina.Tests.Generators;

namespace Lamina.Tests.Reading;

/// <summary>The cache that all metadata is read through: what it reads, what it keeps, and who waits for whom.</summary>
public class MetadataReaderTests
{
    private const int Mebibyte = 1 << 20;

    [Fact]
    public void Bytes_are_those_of_the_source_however_many_read_them()
    {
        byte[] bytes = Random(8 * Mebibyte + 1000);
        MetadataReader reader = new(ByteSource.FromMemory("image", bytes));
        Parallel.For(0, 8, worker =>
        {
            Random random = new(worker);
            using MetadataCursor cursor = new(reader);
            byte[] copy = new byte[100_000];
            for (int i = 0; i < 3000; i++)
            {
                int count = random.Next(i % 100 == 0 ? copy.Length : 300), position = random.Next(bytes.Length - count + 1);
                ReadOnlySpan<byte> expected = bytes.AsSpan(position, count);
                Assert.True(expected.SequenceEqual(cursor.Read(position, count)));
                Assert.True(expected.SequenceEqual(reader.Read(position, count)));
                reader.ReadExactly(position, copy.AsSpan(0, count));
                Assert.True(expected.SequenceEqual(copy.AsSpan(0, count)));
            }
        });
    }

    [Fact]
    public void A_span_stays_as_it_is_though_its_window_is_dropped()
    {
        byte[] bytes = Random(8 * Mebibyte);
        MetadataReader reader = new(ByteSource.FromMemory("image", bytes));
        ReadOnlySpan<byte> first = reader.Read(100, 500);
        using MetadataCursor held = new(reader), moving = new(reader);
        ReadOnlySpan<byte> second = held.Read(500_000, 500);
        for (int position = 0; position < bytes.Length; position += 4096)
            _ = moving.Read(position, 100);
        Assert.True(first.SequenceEqual(bytes.AsSpan(100, 500)));
        Assert.True(second.SequenceEqual(bytes.AsSpan(500_000, 500)));
    }

    [Fact]
    public void A_source_that_is_slow_to_answer_is_asked_for_more_and_for_nothing_twice()
    {
        byte[] bytes = Random(24 * Mebibyte);
        WatchedSource source = new(ByteSource.FromMemory("image", bytes), 3);
        MetadataReader reader = new(source);
        Random random = new(1);
        for (int i = 0; i < 3000; i++)
            _ = reader.Read(random.Next(bytes.Length - 64), 64);
        Assert.InRange(source.Reads, 24, 40);
        Assert.Empty(source.PagesReadAgain(0));
    }

    [Fact]
    public async Task Nobody_waits_for_a_window_but_those_who_need_it()
    {
        byte[] bytes = Random(Mebibyte);
        using GatedSource source = new(bytes);
        MetadataReader reader = new(source);
        CancellationToken stop = TestContext.Current.CancellationToken;
        Task<byte>[] first = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(() => reader.Read(5, 1)[0], stop))];
        source.Reached.Wait(stop);
        Assert.Equal(bytes[500_000], reader.Read(500_000, 1)[0]);
        Assert.False(first[0].IsCompleted || first[1].IsCompleted);
        source.Gate.Set();
        Assert.All(await Task.WhenAll(first), found => Assert.Equal(bytes[5], found));
        Assert.Equal(2, source.Reads);
    }

    [Fact]
    public void A_fault_concerns_only_who_needs_its_bytes()
    {
        byte[] bytes = Random(Mebibyte);
        FaultySource source = new(bytes, 40_000, bytes.Length);
        MetadataReader reader = new(source);
        Assert.Equal(bytes[33_000], reader.Read(33_000, 1)[0]);         // the page before, in the same window
        Assert.Equal(bytes[45_100], reader.Read(45_100, 1)[0]);
        Assert.Equal("the medium fails", Assert.Throws<IOException>(() => reader.Read(39_990, 64).Length).Message);
        Assert.Equal("the medium fails", Assert.Throws<IOException>(() => reader.Read(40_001, 4).Length).Message);
    }

    [Fact]
    public void A_source_that_became_shorter_is_told_of_and_what_it_still_has_is_read()
    {
        byte[] bytes = Random(Mebibyte);
        MetadataReader reader = new(new FaultySource(bytes, -1, 50_000));
        Assert.Equal(bytes[49_999], reader.Read(49_999, 1)[0]);
        CorruptImageException fault = Assert.Throws<CorruptImageException>(() => reader.Read(50_000, 1).Length);
        Assert.Equal((49_152, "faulty: ends at byte 1048576, 4096 bytes were expected here (byte 0xC000)"),
            (fault.Offset, fault.Message));
    }

    private static byte[] Random(int count)
    {
        byte[] bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }

    /// <summary>A source that reads its first page only when it may.</summary>
    private sealed class GatedSource(byte[] bytes) : ByteSource
    {
        private int _reads;

        public ManualResetEventSlim Gate { get; } = new();

        public ManualResetEventSlim Reached { get; } = new();

        public int Reads => _reads;

        public override string Name => "gated";

        public override long Length => bytes.Length;

        public override int Read(long offset, Span<byte> destination)
        {
            Interlocked.Increment(ref _reads);
            if (offset == 0)
            {
                Reached.Set();
                Gate.Wait();
            }
            bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);
            return destination.Length;
        }

        protected override void Dispose(bool disposing)
        {
            Gate.Dispose();
            Reached.Dispose();
        }
    }

    /// <summary>A source with a byte that cannot be read, or that ends before it says.</summary>
    private sealed class FaultySource(byte[] bytes, long fault, int end) : ByteSource
    {
        public override string Name => "faulty";

        public override long Length => bytes.Length;

        public override int Read(long offset, Span<byte> destination)
        {
            if (offset <= fault && fault < offset + destination.Length)
                throw new IOException("the medium fails");
            int count = (int)Math.Clamp(end - offset, 0, destination.Length);
            bytes.AsSpan((int)Math.Min(offset, end), count).CopyTo(destination);
            return count;
        }
    }
}
