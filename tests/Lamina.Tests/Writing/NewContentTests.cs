using System.Security.Cryptography;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Tests.Exporting;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Writing;

/// <summary>
/// A kind of content that the library does not know: two runs of computed bytes with a hole between them. One class is all it
/// takes to merge, mount, compare and extract it.
/// </summary>
public class NewContentTests
{
    private sealed class Computed(long size) : Content
    {
        public override long Size => size;

        public override ContentSource Open(string name = "file") => new Source(name, size);

        private sealed class Source(string name, long size) : ContentSource(name, size)
        {
            private const long HoleStart = 5000, HoleEnd = 1 << 20;

            protected override IEnumerable<DataRange> EnumerateParts() =>
                [new DataRange(0, HoleStart), new DataRange(HoleEnd, Length - HoleEnd)];

            protected override void ReadWithin(long offset, Span<byte> destination)
            {
                for (int i = 0; i < destination.Length; i++)
                {
                    long at = offset + i;
                    destination[i] = at is >= HoleStart and < HoleEnd ? (byte)0 : (byte)(at % 251 + 1);
                }
            }
        }
    }

    private static readonly Content s_content = new Computed((1 << 20) + 70_001);

    [Theory]
    [InlineData(OutputMode.Flat, "6.1")]
    [InlineData(OutputMode.Flat, "6.15")]
    [InlineData(OutputMode.Full, "6.12")]
    [InlineData(OutputMode.Index, "6.15")]
    public void It_is_merged_over_an_image_and_read_by_the_kernel(OutputMode mode, string kernel)
    {
        Assert.True(KernelProfile.TryParse(kernel, out KernelProfile profile));
        using Layer lower = LayerOpener.Open(Corpus.Layer("base", "chunk"));
        using Layer upper = LayerOf(s_content);
        string path = Scratch.NewPath("image.erofs");
        WriteResult result = ImageWriter.Write(Merger.Merge([lower, upper]), [lower, upper], path,
            new WriteOptions { Mode = mode, Kernel = profile });

        byte[] data = new byte[s_content.Size];
        s_content.Open().ReadExactly(0, data);
        string row = Judge.Show(result.Path, result.Devices).Single(line => line.Contains("\"/computed\""));
        Assert.Contains(Convert.ToHexStringLower(SHA256.HashData(data)), row);
        Assert.InRange(result.Length, 1, lower.Originals[0].Length + (256 << 10));         // the hole is none of it
    }

    [Fact]
    public void It_is_extracted_with_its_hole_and_compared()
    {
        Node root = Trees.Root(new Entry(Trees.Bytes("computed"), Trees.FileNode(s_content)));
        string folder = Scratch.NewPath("out");
        Trees.Extract(root, folder);
        byte[] data = new byte[s_content.Size];
        s_content.Open().ReadExactly(0, data);
        Assert.Equal(data, File.ReadAllBytes(Path.Combine(folder, "computed")));
        Assert.InRange(ExtractTests.Blocks(Path.Combine(folder, "computed")), 1, 400);
        Node same = Trees.Root(new Entry(Trees.Bytes("computed"), Trees.FileNode(new BytesContent(data))));
        Assert.Empty(Lamina.Exporting.TreeComparison.Compare("a", root, "b", same).Differences);
    }

    private static Layer LayerOf(Content content) => new()
    {
        Name = "computed",
        Root = Trees.Root(new Entry(Trees.Bytes("computed"), Trees.FileNode(content))),
        Rules = WhiteoutRules.Overlay,
        Originals = [],
        BlockSize = 4096,
    };
}
