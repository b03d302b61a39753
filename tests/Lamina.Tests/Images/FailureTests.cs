using Lamina.Images;
using Lamina.Tests.Exporting;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Images;

/// <summary>What is left behind by work that failed: nothing that is open, and nobody who goes on.</summary>
public class FailureTests
{
    [Fact]
    public void A_failed_append_or_split_leaves_no_file_open()
    {
        ImageFile image = TestImages.Of(Exporting.Trees.Root(Exporting.Trees.File("a")));
        string index = TestImages.Merge(TestImages.Index, image, image).Path;
        string text = Scratch.NewPath("text");
        File.WriteAllText(text, new string('x', 10_000));
        foreach (string path in (string[])[index, Corpus.PathOf("plain.erofs"), text])
        {
            Assert.ThrowsAny<Exception>(() => MergedImage.Append(path, [image.Specification]));
            Assert.ThrowsAny<Exception>(() => MergedImage.Split(path, Scratch.NewPath("split")));
            Assert.DoesNotContain(path, OpenFiles());
        }
        Assert.ThrowsAny<Exception>(() => MergedImage.Append(image.Path, [text]));
        Assert.DoesNotContain(image.Path, OpenFiles());
    }

    [Fact]
    public void After_a_failed_merge_nobody_reads_the_layers()
    {
        using SlowSource slow = new();
        Original original = new(slow, OriginalKind.Device);
        Node file = Exporting.Trees.FileNode(new PlacedContent(4096, new PlacedExtent(0, original, 0, 4096), 4096));
        Layer layer = new()
        {
            Name = "slow",
            Root = Exporting.Trees.Root(new Entry("file"u8.ToArray(), file), Exporting.Trees.File("..")),
            Rules = WhiteoutRules.Overlay,
            Originals = [original],
            BlockSize = 4096,
        };
        Assert.Throws<CorruptImageException>(() => ImageWriter.Write(layer.Root, [layer], Scratch.NewPath("out.erofs")));
        int before = slow.Reads;
        Thread.Sleep(200);
        Assert.Equal(before, slow.Reads);
        Assert.InRange(before, 0, 100);
    }

    private static List<string> OpenFiles()
    {
        List<string> open = [];
        foreach (string descriptor in Directory.GetFileSystemEntries("/proc/self/fd"))
        {
            if (new FileInfo(descriptor).LinkTarget is { } target)
                open.Add(target);
        }
        return open;
    }

    /// <summary>A gigabyte that takes its time: whoever computes its digest is at it for long.</summary>
    private sealed class SlowSource : ByteSource
    {
        private int _reads;

        public int Reads => Volatile.Read(ref _reads);

        public override string Name => "slow";

        public override long Length => 1L << 30;

        public override int Read(long offset, Span<byte> destination)
        {
            Interlocked.Increment(ref _reads);
            Thread.Sleep(20);
            return (int)Math.Min(destination.Length, Length - offset);
        }
    }
}
