using Lamina.Compression;
using Lamina.Tests.Compression;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Exporting;

/// <summary>What is measured of the whole process is measured while nothing else runs.</summary>
[CollectionDefinition(nameof(ExtractMemoryTests), DisableParallelization = true)]
public class ExtractMemoryCollection;

/// <summary>How much memory extraction takes.</summary>
[Collection(nameof(ExtractMemoryTests))]
public class ExtractMemoryTests
{
    [Fact]
    public void Clusters_that_decode_to_gibibytes_of_zeros_take_neither_memory_nor_space()
    {
        string folder = Scratch.NewPath("bomb");
        byte[] cluster = Encode.Padded(Codec.Lz4, new byte[1 << 20], 0);
        Node bomb = Trees.FileNode(new FakeEncoded(1 << 20, 2000, Codec.Lz4, cluster));
        long before = GC.GetTotalAllocatedBytes();
        Trees.Extract(Trees.Root(new Entry(Trees.Bytes("bomb"), bomb)), folder);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 64 << 20);
        Assert.Equal(2000L << 20, new FileInfo(Path.Combine(folder, "bomb")).Length);
        Assert.Equal(0, ExtractTests.Blocks(Path.Combine(folder, "bomb")));
    }
}
