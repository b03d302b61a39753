using System.Buffers.Binary;
using System.Security.Cryptography;
using Lamina.Archives;
using Lamina.Boot;
using Lamina.Tests.Oracles;
using Lamina.Tests.Reading;

namespace Lamina.Tests.Boot;

/// <summary>The parts of a boot that need no machine.</summary>
public class BootPartsTests
{
    [Theory]
    [InlineData("quiet console=ttyS0", "")]
    [InlineData("lamina.overlay=none lamina.stack=overlay", "lamina.overlay=none lamina.stack=overlay")]
    [InlineData("lamina.overlay=none lamina.overlay=tmpfs", "")]
    [InlineData("lamina.stack=merge lamina.foreign=drop", "lamina.stack=merge lamina.foreign=drop")]
    [InlineData("lamina.stack=merge lamina.foreign=drop lamina.foreign=keep lamina.stack=auto", "lamina.foreign=keep")]
    [InlineData("lamina.root=LABEL=my\" \"disk  lamina.rescue", "\"lamina.root=LABEL=my disk\" lamina.rescue")]
    [InlineData("\"lamina.root=PARTUUID=12345678-02\" lamina.check=1", "lamina.root=PARTUUID=12345678-02 lamina.check")]
    [InlineData("lamina.layers=b,a init=/x rd.init=/y", "lamina.layers=b,a rd.init=/y init=/x")]
    [InlineData("init=/x -- lamina.rescue", "init=/x")]
    [InlineData("lamina.rescue lamina.rescue=0", "")]
    public void A_command_line_is_read_as_it_is_written(string commandLine, string expected)
    {
        BootOptions options = BootOptions.Parse(commandLine);
        Assert.Equal(expected, options.ToString());
        Assert.Equal(expected, BootOptions.Parse(options.ToString()).ToString());
    }

    [Theory]
    [InlineData("lamina.overlay=")]
    [InlineData("lamina.overlay=disk")]
    [InlineData("lamina.stack")]
    [InlineData("lamina.root=vda")]
    [InlineData("lamina.foreign")]
    [InlineData("lamina.rescue=yes")]
    public void A_value_that_an_option_cannot_have_is_named(string word)
    {
        ArgumentException failure = Assert.Throws<ArgumentException>(() => BootOptions.Parse($"quiet {word}"));
        Assert.Contains(word.Split('=')[0], failure.Message);
    }

