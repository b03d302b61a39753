using System.Buffers.Binary;
using Lamina.Checking;
using Lamina.Format;
using Lamina.Images;
using Lamina.Reading;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Reading;

/// <summary>
/// Forms that no tool at hand writes, made from images that it does write: LZ4 without 0-padding (before Linux 5.3), holes in
/// cluster indexes (Linux 7.2). And a metabox together with a device, which the corpus has not.
/// </summary>
public class RareFormTests
{
    private const int IncompatibleAt = SuperBlock.Offset + 80, AlgorithmsAt = SuperBlock.Offset + 84;

    [Fact]
    public void Inodes_in_a_metabox_and_data_on_a_device_are_read_and_merged()
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "Fixtures");
        string[] paths = [Path.Combine(folder, "metabox-device.erofs"), Path.Combine(folder, "metabox-device.blob")];
        using ErofsImage image = ErofsImage.Open(paths[0], paths[1]);
        Assert.NotEqual(0UL, image.GetEntry("/d/numbers").Nid >> 63);
        using StreamReader numbers = new(image.Root.Get("/symlink", followLinks: true).OpenRead());
        Assert.Equal(string.Concat(Enumerable.Range(1, 900).Select(i => $"{i}\n")), numbers.ReadToEnd());
        Assert.Equal(image.GetEntry("/small").Nid, image.GetEntry("/d/link").Nid);
        Assert.Empty(ImageChecker.Check(image).Faults);
        string layer = string.Join('@', paths);
        foreach (OutputMode mode in Enum.GetValues<OutputMode>())
        {
            WriteResult result = Merge.ToFile([layer], new WriteOptions { Mode = mode });
            string merged = string.Join('@', [result.Path, .. result.Devices]);
            Assert.True(MergedImage.Compare(merged, [layer]).AreSame);
        }
    }

    [Theory]
    [InlineData("lz4.erofs")]
    [InlineData("lz4-full.erofs")]
    public void Lz4_without_padding_in_front_is_read_and_not_merged(string name)
    {
        byte[] bytes = Unpadded(name);
        using (ErofsImage image = ErofsImage.Open(ByteSource.FromMemory(name, bytes)))
        {
            Assert.Equal(Corpus.Truth(name), TreeManifest.Of(image));
            Assert.Empty(ImageChecker.Check(image).Faults);
        }
        string path = Scratch.NewPath(name), output = Scratch.NewPath("merged.erofs");
        File.WriteAllBytes(path, bytes);
        UnsupportedImageException refusal = Assert.Throws<UnsupportedImageException>(() => MergedImage.Create([path], output));
        Assert.Contains("without 0padding", refusal.Feature);
        // What can be read can also be looked at.
        Assert.Contains("lz4", Cli.CliRun.Of("stat", "--extents", path, "/text/65536").MustSucceed().Output);
    }

    [Fact]
    public void A_head_that_is_marked_as_hole_reads_as_zeros()
    {
        byte[] bytes = Sparse(out DataRange hole);
        using ErofsImage image = ErofsImage.Open(ByteSource.FromMemory("sparse", bytes));
        AssertHole(image, hole);
        Assert.Empty(ImageChecker.Check(image).Faults);
    }

    [Theory]
    [InlineData(OutputMode.Flat, "6.1")]
    [InlineData(OutputMode.Index, "6.15")]
    [InlineData(OutputMode.Full, "6.12")]
    [InlineData(OutputMode.Full, "6.15")]
    public void A_hole_stays_zeros_when_it_is_merged(OutputMode mode, string kernel)
    {
        string path = Scratch.NewPath("sparse.erofs");
        File.WriteAllBytes(path, Sparse(out DataRange hole));
        Assert.True(KernelProfile.TryParse(kernel, out KernelProfile profile));
        WriteResult result = Merge.ToFile([path], new WriteOptions { Mode = mode, Kernel = profile });
        using ErofsImage source = ErofsImage.Open(path), merged = ErofsImage.Open(result.Path, [.. result.Devices]);
        Assert.Equal(TreeManifest.Of(source), TreeManifest.Of(merged));
        AssertZeros(merged, hole);
    }

    [Fact]
    public void A_count_of_0_blocks_is_a_hole_in_both_kinds_of_index()
    {
        ClusterRecord head = ClusterRecord.Head(ClusterType.Head1, 5, 10, false);
        ClusterRecord hole = ClusterRecord.NonHead(1, 1, 0) with { IsHole = true };
        byte[] full = new byte[ClusterRecord.Size];
        hole.WriteTo(full);
        Assert.True(ClusterRecord.Parse(full) is { IsHole: true, Count: 0, Back: 1, IsHead: false });
        (head with { IsHole = true }).WriteTo(full);
        Assert.True(ClusterRecord.Parse(full) is { IsHole: true, Block: 10, Offset: 5, IsHead: true });

        CompactIndex index = new(0, 2, 12, IsBig: true, Has2B: false);
        byte[] pack = new byte[8];
        ClusterRecord[] records = new ClusterRecord[2];
        Assert.True(index.TryWritePack([head, hole], pack));
        Assert.True(index.TryParsePack(pack, records));
        Assert.True(records[0] is { IsHead: true, Block: 10 });
        Assert.True(records[1] is { IsHole: true, Count: 0, Back: 1 });
    }

    /// <summary>
    /// An image whose LZ4 data begins with each cluster, and whose superblock says neither codec nor configuration.
    /// </summary>
    private static byte[] Unpadded(string name)
    {
        byte[] bytes = File.ReadAllBytes(Corpus.PathOf(name));
        using ErofsImage image = ErofsImage.Open(Corpus.PathOf(name));
        foreach (ImageEntry entry in ReadingCorpusTests.Files(image).DistinctBy(entry => entry.Nid))
        {
            if (image.OpenContent(entry.Inode) is not ImageEncodedContent content)
                continue;
            foreach (ClusterExtent extent in content.ReadOwnMap().Extents.Where(extent => extent.Encoding == ClusterEncoding.Lz4))
            {
                Span<byte> cluster = bytes.AsSpan((int)extent.Offset, extent.EncodedLength);
                byte[] data = cluster[cluster.IndexOfAnyExcept((byte)0)..].ToArray();
                cluster.Clear();
                data.CopyTo(cluster);
            }
        }
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(IncompatibleAt), 0);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(AlgorithmsAt), 0);
        SuperBlock.WriteChecksum(bytes.AsSpan(SuperBlock.Offset, image.BlockSize - SuperBlock.Offset));
        return bytes;
    }

    /// <summary>An image of which the second cluster of one file is a hole.</summary>
    private static byte[] Sparse(out DataRange hole)
    {
        byte[] bytes = File.ReadAllBytes(Corpus.PathOf("lz4-full.erofs"));
        using ErofsImage image = ErofsImage.Open(Corpus.PathOf("lz4-full.erofs"));
        Inode inode = image.GetEntry("/text/200001").Inode;
        ImageEncodedContent content = (ImageEncodedContent)image.OpenContent(inode);
        ClusterExtent second = content.ReadOwnMap().Extents[1];
        long index = ((inode.End + 7) & ~7L) + MapHeader.Size + ClusterRecord.FullIndexPadding;
        bytes[index + (second.Logical >> 12) * ClusterRecord.Size + 1] |= 0x40;
        hole = new DataRange(second.Logical, second.Length);
        return bytes;
    }

    private static void AssertHole(ErofsImage image, DataRange hole)
    {
        DataRange[] ranges = [.. image.GetEntry("/text/200001").OpenReader().EnumerateDataRanges()];
        long end = hole.Offset + hole.Length;
        Assert.Equal([new DataRange(0, hole.Offset), new DataRange(end, 200001 - end)], ranges);
        AssertZeros(image, hole);
    }

    private static void AssertZeros(ErofsImage image, DataRange hole)
    {
        byte[] part = new byte[hole.Length + 2];
        image.GetEntry("/text/200001").OpenReader().Read(hole.Offset - 1, part);
        Assert.Equal(-1, part.AsSpan(1..^1).IndexOfAnyExcept((byte)0));
        Assert.NotEqual(0, part[0]);
        Assert.NotEqual(0, part[^1]);
    }
}
