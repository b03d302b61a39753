using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Writing;

namespace Lamina.Tests.Writing;

/// <summary>
/// What is mounted from files elsewhere, here through block devices: other limits, other ways through the kernel.
/// </summary>
public class LoopDeviceMountTests
{
    [Theory]
    [InlineData("plain", "lz4hc", "zstd-frag", OutputMode.Index)]
    [InlineData("zstd-frag", "zstd-frag", "zstd-frag", OutputMode.Index)]
    [InlineData("inline", "lzma", "chunk", OutputMode.Index)]
    [InlineData("lzma", "chunk", "inline", OutputMode.Flat)]
    [InlineData("zstd-frag", "lz4hc", "plain", OutputMode.Flat)]
    [InlineData("chunk", "zstd-frag", "lzma", OutputMode.Full)]
    [InlineData("lz4hc", "plain", "lz4hc", OutputMode.Full)]
    public void Loop_devices_show_what_files_show(string lower, string middle, string upper, OutputMode mode)
    {
        string[] layers = [Corpus.Layer("base", lower), Corpus.Layer("app", middle), Corpus.Layer("config", upper)];
        Check(layers, new WriteOptions { Mode = mode });
        Check(layers, new WriteOptions { Mode = mode, Kernel = KernelProfile.Linux615 });
    }

    [Fact]
    public void A_tar_beside_compressed_layers_is_read_through_a_loop_device_up_to_its_odd_end()
    {
        Check([Corpus.PathOf("base.tar"), Corpus.Layer("app", "lz4hc"), Corpus.Layer("config", "lzma")],
            new WriteOptions { Mode = OutputMode.Index, Kernel = KernelProfile.Linux615 });
        Check([Corpus.PathOf("base.tar"), Corpus.PathOf("app.tar"), Corpus.Layer("config", "plain")],
            new WriteOptions { Mode = OutputMode.Index });
    }

    private static void Check(string[] layers, WriteOptions options)
    {
        KernelMount.SkipUnlessPossible();
        WriteResult result = Merge.ToFile(layers, options);
        using KernelMount mount = KernelMount.ErofsByLoop(result.Path, [.. result.Devices]);
        Assert.Equal(Corpus.MergedTruth(), mount.Manifest(noLinkCounts: true));
    }
}
