using Lamina.Reading;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Reading;

/// <summary>Every image of the corpus, read without kernel or root, is what the kernel showed of it.</summary>
public class ReadingCorpusTests
{
    private const int LargeFile = 64 << 20;

    public static TheoryData<string> Images => [.. Corpus.Images.Select(row => row.Name)];

    internal static ErofsImage Open(string name)
    {
        CorpusRow row = Corpus.Row(name);
        return ErofsImage.Open(row.ImagePath, row.DevicePaths);
    }

    [Theory]
    [MemberData(nameof(Images))]
    public void An_image_shows_what_the_kernel_showed(string name)
    {
        using ErofsImage image = Open(name);
        Assert.Equal(Corpus.Truth(name), TreeManifest.Of(image));
    }

    [Theory]
    [MemberData(nameof(Images))]
    public void Reads_at_random_places_equal_the_whole_read_at_once(string name)
    {
        using ErofsImage image = Open(name);
        foreach (ImageEntry entry in Files(image).Where(entry => entry.Size is > 0 and < LargeFile))
        {
            byte[] whole = new byte[entry.Size];
            ContentSource reader = entry.OpenReader();
            Assert.Equal(whole.Length, reader.Read(0, whole));
            AssertRandomReads(reader, whole, 1);
        }
    }

    [Theory]
    [InlineData("lz4hc-64k.erofs")]
    [InlineData("frag-all-dedupe.erofs")]
    [InlineData("layer-app-lzma.erofs")]
    public void Several_threads_read_the_same_files_at_once(string name)
    {
        using ErofsImage image = Open(name);
        ImageEntry[] entries = [.. Files(image).Where(entry => entry.Size is > 0 and < LargeFile).Take(60)];
        byte[][] wholes = [.. entries.Select(entry =>
        {
            byte[] whole = new byte[entry.Size];
            entry.OpenRead().ReadExactly(whole);
            return whole;
        })];
        ContentSource[] readers = [.. entries.Select(entry => entry.OpenReader())];
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, seed =>
        {
            for (int i = 0; i < readers.Length; i++)
                AssertRandomReads(readers[i], wholes[i], seed);
        });
        Assert.InRange(image.Clusters.Weight, 0, ClusterCache.UsualCapacity);
    }

    [Theory]
    [MemberData(nameof(Images))]
    public void Data_ranges_hold_all_that_is_not_zero(string name)
    {
        using ErofsImage image = Open(name);
        foreach (ImageEntry entry in Files(image))
        {
            ContentSource reader = entry.OpenReader();
            long end = -1;
            foreach (DataRange range in reader.EnumerateDataRanges())
            {
                Assert.True(range.Length > 0 && range.Offset > end, "ranges are in order, and apart");
                AssertZeros(reader, end < 0 ? 0 : end, range.Offset);
                end = range.Offset + range.Length;
            }
            Assert.InRange(end, -1, entry.Size);
            AssertZeros(reader, Math.Max(end, 0), entry.Size);
        }
    }

    internal static IEnumerable<ImageEntry> Files(ErofsImage image)
    {
        Stack<ImageEntry> open = new([image.RootEntry()]);
        while (open.TryPop(out ImageEntry? directory))
        {
            foreach (ImageEntry entry in directory.EnumerateEntries())
            {
                if (entry.IsDirectory)
                    open.Push(entry);
                else if (entry.Type == NodeType.RegularFile)
                    yield return entry;
            }
        }
    }

    private static void AssertRandomReads(ContentSource reader, byte[] whole, int seed)
    {
        Random dice = new(seed);
        byte[] part = new byte[70_000];
        for (int i = 0; i < 8; i++)
        {
            int offset = dice.Next(whole.Length + 10), length = dice.Next(dice.Next(2) == 0 ? 100 : part.Length);
            int count = reader.Read(offset, part.AsSpan(0, length));
            int expected = Math.Clamp(whole.Length - offset, 0, length);
            Assert.Equal(expected, count);
            Assert.True(part.AsSpan(0, count).SequenceEqual(whole.AsSpan(Math.Min(offset, whole.Length), count)));
        }
    }

    private static void AssertZeros(ContentSource reader, long start, long end)
    {
        // The largest sparse files have holes of terabytes; their edges are enough there.
        byte[] part = new byte[(int)Math.Min(end - start, 1 << 20)];
        foreach (long at in (long[])[start, end - part.Length])
        {
            Assert.Equal(part.Length, reader.Read(at, part));
            Assert.Equal(-1, part.AsSpan().IndexOfAnyExcept((byte)0));
        }
    }
}
