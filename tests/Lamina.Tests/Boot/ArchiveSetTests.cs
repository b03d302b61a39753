using Lamina.Boot;
using Lamina.Exporting;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Boot;

/// <summary>What archives do to each other is told before a machine does not start from them.</summary>
public class ArchiveSetTests
{
    private readonly string _layers = Build("layers.img", "100-layer", InitrdForm.InPlace, hasInit: true);

    [Fact]
    public void Archives_that_belong_together_are_taken()
    {
        string extra = Build("extra.img", "500-layer", InitrdForm.Files, hasInit: false);
        string others = Cpio(("etc", Grow.Directory()));
        Assert.Empty(Check(_layers, extra, others, Pack("zstd -1", others)));
        Assert.Empty(Check(Pack("gzip -1", Cpio(("init", Grow.File("other")))), _layers));
    }

    [Theory]
    [InlineData("")]
    [InlineData("xz -0 --check=crc32")]
    [InlineData("gzip -1")]
    public void An_init_of_another_archive_behind_the_layers_is_told(string packing)
    {
        string other = Pack(packing, Cpio(("init", Grow.Link("usr/lib/systemd/systemd"))));
        Assert.Equal($"{other} has an /init that is not in an archive by lamina initrd; it runs, and the layers in " +
            $"{_layers} are not used. Put {other} in front", Assert.Single(Check(_layers, other)));
    }

    [Fact]
    public void What_cannot_boot_is_refused()
    {
        string packed = Pack("zstd -1", _layers);
        Assert.Contains("is compressed with zstd, and layers in it lie in place: no boot would find them",
            Assert.Throws<UnsupportedImageException>(() => Check(packed)).Message);
        string same = Build("same.img", "100-layer", InitrdForm.Files, hasInit: false);
        Assert.Contains($"has a layer 100-layer, and so has {_layers}",
            Assert.Throws<UnsupportedImageException>(() => Check(_layers, same)).Message);

        byte[] bytes = File.ReadAllBytes(_layers);
        int list = bytes.AsSpan().IndexOf(" required in-place "u8);
        bytes[list - 1] ^= 1;
        string altered = Scratch.NewPath("altered.img");
        File.WriteAllBytes(altered, bytes);
        Assert.Contains("is not the list of layers that its name stands for",
            Assert.Throws<CorruptImageException>(() => Check(altered)).Message);

        byte[] front = File.ReadAllBytes(Pack("gzip -1", Cpio()));
        string joined = Scratch.NewPath("joined.img");
        File.WriteAllBytes(joined, [.. front, .. new byte[(-front.Length & 3) + 1], .. File.ReadAllBytes(_layers)]);
        int start = (front.Length + 3 & ~3) + 1;
        Assert.Contains($"an archive begins at byte {start}; where that is no multiple of 4, no kernel sees it",
            Assert.Throws<UnsupportedImageException>(() => Check(joined)).Message);
    }

    [Fact]
    public void Layers_in_place_are_seen_behind_what_is_compressed()
    {
        byte[] front = File.ReadAllBytes(Pack("gzip -1", Cpio()));
        string joined = Scratch.NewPath("joined.img");
        File.WriteAllBytes(joined, [.. front, .. new byte[-front.Length & 3], .. File.ReadAllBytes(_layers)]);
        using ByteSource source = ByteSource.OpenFile(joined);
        Assert.True(InitrdBuilder.HasLayersInPlace(source));
    }

    private static IReadOnlyList<string> Check(params string[] paths)
    {
        List<ByteSource> archives = [.. paths.Select(path => ByteSource.OpenFile(path))];
        try
        {
            return ArchiveSet.Check(archives);
        }
        finally
        {
            archives.ForEach(archive => archive.Dispose());
        }
    }

    private static string Build(string file, string layer, InitrdForm form, bool hasInit)
    {
        string init = Scratch.NewPath("init");
        File.WriteAllText(init, "program");
        return InitrdBuilder.Build([new InitrdLayer(Corpus.PathOf("plain.erofs")) { Name = layer }], Scratch.NewPath(file),
            new InitrdOptions { Form = form, Init = hasInit ? init : null }).Path;
    }

    private static string Cpio(params (string Name, Node Node)[] entries)
    {
        string path = Scratch.NewPath("files.cpio");
        using FileStream output = File.Create(path);
        CpioExport.Write("files", Grow.Directory(entries), output);
        return path;
    }

    private static string Pack(string command, string path)
    {
        if (command.Length == 0)
            return path;
        string packed = Scratch.NewPath("packed.img");
        Tools.Require(command.Split(' ')[0]);
        Tools.Run("sh", "-c", $"{command} < '{path}' > '{packed}'").MustSucceed();
        return packed;
    }
}
