using System.Security.Cryptography;
using CsCheck;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Writing;

/// <summary>A layout says all of an image before it is written, and all that is written follows it.</summary>
public class LayoutTests
{
    /// <summary>Bytes that must not change: who rebuilds an image expects its root hash to stay.</summary>
    [Theory]
    [InlineData("lz4hc", OutputMode.Flat, "6.12", "3f239a36eeca44cae6875a0d")]
    [InlineData("lz4hc", OutputMode.Full, "6.12", "e45d1eb3a1c6987ca9a8d6cc")]
    [InlineData("chunk", OutputMode.Index, "6.12", "666c49942826c052e9ed927d")]
    [InlineData("inline", OutputMode.Flat, "6.1", "db3c7343ee65e1d7ca89c21a")]
    [InlineData("lzma", OutputMode.Full, "6.12", "21f3a11990e8ed34d3123762")]
    [InlineData("zstd-frag", OutputMode.Flat, "6.15", "e7d581725b707e838d8cd43b")]
    [InlineData("zstd-frag", OutputMode.Full, "6.15", "960ef5d1212b6be759675fa2")]
    public void Outputs_are_the_same_bytes_as_ever(string layout, OutputMode mode, string kernel, string digest)
    {
        Assert.True(KernelProfile.TryParse(kernel, out KernelProfile profile));
        string[] layers = [Corpus.Layer("base", layout), Corpus.Layer("app", layout), Corpus.PathOf("config.tar")];
        string image = Merge.ToFile(layers, new WriteOptions { Mode = mode, Kernel = profile }).Path;
        Assert.StartsWith(digest, DigestOf(image));
    }

    [Theory]
    [InlineData(OutputMode.Flat)]
    [InlineData(OutputMode.Full)]
    [InlineData(OutputMode.Index)]
    public void Whatever_is_merged_is_laid_out_without_overlaps_and_streams_as_the_file_is(OutputMode mode)
    {
        string[] sources = ["base-plain", "app-chunk", "config-inline", "base-lz4hc", "app-lzma", "config-zstd-frag"];
        Gen.Shuffle(sources, 1, 4).Sample(names =>
        {
            string[] paths = [.. names.Select(name => Corpus.PathOf($"layer-{name}.erofs"))];
            WriteOptions options = new() { Mode = mode, Kernel = new KernelProfile(new Version(6, 15)) };
            string file = Scratch.NewPath("image");
            MergedImage.Create(paths, file, options);
            Layer[] layers = [.. paths.Select(path => LayerOpener.Open(path))];
            try
            {
                using LayoutPlanner planner = new(Merger.Merge(layers), layers, options);
                AssertSound(planner.Layout);
                using MemoryStream streamed = new();
                new LayoutSource("image", planner.Layout).CopyTo(streamed, null);
                Assert.True(File.ReadAllBytes(file).AsSpan().SequenceEqual(streamed.ToArray()), string.Join(' ', names));
            }
            finally
            {
                Array.ForEach(layers, layer => layer.Dispose());
                File.Delete(file);
            }
        }, iter: 12, threads: 1);
    }

    [Fact]
    public void A_stream_takes_neither_a_tree_nor_a_descriptor()
    {
        string[] layers = [Corpus.Layer("base", "plain")];
        foreach (WriteOptions options in (WriteOptions[])[new() { Verity = new() }, new() { VmdkPath = "disk.vmdk" }])
            Assert.Throws<ArgumentException>(() => MergedImage.Create(layers, Stream.Null, "-", options));
    }

    /// <summary>A store of blobs, as a registry is one: an output that the library does not know.</summary>
    [Fact]
    public void A_new_kind_of_output_needs_the_layout_alone()
    {
        string[] paths = [Corpus.Layer("base", "zstd-frag"), Corpus.PathOf("app.tar")];
        string file = Merge.ToFile(paths, new WriteOptions()).Path;
        Dictionary<string, byte[]> blobs = [];
        List<(long Address, string Blob)> manifest = [];
        Layer[] layers = [.. paths.Select(path => LayerOpener.Open(path))];
        using LayoutPlanner planner = new(Merger.Merge(layers), layers, new WriteOptions());
        foreach (Segment segment in planner.Layout.Body.Append(planner.Layout.Header!.Value))
        {
            byte[] bytes = new byte[segment.Length];
            segment.Source.ReadExactly(segment.Offset, bytes);
            string name = Convert.ToHexStringLower(SHA256.HashData(bytes));
            blobs[name] = bytes;
            manifest.Add((segment.Address, name));
        }
        Array.ForEach(layers, layer => layer.Dispose());

        byte[] image = new byte[planner.Layout.Length];
        foreach ((long address, string blob) in manifest)
            blobs[blob].CopyTo(image, address);
        Assert.Equal(File.ReadAllBytes(file), image);
        Assert.All(paths, path => Assert.Contains(DigestOf(path), blobs.Keys));
    }

    private static string DigestOf(string path) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)));

    private static void AssertSound(ImageLayout layout)
    {
        Segment header = layout.Header!.Value;
        Assert.Equal(0, header.Address);
        long end = header.End;
        foreach (Segment segment in layout.Body)
        {
            Assert.True(segment.Address >= end, $"a segment at {segment.Address}, the one before ends at {end}");
            Assert.InRange(segment.Offset, 0, segment.Source.Length - segment.Length);
            end = segment.End;
        }
        Assert.InRange(layout.Length - end, 0, 4095);
    }
}
