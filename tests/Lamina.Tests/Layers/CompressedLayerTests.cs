using Lamina.Images;
using Lamina.Layers;
using Lamina.Tests.Archives;
using Lamina.Tests.Cli;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Layers;

/// <summary>A compressed tar is a layer as the tar is, wherever a layer is named.</summary>
public class CompressedLayerTests
{
    private static byte[] Tar() => new TarBuilder().Directory("etc").File("etc/motd", "hello").Link("etc/two", "etc/motd")
        .File("data", new string('x', 300_000)).Symlink("link", "data").End().ToArray();

    /// <summary>A file of whatever a name stands for, as text.</summary>
    internal static string Read(string name, string path)
    {
        using Layer layer = OpenedLayers.OpenOne(name);
        using StreamReader reader = new(layer.Root.Get(path, followLinks: true).OpenRead());
        return reader.ReadToEnd();
    }

    private static string Write(string name, ReadOnlySpan<byte> bytes)
    {
        string path = Scratch.NewPath(name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    [Theory]
    [InlineData("gzip", "flat")]
    [InlineData("zstd", "flat")]
    [InlineData("xz", "full")]
    [InlineData("lz4", "flat")]
    [InlineData("bzip2", "full")]
    [InlineData("xz --format=lzma", "flat")]
    public void It_merges_to_the_same_tree(string command, string mode)
    {
        string tar = Write("layer", Tar()), packed = Write("layer", Packers.Pack(command, Tar())), image = Scratch.NewPath("out");
        CliRun.Of("merge", "--mode", mode, packed, "-o", image).MustSucceed();
        CliRun.Of("diff", tar, image).MustSucceed();
        CliRun.Of("diff", tar, packed).MustSucceed();
        CliRun.Of("check", image).MustSucceed();
        Assert.True(new FileInfo(image).Length < 320_000, "the tar is not part of the image");
        if (KernelMount.Obstacle is not null)
            return;
        using KernelMount mount = KernelMount.Erofs(image);
        Assert.Equal("hello", File.ReadAllText(Path.Combine(mount.Path, "etc/two")));
        Assert.Equal(300_000, new FileInfo(Path.Combine(mount.Path, "data")).Length);
    }

    [Fact]
    public void Verbs_that_look_into_layers_look_into_it()
    {
        string packed = Write("layer.tar.gz", Packers.Pack("gzip", Tar()));
        Assert.Equal("hello", Read(packed, "/etc/motd"));
        Assert.Contains("motd", CliRun.Of("ls", packed, "/etc").MustSucceed().Output);
        Assert.Contains("300,000", CliRun.Of("stat", packed, "/data").MustSucceed().Output.Replace("300000", "300,000"));
        CliRun.Of("build", packed, "-o", Scratch.NewPath("built")).MustSucceed();
    }

    [Fact]
    public void An_image_may_be_compressed_too()
    {
        string tar = Write("layer", Tar()), image = Scratch.NewPath("image"), merged = Scratch.NewPath("merged");
        CliRun.Of("merge", tar, "-o", image).MustSucceed();
        string packed = Write("image.zst", Packers.Pack("zstd", File.ReadAllBytes(image)));
        CliRun.Of("merge", packed, "-o", merged).MustSucceed();
        CliRun.Of("diff", tar, merged).MustSucceed();
    }

    [Fact]
    public void An_index_cannot_refer_to_it_and_says_what_to_do()
    {
        string packed = Write("layer.tar.xz", Packers.Pack("xz", Tar()));
        CliRun run = CliRun.Of("merge", "--mode", "index", packed, "-o", Scratch.NewPath("out"));
        Assert.Equal(3, run.Code);
        Assert.Contains("is compressed with xz, so there is no file that the image could refer to", run.Error);
        Assert.Contains("--mode flat", run.Error);
    }

    [Fact]
    public void It_is_an_input_that_no_output_replaces()
    {
        string packed = Write("layer.tar.gz", Packers.Pack("gzip", Tar()));
        byte[] before = File.ReadAllBytes(packed);
        CliRun run = CliRun.Of("merge", "--force", packed, "-o", packed);
        Assert.Equal(2, run.Code);
        Assert.Equal(before, File.ReadAllBytes(packed));
        Assert.Equal(2, CliRun.Of("export", packed, "-o", packed, "--force").Code);
        Assert.Equal(before, File.ReadAllBytes(packed));
    }

    [Fact]
    public void More_than_the_limit_is_refused_and_nothing_is_written()
    {
        string packed = Write("bomb.tar.gz", Packers.Pack("gzip -9", new byte[20 << 20])), output = Scratch.NewPath("out");
        UnsupportedImageException fault = Assert.Throws<UnsupportedImageException>(() =>
            LayerOpener.OpenAny(
            ByteSource.OpenFile(packed), [], new LayerOptions { SpoolBeside = output, MaxSize = 10 << 20 }));
        Assert.Equal($"{packed}: decompresses to more than {10 << 20} bytes", fault.Message);
        Assert.Contains("--max-size", fault.Advice);
        Assert.Empty(Directory.GetFileSystemEntries(Path.GetDirectoryName(output)!));
    }

    [Fact]
    public void What_is_compressed_again_and_again_is_refused()
    {
        byte[] once = Packers.Pack("gzip", Tar()), twice = Packers.Pack("xz", once);
        Assert.Contains("motd", CliRun.Of("ls", Write("twice", twice), "/etc").MustSucceed().Output);
        CliRun run = CliRun.Of("ls", Write("thrice", Packers.Pack("zstd", twice)), "/etc");
        Assert.Equal(3, run.Code);
        Assert.Contains("is compressed more than 2 times", run.Error);
    }

    [Fact]
    public void What_is_not_a_layer_when_decompressed_is_told()
    {
        CliRun run = CliRun.Of("ls", Write("text.gz", Packers.Pack("gzip", "no archive at all, just a text"u8)));
        Assert.Equal(3, run.Code);
        Assert.Contains("text.gz: is of no kind that is known", run.Error);
    }

    [Fact]
    public void A_full_disk_is_told_with_the_place()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can mount a small file system");
        string packed = Write("layer.tar.gz", Packers.Pack("gzip", new byte[8 << 20])), small = Scratch.NewFolder("small");
        Tools.Run("mount", "-t", "tmpfs", "-o", "size=1m", "none", small).MustSucceed();
        try
        {
            CliRun run = CliRun.Of("merge", packed, "-o", Path.Combine(small, "out"));
            Assert.Equal(4, run.Code);
            Assert.Contains($"{packed}: it is compressed with gzip, and what it holds is kept in {small}", run.Error);
            Assert.Empty(Directory.GetFileSystemEntries(small));
        }
        finally
        {
            Tools.Run("umount", small).MustSucceed();
        }
    }

    [Fact]
    public void It_comes_through_a_pipe()
    {
        string tar = Write("layer", Tar()), packed = Write("layer.zst", Packers.Pack("zstd", Tar()));
        string image = Scratch.NewPath("out"), pipe = Scratch.NewPath("pipe");
        Tools.Run("mkfifo", pipe).MustSucceed();
        Thread writing = new(() => File.WriteAllBytes(pipe, File.ReadAllBytes(packed)));
        writing.Start();
        CliRun.Of("merge", pipe, "-o", image).MustSucceed();
        writing.Join();
        CliRun.Of("diff", tar, image).MustSucceed();
    }
}
