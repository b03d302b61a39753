using Lamina.Format;
using Lamina.Fuzz;
using Lamina.Images;
using Lamina.Reading;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Writing;

/// <summary>What kernels cannot read is not written: clusters behind zeros, and what is too new for a kernel.</summary>
public class KernelLimitTests
{
    [Theory]
    [InlineData("lz4hc-64k.erofs", 512)]
    [InlineData("ztail.erofs", 1024)]
    [InlineData("lzma.erofs", 512)]
    public void Clusters_of_larger_blocks_are_read_by_the_kernel_after_a_merge(string image, int blockSize)
    {
        KernelMount.SkipUnlessPossible();
        WriteResult result = Merge.ToFile([Corpus.PathOf(image)],
            new WriteOptions { Mode = OutputMode.Full, Kernel = KernelProfile.Linux615, BlockSize = blockSize });
        using KernelMount mount = KernelMount.Erofs(result.Path);
        Assert.Equal(Corpus.Truth(image).Where(IsFile), mount.Manifest().Where(IsFile));

        static bool IsFile(string row) => row.Contains("\"type\": \"f\"");
    }

    [Fact]
    public void An_extent_begins_where_its_data_begins()
    {
        const int block = 16384, padding = 9000;
        byte[] cluster = new byte[block];
        cluster.AsSpan(padding).Fill(7);
        Original original = new(ByteSource.FromMemory("layer", cluster), OriginalKind.Erofs);
        ClusterMap map = new()
        {
            Size = 60000,
            BlockSize = block,
            Extents = [new ClusterExtent(0, 60000, original, 0, block, ClusterEncoding.Lz4, false)],
            Blocks = 1,
            FragmentStart = 60000,
        };
        ClusterExtent trimmed = Assert.Single(ClusterTrimmer.Trim(map, 4096, out _).Extents);
        Assert.Equal((padding, block - padding), ((int)trimmed.Offset, trimmed.EncodedLength));
        Assert.Same(map, ClusterTrimmer.Trim(map, block, out _));
    }

    [Fact]
    public void A_cluster_whose_first_block_is_zeros_is_named()
    {
        byte[] cluster = new byte[8192];
        cluster.AsSpan(5000).Fill(7);
        Original original = new(ByteSource.FromMemory("layer", cluster), OriginalKind.Erofs);
        ClusterExtent extent = new(0, 60000, original, 0, cluster.Length, ClusterEncoding.Lz4, false);
        ClusterMap map = new() { Size = 60000, BlockSize = 4096, Extents = [extent], Blocks = 2, FragmentStart = 60000 };
        CorruptImageException fault = Assert.Throws<CorruptImageException>(
            () => ClusterDecoding.Decode(map, extent, new byte[60000]));
        Assert.Contains("only zeros in its first block", fault.What);
    }

    [Fact]
    public void Clusters_counted_in_small_blocks_are_no_more_than_kernels_take()
    {
        byte[] layer = File.ReadAllBytes(Corpus.PathOf("lz4hc-64k.erofs"));
        int record = SuperBlock.Offset + SuperBlock.Parse(layer.AsSpan(SuperBlock.Offset, SuperBlock.ParsedSize)).Size;
        layer[record + 4] = 255;                            // z_erofs_lz4_cfgs.max_pclusterblks
        Subject.Sum(layer);
        string path = Scratch.NewPath("lz4.erofs");
        File.WriteAllBytes(path, layer);
        WriteResult result = Merge.ToFile([path],
            new WriteOptions { Mode = OutputMode.Full, Kernel = KernelProfile.Linux615, BlockSize = 512 });
        using ErofsImage merged = ErofsImage.Open(result.Path);
        Assert.Equal(CompressionConfigs.MaxLz4ClusterBlocks, merged.Configs.Lz4MaxClusterBlocks);
    }

    [Fact]
    public void Small_blocks_are_refused_for_kernels_without_them()
    {
        WriteOptions options = new() { Mode = OutputMode.Full, Kernel = KernelProfile.Linux61, BlockSize = 512 };
        UnsupportedImageException refusal = Assert.Throws<UnsupportedImageException>(
            () => MergedImage.Plan([Corpus.PathOf("extended.erofs")], Scratch.NewPath("out"), options));
        Assert.Contains("only from 6.4 on", refusal.Message);
    }

    [Fact]
    public void A_link_that_old_kernels_read_has_inode_and_target_in_one_block()
    {
        Node link = new() { Type = NodeType.SymbolicLink, Permissions = 0x1FF, Payload = new byte[100] };
        InodeLayout layout = new(512);
        for (int i = 0; i < 40; i++)
        {
            PlannedInode inode = new(link, null) { InlineAt = 32, InlineSize = 100 + i, IsWithinOneBlock = true };
            layout.Place(inode);
            Assert.True(inode.Position % 512 + inode.TotalSize <= 512, $"{inode.Position} + {inode.TotalSize}");
        }
    }
}