    [Fact]
    public void Modules_come_after_what_they_need_each_once()
    {
        string folder = Path.Combine(Scratch.NewFolder("modules"), "6.12.1-test");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "modules.dep"),
            "kernel/a.ko: kernel/b-c.ko.xz kernel/d.ko.zst\nkernel/b-c.ko.xz: " +
                "kernel/d.ko.zst\nkernel/d.ko.zst:\nkernel/fast.ko:\n");
        File.WriteAllText(Path.Combine(folder, "modules.builtin"), "kernel/in.ko\n");
        File.WriteAllText(Path.Combine(folder, "modules.softdep"), "softdep a pre: sum nothing post: later\n");
        File.WriteAllText(Path.Combine(folder, "modules.alias"), "alias sum fast\nalias pci:v*d* a\n");
        KernelModules modules = KernelModules.Open(folder);
        Assert.Equal("6.12.1-test", modules.Release);
        IReadOnlyList<ModuleFile> files = modules.Resolve(["in", "a", "b_c"]);
        Assert.Equal(["fast?", "d", "b_c", "a"], files.Select(file => file.Name + (file.IsOptional ? "?" : "")));
        Assert.Equal("kernel/b-c.ko.xz", files[2].Path);
        FileNotFoundException failure = Assert.Throws<FileNotFoundException>(() => modules.Resolve(["virtio_blk"]));
        Assert.Contains("6.12.1-test has no module virtio_blk", failure.Message);
        File.Delete(Path.Combine(folder, "modules.dep"));
        Assert.Contains("depmod", Assert.Throws<FileNotFoundException>(() => KernelModules.Open(folder)).Message);
    }

    [Theory]
    [InlineData("xz", "xz")]
    [InlineData("zst", "zstd")]
    public void Compressed_modules_are_decompressed(string suffix, string program)
    {
        string path = Scratch.NewPath("test.ko");
        byte[] module = [0x7F, .. "ELF"u8, .. Enumerable.Repeat((byte)3, 100_000)];
        File.WriteAllBytes(path, module);
        Tools.Run(program, "-q", "-k", path).MustSucceed();
        string packed = $"{path}.{suffix}";
        Assert.Equal(module, new ModuleFile("test", ModuleFolder.Of("/"), packed, false).Read());
        byte[] bytes = File.ReadAllBytes(packed);
        File.WriteAllBytes(packed, bytes[..(bytes.Length / 2)]);
        ModuleFile cut = new("test", ModuleFolder.Of("/"), packed, false);
        Assert.Contains(packed, Assert.Throws<CorruptImageException>(cut.Read).Message);
    }

    [Fact]
    public void Sha256_is_what_the_platform_says()
    {
        Random dice = new(3);
        foreach (int length in (int[])[0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, 700_000])
        {
            byte[] bytes = new byte[length];
            dice.NextBytes(bytes);
            Assert.Equal(SHA256.HashData(bytes), Sha256.Compute(ByteSource.FromMemory("x", bytes)));
        }
    }

    [Fact]
    public void A_partition_is_found_by_its_identity()
    {
        byte[] disk = new byte[64 << 10];
        Guid id = new("00112233-4455-6677-8899-aabbccddeeff");
        GuidPartitionsTests.WriteTable(disk, 512, 1, 2, new() { [5] = new(Guid.AllBitsSet, id, 100, 101, 0, "") });
        BinaryPrimitives.WriteUInt32LittleEndian(disk.AsSpan(0x1B8), 0xCAFE0001);
        ByteSource source = ByteSource.FromMemory("disk", disk);
        Assert.Equal(5, PartitionTable.Find(source, id.ToString()));
        Assert.Equal(5, PartitionTable.Find(source, id.ToString().ToUpperInvariant()));
        Assert.Null(PartitionTable.Find(source, Guid.Empty.ToString().Replace('0', '1')));
        Assert.Equal(3, PartitionTable.Find(source, "cafe0001-03"));
        Assert.Null(PartitionTable.Find(source, "cafe0002-03"));
        Assert.Null(PartitionTable.Find(source, "nonsense"));
    }

    [Fact]
    public void A_list_of_layers_is_read_as_it_is_written()
    {
        ListedLayer[] layers =
        [
            new("100-a b.erofs", 5_000_000_000, new string('a', 64), InitrdForm.InPlace, false),
            new("500-c", 0, new string('0', 64), InitrdForm.Files, true),
        ];
        Assert.Equal(layers, LayerList.Parse("list", LayerList.Format(layers)));
        Assert.Contains("line 1", Assert.Throws<CorruptImageException>(() =>
            LayerList.Parse("list", "5 abc required file x\n"u8)).Message);
    }

    [Theory]
    [InlineData("6.1.0-56-cloud-amd64", "6.1")]
    [InlineData("6.12.117+deb12-cloud-amd64", "6.12")]
    [InlineData("7.2.13+deb14-cloud-amd64", "7.2")]
    [InlineData("7.0-rc1", "7.0")]
    [InlineData("5.10.1", "6.1")]
    [InlineData("unknown", "6.12")]
    public void The_release_of_a_kernel_says_what_it_can_read(string release, string expected)
    {
        Assert.Equal(Version.Parse(expected), BootIndex.ProfileOf(release).Version);
    }

    [Fact]
    public void The_builder_refuses_what_would_not_boot()
    {
        string text = Scratch.NewPath("text");
        File.WriteAllText(text, "no layer");
        string target = Scratch.NewPath("initrd.img");
        Assert.Throws<UnsupportedImageException>(() => InitrdBuilder.Build([new InitrdLayer(text)], target, new InitrdOptions()));
        InitrdLayer one = new(Corpus.Layer("base", "plain"));
        Assert.Contains("two layers", Assert.Throws<ArgumentException>(
            () => InitrdBuilder.Build([one with { Name = "x" }, one with { Name = "x" }], target, new InitrdOptions())).Message);
        Assert.Contains("order", Assert.Throws<ArgumentException>(
            () => InitrdBuilder.Build([one with { Name = "b" }, one with { Name = "a" }], target, new InitrdOptions())).Message);
        Assert.Throws<ArgumentException>(() => InitrdBuilder.Build([one with { Name = "a/b" }], target, new InitrdOptions()));
        Assert.False(File.Exists(target));
    }

    [Fact]
    public void Early_microcode_stays_in_front_and_the_layers_are_announced_before_they_come()
    {
        string early = Corpus.PathOf("main.cpio"), target = Scratch.NewPath("initrd.img");
        InitrdResult result = InitrdBuilder.Build(
            [new InitrdLayer(Corpus.Layer("base", "plain")),
                new InitrdLayer(Corpus.Layer("app", "lzma")) { IsOptional = true }], target,
            new InitrdOptions { Early = [early], FirstNumber = 20, Form = InitrdForm.InPlace });
        byte[] bytes = File.ReadAllBytes(target);
        Assert.True(bytes.AsSpan().StartsWith(File.ReadAllBytes(early)));
        Assert.Equal(["020-layer-base-plain.erofs", "021-layer-app-lzma.erofs"], result.Layers);
        Assert.Equal("retain_initrd", result.CommandLine);
        using ByteSource source = ByteSource.OpenFile(target);
        CpioEntry[] entries = [.. new CpioReader(source).ReadAll()];
        CpioEntry list = entries.Single(entry => entry.Name.StartsWith($"{BootFiles.Lists}/", StringComparison.Ordinal));
        IReadOnlyList<ListedLayer> listed = LayerList.Parse("list", bytes.AsSpan((int)list.BodyOffset, (int)list.BodySize));
        Assert.Equal(result.Layers, listed.Select(layer => layer.Name));
        Assert.Equal([false, true], listed.Select(layer => layer.IsOptional));
        byte[] first = File.ReadAllBytes(Corpus.Layer("base", "plain"));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(first)), listed[0].Digest);
        CpioEntry body = entries.Single(entry => entry.Name == $"{BootFiles.Layers}/{result.Layers[0]}");
        Assert.True(list.BodyOffset < body.BodyOffset && body.IsFifo);
        Assert.Equal(first, bytes[(int)body.BodyOffset..(int)(body.BodyOffset + body.BodySize)]);
        Assert.True(InitrdBuilder.HasLayersInPlace(source));
    }
}
