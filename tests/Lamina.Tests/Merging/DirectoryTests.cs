using Lamina.Layers;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Merging;

/// <summary>Directories of all sizes, names of all kinds, trees as deep as paths go and deeper.</summary>
public class DirectoryTests
{
    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    public void Directories_of_every_size_around_blocks_have_a_body_and_an_inline_tail(int blockSize)
    {
        Node file = Grow.File("x");
        // Names of 10 bytes: 22 bytes a record. Sizes pass one, two and three blocks in steps of less than a record.
        List<(string, Node)> low = [], high = [];
        for (int count = 0; count * 22 < 3 * blockSize; count += blockSize / 170)
        {
            Node Half(int from) => Grow.DirectoryOf(new Traits { UserId = (uint)from },
                Enumerable.Range(0, count / 2).Select(i => new Entry(Grow.Bytes($"name-{2 * i + from:d5}"), file)));
            low.Add(($"d{count}", Half(0)));
            high.Add(($"d{count}", Half(1)));
        }
        ImageFile[] layers = [TestImages.Of(Grow.Directory([.. low]), blockSize), TestImages.Of(Grow.Directory([.. high]),
            blockSize)];
        string[] expected = TestImages.Overlaid(layers);
        Assert.Equal(expected, TestImages.Shown(TestImages.Merge(TestImages.Full, layers)));
        Assert.Equal(expected, TestImages.Shown(TestImages.Merge(TestImages.Index with { BlockSize = 512 }, layers)));
    }

    [Fact]
    public void Names_that_sort_around_the_dots_and_names_of_any_bytes_are_found()
    {
        byte[][] names =
        [
            [1], "!"u8.ToArray(), "-"u8.ToArray(), ".!"u8.ToArray(), ".-"u8.ToArray(), "..."u8.ToArray(), "..!"u8.ToArray(),
                ".. "u8.ToArray(),
            ". "u8.ToArray(), ".a"u8.ToArray(), "0"u8.ToArray(), [0xFF], [0xC3, 0x28], "a\nb"u8.ToArray(), "\\"u8.ToArray(),
                "\""u8.ToArray(),
            [.. Enumerable.Repeat((byte)'n', 255)], [.. Enumerable.Repeat((byte)0xFE, 255)], " "u8.ToArray(), "~"u8.ToArray(),
        ];
        Node Layer(Func<int, bool> has, string data) => Grow.DirectoryOf(new Traits(),
            names.Where((_, i) => has(i)).Select(name => new Entry(name, Grow.File(data))).Append(new Entry("sub"u8.ToArray(),
                Grow.DirectoryOf(new Traits(), names.Where((_, i) => has(i + 1)).Select(name => new Entry(name, Grow.Fifo()))))));
        TestImages.AssertMergesAsOverlay(Layer(i => i % 2 == 0, "low"), Layer(i => i % 3 != 0, "high"));
        TestImages.AssertMergesAsOverlay(Grow.Directory(), Grow.Directory(("-", Grow.Fifo())),
            Grow.Directory(("..a", Grow.Fifo())));
    }

    [Fact]
    public void Trees_as_deep_as_any_path_merge_and_deeper_ones_are_refused()
    {
        KernelMount.SkipUnlessPossible();
        Node deepest = Grow.Directory(("leaf", Grow.File("deep")));
        ImageFile low = TestImages.Of(Grow.Nested(2046, "d", deepest));
        ImageFile high = TestImages.Of(Grow.Nested(2046, "d", Grow.Directory(("other", Grow.File("too")))));
        ImageFile merged = TestImages.Merge(TestImages.Full, low, high);
        using (Layer layer = LayerOpener.Open(merged.Path))
            Assert.Equal(2046 + 3, Trees.Walk(layer.Root).Count());
        using (KernelMount mount = merged.Mount())
        {
            // find(1) goes down directory by directory, so that it is not stopped by the length of a path.
            string found = Tools.Run("find", mount.Path, "-type", "f", "-printf", "%f %s\n").MustSucceed().Output;
            Assert.Equal("leaf 4\nother 3\n", found);
        }
        CorruptImageException fault = Assert.Throws<CorruptImageException>(() => TestImages.Of(Grow.Nested(2100, "d", deepest)));
        Assert.Contains("nested deeper than 2048", fault.Message);
    }

    [Fact]
    public void A_directory_with_more_names_than_are_read_at_once_is_whole()
    {
        KernelMount.SkipUnlessPossible();
        Node file = Grow.File("x");
        ImageFile image = TestImages.Of(Grow.DirectoryOf(new Traits(), Enumerable.Range(0, 60_000).Select(i =>
            new Entry(Grow.Bytes($"name-{i:d10}"), file))));
        ImageFile merged = TestImages.Merge(TestImages.Full, image,
            TestImages.Of(Grow.Directory(("name-0000000007", Grow.Whiteout()))));
        using KernelMount mount = merged.Mount();
        Assert.Equal(59_999, Directory.GetFiles(mount.Path).Length);
        Assert.False(File.Exists($"{mount.Path}/name-0000000007"));
    }
}
