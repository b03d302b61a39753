using Lamina.Layers;
using Lamina.Merging;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Merging;

/// <summary>What holds for any layers, held against the kernel for layers by dice.</summary>
public class RandomTreeTests
{
    private const int Rounds = 12;

    private static readonly MergeOptions s_keep = new() { KeepWhiteouts = true };

    public static TheoryData<int> Seeds(int from) => [.. Enumerable.Range(from, Rounds)];

    [Theory]
    [MemberData(nameof(Seeds), 1000)]
    public void Layers_written_in_any_form_merge_to_what_overlayfs_shows(int seed)
    {
        RandomTree dice = new(seed);
        ImageFile[] layers = [.. Enumerable.Range(0, 2 + dice.Roll(4)).Select(_ => NextForm(dice, dice.Next()))];
        string[] expected = TestImages.Overlaid(layers);
        Assert.Equal(expected, TestImages.Shown(TestImages.Merge(NextOptions(dice, OutputMode.Full), layers)));
        Assert.Equal(expected, TestImages.Shown(TestImages.Merge(NextOptions(dice, OutputMode.Flat), layers)));
        // In an index data of smaller blocks than its own has to be described by byte, which older kernels cannot read.
        WriteOptions index = TestImages.Index with { Kernel = dice.Roll(2) == 0 ? KernelProfile.Linux615 : null };
        if (index.Kernel is null)
            index = index with { BlockSize = 512 };
        Assert.Equal(expected, TestImages.Shown(TestImages.Merge(index, layers)));
    }

    [Theory]
    [MemberData(nameof(Seeds), 2000)]
    public void A_merge_that_keeps_whiteouts_stands_for_its_layers_in_an_overlay(int seed)
    {
        RandomTree dice = new(seed);
        ImageFile[] layers = [.. Enumerable.Range(0, 4).Select(_ => TestImages.Of(dice.Next()))];
        ImageFile kept = TestImages.MergeAs(TestImages.Full, s_keep, [.. layers[1..].Select(layer => layer.Specification)]);
        Assert.Equal(TestImages.Overlaid(layers), TestImages.Overlaid(layers[0], kept));
    }

    [Theory]
    [MemberData(nameof(Seeds), 3000)]
    public void Merging_in_steps_gives_what_merging_at_once_gives(int seed)
    {
        RandomTree dice = new(seed);
        string[] layers = [.. Enumerable.Range(0, 4).Select(_ => NextForm(dice, dice.Next()).Specification)];
        string[] expected = TestImages.Shown(TestImages.MergeAs(TestImages.Full, null, layers), noLinkCounts: false);
        ImageFile low = TestImages.MergeAs(TestImages.Full, s_keep, layers[..2]), high = TestImages.MergeAs(TestImages.Full,
            s_keep, layers[2..]);
        Assert.Equal(expected, TestImages.Shown(TestImages.MergeAs(TestImages.Full, null, low, high), noLinkCounts: false));
        Assert.Equal(expected, TestImages.Shown(TestImages.MergeAs(TestImages.Flat, null, low, layers[2], layers[3]),
            noLinkCounts: false));
        Assert.Equal(expected, TestImages.Shown(TestImages.MergeAs(TestImages.Full, null, layers[0],
            TestImages.MergeAs(TestImages.Full, s_keep, layers[1..])), noLinkCounts: false));
    }

    [Fact]
    public void The_same_layers_give_the_same_bytes_whoever_read_them_before()
    {
        RandomTree dice = new(4000);
        ImageFile[] images = [.. Enumerable.Range(0, 4).Select(_ => TestImages.Of(dice.Next()))];
        foreach (OutputMode mode in Enum.GetValues<OutputMode>())
        {
            WriteOptions options = new() { Mode = mode };
            byte[] expected = MergedBytes(options, images);
            Assert.Equal(expected, MergedBytes(options, images));

            Layer[] layers = new Layer[images.Length];
            Parallel.For(0, layers.Length, i => layers[i] = LayerOpener.Open(images[i].Specification));
            Node root = Merger.Merge(layers);
            Parallel.For(0, 8, _ => Assert.NotEmpty(Trees.Walk(root).ToArray()));
            string path = Scratch.NewPath("again.erofs");
            ImageWriter.Write(root, layers, path, options);
            Array.ForEach(layers, layer => layer.Dispose());
            Assert.Equal(expected, File.ReadAllBytes(path));
        }
    }

    [Fact]
    public void The_same_seed_grows_the_same_tree()
    {
        Assert.Equal(File.ReadAllBytes(TestImages.Of(new RandomTree(7).Next()).Path),
            File.ReadAllBytes(TestImages.Of(new RandomTree(7).Next()).Path));
    }

    private static byte[] MergedBytes(WriteOptions options, ImageFile[] images)
    {
        return File.ReadAllBytes(TestImages.MergeAs(options, null, [.. images.Select(image => image.Specification)]).Path);
    }

    /// <summary>A tree as an image: with blocks of any size, and perhaps written again as an index or a flat image.</summary>
    private static ImageFile NextForm(RandomTree dice, Node root)
    {
        ImageFile image = TestImages.Of(root, 512 << dice.Roll(4));
        return dice.Roll(4) switch
        {
            0 => TestImages.Merge(TestImages.Index with { Kernel = KernelProfile.Linux615 }, image),
            1 => TestImages.Merge(NextOptions(dice, OutputMode.Flat), image),
            _ => image,
        };
    }

    private static WriteOptions NextOptions(RandomTree dice, OutputMode mode)
    {
        KernelProfile?[] kernels = [null, KernelProfile.Linux61, KernelProfile.Linux612, KernelProfile.Linux615];
        WriteOptions options = new()
        {
            Mode = mode,
            Kernel = kernels[dice.Roll(4)],
            BlockSize = dice.Roll(2) == 0 ? null : 512 << dice.Roll(4),
        };
        // Linux 6.1 reads blocks as large as its pages only.
        bool isTooOld = options.Kernel == KernelProfile.Linux61 && options.BlockSize is not null;
        return isTooOld ? options with { BlockSize = 4096 } : options;
    }
}
