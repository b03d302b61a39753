using Lamina.Images;
using Lamina.Layers;
using Lamina.Reading;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Writing;

/// <summary>Sparse files that seem to be far larger than their data.</summary>
public class SparseGiantTests
{
    private const long Giga = 1_000_000_000;

    public static TheoryData<OutputMode, string, int?> Ways => new()
    {
        { OutputMode.Flat, "6.1", null }, { OutputMode.Flat, "6.15", null }, { OutputMode.Full, "6.12", null },
        { OutputMode.Index, "6.12", null }, { OutputMode.Flat, "6.12", 4096 }, { OutputMode.Full, "6.15", 4096 },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public void The_image_grows_with_the_data(OutputMode mode, string kernel, int? blockSize)
    {
        byte[] middle = new byte[3 << 20];
        new Random(1).NextBytes(middle);
        long size = 1000 * Giga, at = 500 * Giga / 512 * 512, last = size - 512;
        string tar = Scratch.NewPath("giant.tar"), output = Scratch.NewPath("giant.erofs");
        File.WriteAllBytes(tar, new TarBuilder().PaxSparse("1.0", "giant", size, (0, new byte[512]), (at, middle),
            (last, [.. new byte[508], .. "end!"u8])).End().ToArray());
        Assert.True(KernelProfile.TryParse(kernel, out KernelProfile profile));
        WriteResult result = MergedImage.Create([tar], output,
            new WriteOptions { Mode = mode, Kernel = profile, BlockSize = blockSize });
        Assert.InRange(result.Length, 1, 24 << 20);
        using Layer layer = LayerOpener.Open(string.Join('@', [output, .. result.Devices]));
        Node node = layer.Root.Listing.Find("giant"u8)!;
        ContentSource shown = node.Content.Open("giant");
        byte[] bytes = new byte[middle.Length + 8192];
        shown.ReadExactly(at - 4096, bytes);
        Assert.Equal([.. new byte[4096], .. middle, .. new byte[4096]], bytes);
        shown.ReadExactly(last, bytes.AsSpan(0, 512));
        Assert.Equal("end!"u8, bytes.AsSpan(508, 4));
        Assert.Equal(size, node.Content.Size);
    }
}
