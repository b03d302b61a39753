using System.Text;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;
using Trees = Lamina.Tests.Exporting.Trees;

namespace Lamina.Tests.Merging;

/// <summary>Layers that take their time to answer, as over a network, are merged with few reads.</summary>
public class SlowSourceTests
{
    private const int Milliseconds = 5, Directories = 600, FilesEach = 10;

    private static readonly WriteOptions s_index = TestImages.Index with { ComputeDigests = false };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Merging_thousands_of_files_takes_few_reads_and_none_twice(bool planOnly)
    {
        ImageFile[] files = [Make(0), Make(1)];
        WatchedSource[] sources = [.. files.Select(file => new WatchedSource(ByteSource.OpenFile(file.Path), Milliseconds))];
        string slow = Scratch.NewPath("slow.erofs"), quick = Scratch.NewPath("quick.erofs");
        if (planOnly)
        {
            Merge(sources, (root, layers) => ImageWriter.Plan(root, layers, slow, s_index));
        }
        else
        {
            Merge(sources, (root, layers) => ImageWriter.Write(root, layers, slow, s_index));
            Merge([.. files.Select(file => ByteSource.OpenFile(file.Path))],
                (root, layers) => ImageWriter.Write(root, layers, quick, s_index));
            Assert.True(File.ReadAllBytes(slow).AsSpan().SequenceEqual(File.ReadAllBytes(quick)));
        }
        Assert.InRange(sources.Sum(source => source.Reads), 2, 150);
        // Opening reads the superblock more than once: to know the kind, to read it, to check it.
        Assert.All(sources, source => Assert.Empty(source.PagesReadAgain(1)));
    }

    private static void Merge(ByteSource[] sources, Action<Node, Layer[]> action)
    {
        Layer[] layers = [.. sources.Select(source => LayerOpener.Open(source, []))];
        action(Merger.Merge(layers), layers);
        foreach (Layer layer in layers)
            layer.Dispose();
    }

    /// <summary>
    /// An image of 6,600 inodes, with links and tails of up to 3 KiB, so that its metadata has many megabytes.
    /// </summary>
    private static ImageFile Make(int number) => TestImages.Of(Trees.Root([.. Enumerable.Range(0, Directories)
        .Select(directory => Trees.Directory($"directory-{directory + number * 100:d4}", [.. Enumerable.Range(0, FilesEach)
            .Select(file => file == 0 ? Trees.Link("link", $"file-1-{number}") : Trees.File($"file-{file}-{number}",
                new string((char)('a' + file), 6000 + (directory * 37 + file * 101) % 3000)))]))]));
}
