using System.Text;
using Lamina.Checking;
using Lamina.Format;
using Lamina.Reading;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Trees = Lamina.Tests.Exporting.Trees;

namespace Lamina.Tests.Reading;

/// <summary>What is wrong stays wrong however often it is read, and is told of the file that it is in.</summary>
public class RepeatedReadingTests
{
    [Fact]
    public void What_overlaps_is_refused_again_and_stands_in_nobody_elses_way()
    {
        MetadataClaims claims = new();
        Assert.True(claims.TryClaimInode(1024, 1088));
        for (int i = 0; i < 3; i++)
        {
            Assert.False(claims.TryClaimInode(992, 1056));
            Assert.False(claims.TryClaimTable(960, 1 << 20));
        }
        Assert.True(claims.TryClaimInode(992, 1024));
        Assert.True(claims.TryClaimInode(992, 1024));
        Assert.True(claims.TryClaimInode(1088, 1 << 20));
        Assert.True(claims.TryClaimInode(1024, 1088));
    }

    [Fact]
    public void A_fault_in_a_device_is_told_as_that_of_the_device_though_names_begin_alike()
    {
        byte[] image = File.ReadAllBytes(Corpus.PathOf("inline.erofs"));
        FaultList faults = new(ErofsImage.Open(ByteSource.FromMemory("img", image)), 10);
        CheckedFile whole = new(0, 1, null);
        faults.Add(whole, new CorruptImageException("img.blob", "is torn", null, 7));
        faults.Add(whole, new CorruptImageException("img", "is torn", null, 7));
        (ImageFault[] found, _) = faults.ToReport();
        Assert.Equal(("img.blob: is torn (byte 0x7)", null), (found[0].Message, found[0].Offset));
        Assert.Equal(("is torn", 7L), (found[1].Message, found[1].Offset!.Value));
    }

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    public void A_look_up_finds_what_a_listing_shows_and_nothing_else(int blockSize)
    {
        string[] names = [.. Enumerable.Range(0, 3000).Select(i => $"{(char)(i % 60 + 40)}-{i}"),
            "!", "\u00ff", "-", "...", ".a"];
        Entry[] files = [.. names.Select(name => Trees.File(name.Replace('/', '_'), ""))];
        ImageFile file = TestImages.Of(Trees.Root(Trees.Directory("d", files), Trees.Directory("empty")), blockSize);
        using ErofsImage image = ErofsImage.Open(file.Path);
        ImageEntry directory = image.GetEntry("/d");
        ImageEntry[] all = [.. directory.EnumerateEntries()];
        Assert.Equal(files.Length, all.Length);
        foreach (ImageEntry entry in all)
            Assert.Equal(entry.Nid, directory.Find(entry.Name.Span)!.Nid);
        foreach (string name in (string[])["", ".", "..", " ", "!!", "~", "-0", "\u00ff\u00ff"])
            Assert.Null(directory.Find(Encoding.UTF8.GetBytes(name)));
        Assert.Null(image.GetEntry("/empty").Find("a"u8));
    }

    [Fact]
    public void A_look_up_among_many_reads_few_blocks()
    {
        ImageFile file = TestImages.Of(Trees.Root([.. Enumerable.Range(0, 50_000).Select(i => Trees.File($"file-{i:d6}", ""))]));
        using CountingSource source = new(ByteSource.OpenFile(file.Path));
        using ErofsImage image = ErofsImage.Open(source);
        ImageEntry root = image.RootEntry();
        long before = source.Bytes, allocated = GC.GetAllocatedBytesForCurrentThread();
        Assert.NotNull(root.Find("file-031415"u8));
        Assert.InRange(source.Bytes - before, 1, 128 << 10);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 1, 128 << 10);
    }

    private sealed class CountingSource(ByteSource inner) : ByteSource
    {
        public long Bytes { get; private set; }

        public override string Name => inner.Name;

        public override long Length => inner.Length;

        public override int Read(long offset, Span<byte> destination)
        {
            int count = inner.Read(offset, destination);
            Bytes += count;
            return count;
        }

        protected override void Dispose(bool disposing) => inner.Dispose();
    }
}
