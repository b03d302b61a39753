using Lamina.Reading;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Reading;

/// <summary>
/// After a warm-up, reading makes no garbage: a server that reads images for days must not be stopped by its collector.
/// </summary>
public class AllocationTests
{
    [Theory]
    [InlineData("inline.erofs")]
    [InlineData("chunk-64k.erofs")]
    [InlineData("lz4hc-64k.erofs")]
    [InlineData("zstd-64k.erofs")]
    [InlineData("deflate.erofs")]
    [InlineData("lzma.erofs")]
    [InlineData("frag-all-dedupe.erofs")]
    [InlineData("48bit.erofs")]
    public void A_read_after_the_warm_up_allocates_nothing(string name)
    {
        using ErofsImage image = ErofsImage.Open(Corpus.PathOf(name));
        string[] paths = ["/text/200001", "/noise/70001", "/text/65537"];
        ContentSource[] readers = [.. paths.Select(path => image.GetEntry(path).OpenReader())];
        byte[] small = new byte[4096], large = new byte[300_000];
        ReadAll(readers, small, large);
        ReadAll(readers, small, large);
        long before = GC.GetAllocatedBytesForCurrentThread();
        ReadAll(readers, small, large);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void ReadAll(ContentSource[] readers, byte[] small, byte[] large)
    {
        foreach (ContentSource reader in readers)
        {
            for (long at = 0; at < reader.Length; at += small.Length)
                reader.Read(at, small);
            reader.Read(0, large);
        }
    }
}
