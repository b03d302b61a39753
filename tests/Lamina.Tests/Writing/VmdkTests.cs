using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Writing;

namespace Lamina.Tests.Writing;

public class VmdkTests
{
    [Theory]
    [InlineData("plain")]
    [InlineData("zstd-frag")]
    public void A_vmdk_read_back_by_qemu_is_the_flat_image(string layout)
    {
        KernelMount.SkipUnlessPossible();
        Tools.Require("qemu-img");
        string[] layers = [.. Corpus.LayerNames.Select(name => Corpus.Layer(name, layout))];
        AssertReadBack(layers);
    }

    [Fact]
    public void A_vmdk_over_tars_pads_what_is_not_whole_pages()
    {
        KernelMount.SkipUnlessPossible();
        Tools.Require("qemu-img");
        AssertReadBack([Corpus.PathOf("base.tar"), Corpus.Layer("app", "inline"), Corpus.Layer("config", "chunk")]);
    }

    private static void AssertReadBack(string[] layers)
    {
        string vmdk = Scratch.NewPath("disk.vmdk");
        WriteResult result = Merge.ToFile(layers, new WriteOptions { VmdkPath = vmdk });
        string raw = Scratch.NewPath("disk.raw");
        Tools.Run("qemu-img", ["convert", "-f", "vmdk", "-O", "raw", vmdk, raw]).MustSucceed();
        using (KernelMount mount = KernelMount.Erofs(raw))
            Assert.Equal(Corpus.MergedTruth(), mount.Manifest(noLinkCounts: true));
        using (KernelMount mount = KernelMount.ErofsByLoop(raw))
            Assert.Equal(Corpus.MergedTruth(), mount.Manifest(noLinkCounts: true));
        Assert.True(result.Length < new FileInfo(raw).Length, "the originals were copied");
        Assert.All(File.ReadLines(vmdk).Where(line => line.StartsWith("RW", StringComparison.Ordinal)),
            line => Assert.True(long.Parse(line.Split(' ')[1]) * 512 < 2L << 30, line));
    }

    [Fact]
    public void Extents_of_large_files_stay_below_2_GiB_and_their_parts_follow_one_another()
    {
        string folder = Scratch.NewFolder("large");
        string large = Path.Combine(folder, "large name.tar");
        File.Copy(Corpus.PathOf("base.tar"), large);
        using (FileStream stream = File.OpenWrite(large))
            stream.SetLength(5L << 30);
        string vmdk = Path.Combine(folder, "disk.vmdk");
        Merge.ToFile([large], new WriteOptions { VmdkPath = vmdk, ComputeDigests = false });
        string[][] lines = [.. File.ReadLines(vmdk).Where(line => line.Contains("large name.tar")).Select(line =>
            line.Split('"'))];
        Assert.Equal(3, lines.Length);
        long expected = 0;
        foreach (string[] parts in lines)
        {
            Assert.Equal(expected, long.Parse(parts[2]));
            expected += long.Parse(parts[0].Split(' ')[1]);
        }
        Assert.Equal((5L << 30) / 512, expected);
    }
}
