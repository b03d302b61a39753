using Lamina.Archives;
using Lamina.Boot;
using Lamina.Images;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Trust;

namespace Lamina.Tests.Boot;

/// <summary>Archives: what could not boot is refused or warned of, and trees are written where they stay.</summary>
public class InitrdPartsTests
{
    private readonly string _folder = Scratch.NewFolder("parts");

    [Theory]
    [InlineData("lz4.erofs")]
    [InlineData("plain-1k.erofs")]
    public void A_layer_gets_the_tree_that_formatting_it_would_give(string name)
    {
        // A block size below that of the tree, so that zeros fill up what it covers.
        string layer = name.StartsWith("plain", StringComparison.Ordinal) ? SmallBlocks(name) : Corpus.PathOf(name);
        string copy = At("copy"), archive = At("initrd.img");
        File.Copy(layer, copy);
        VerityInfo expected = VerityImage.Format(copy);
        InitrdResult result = InitrdBuilder.Build([new InitrdLayer(layer)], archive,
            new InitrdOptions { Form = InitrdForm.InPlace, Verity = new VerityOptions() });
        using ByteSource source = ByteSource.OpenFile(archive);
        CpioEntry[] entries = [.. new CpioReader(source).ReadAll()];
        CpioEntry body = entries.Single(InitrdBuilder.IsLayerInPlace);
        Assert.Equal(File.ReadAllBytes(copy),
            File.ReadAllBytes(archive)[(int)body.BodyOffset..(int)(body.BodyOffset + body.BodySize)]);
        CpioEntry list = entries.Single(entry => entry.IsRegularFile && entry.Name.StartsWith(BootFiles.RootHashes));
        byte[] text = File.ReadAllBytes(archive)[(int)list.BodyOffset..(int)(list.BodyOffset + list.BodySize)];
        Assert.Equal([new ExpectedLayer(result.Layers[0], LayerCheck.Verity, expected.RootHashText)],
            RootHashList.Parse("list", text));
    }

    [Fact]
    public void Bytes_behind_a_layer_that_are_no_tree_are_refused_where_a_tree_is_to_be()
    {
        string layer = At("layer.erofs");
        File.WriteAllBytes(layer, [.. File.ReadAllBytes(Corpus.PathOf("lz4.erofs")), .. new byte[4096]]);
        UnsupportedImageException refusal = Assert.Throws<UnsupportedImageException>(() => InitrdBuilder.Build(
            [new InitrdLayer(layer)], At("initrd.img"), new InitrdOptions { Verity = new VerityOptions() }));
        Assert.Contains("4096 bytes behind the image", refusal.Message);
        string advice = refusal.Advice![refusal.Advice!.IndexOf("truncate", StringComparison.Ordinal)..];
        Tools.Run("bash", "-c", advice).MustSucceed();
        Assert.Equal(new FileInfo(Corpus.PathOf("lz4.erofs")).Length, new FileInfo(layer).Length);
    }

    [Fact]
    public void Layers_in_place_are_refused_with_modules_of_a_kernel_that_cannot_keep_them()
    {
        string[] releases = ["6.5.13-old", "6.6.1-new"];
        foreach (string release in releases)
        {
            string modules = Directory.CreateDirectory(At(release)).FullName;
            File.WriteAllText(Path.Combine(modules, "modules.dep"), "");
            File.WriteAllText(Path.Combine(modules, "modules.builtin"), "kernel/erofs.ko\nkernel/loop.ko\nkernel/overlay.ko\n");
        }
        InitrdOptions options = new() { Form = InitrdForm.InPlace, KernelModules = [At(releases[1])] };
        InitrdLayer[] layers = [new(Corpus.PathOf("lz4.erofs"))];
        InitrdBuilder.Build(layers, At("new.img"), options);
        UnsupportedImageException refusal = Assert.Throws<UnsupportedImageException>(() =>
            InitrdBuilder.Build(layers, At("old.img"), options with { KernelModules = [At(releases[1]), At(releases[0])] }));
        Assert.EndsWith("layers lie in place, which takes Linux 6.6 or later; the kernel is 6.5.13-old", refusal.Message);
        InitrdBuilder.Build(layers, At("files.img"), options with { Form = InitrdForm.Files, KernelModules = [At(releases[0])] });
    }

    [Theory]
    [InlineData("text", "is no program that a kernel could start")]
    [InlineData("", "is no program that a kernel could start")]
    [InlineData("#!/bin/sh -e\nexit", "is a script for /bin/sh, which the archive has not")]
    public void A_program_that_could_not_start_is_warned_of(string program, string expected)
    {
        File.WriteAllText(At("init"), program);
        Assert.Equal($"{At("init")} {expected}", Build(At("init")).Warnings[0]);
    }

    [Fact]
    public void A_program_that_needs_a_loader_is_warned_of()
    {
        Assert.Matches("^/bin/true is linked dynamically: it needs /.*ld-linux.*, which the archive has not$",
            Build("/bin/true").Warnings[0]);
        Assert.Equal([], Build(BootKit.SystemProgram, BootKit.BaseLayer).Warnings);
    }

    [Fact]
    public void Layers_without_an_init_are_warned_of_and_links_on_the_way_to_one_are_followed()
    {
        Assert.Contains(Warned(), warning => warning.StartsWith("no layer has an init (/init, /sbin/init, "));
        Assert.Contains(Warned(("sbin", BootKit.Folder(("init", Link("/usr/none"))))), IsOfInit);
        Assert.Contains(Warned(("sbin", Link("sbin"))), IsOfInit);
        Assert.Contains(Warned(("init", BootKit.Folder())), IsOfInit);
        (string, Node) usr = ("usr", BootKit.Folder(
            ("bin", BootKit.Folder(("systemd", BootKit.Program([1])))),
            ("sbin", BootKit.Folder(("init", Link("../bin/systemd"))))));
        Assert.DoesNotContain(Warned(usr, ("sbin", Link("usr/sbin"))), IsOfInit);
        Assert.DoesNotContain(Warned(usr, ("bin", BootKit.Folder(("sh", Link("/../usr/./bin//systemd"))))), IsOfInit);

        static bool IsOfInit(string warning) => warning.StartsWith("no layer has an init");

        IReadOnlyList<string> Warned(params (string, Node)[] entries) =>
            Build(At("none"), BootKit.MakeLayer("root.erofs", BootKit.Folder(entries))).Warnings;
    }

    private InitrdResult Build(string init, string? layer = null)
    {
        if (!File.Exists(init))
            File.WriteAllText(init, "text");
        return InitrdBuilder.Build([new InitrdLayer(layer ?? Corpus.PathOf("lz4.erofs"))], At("initrd.img"),
            new InitrdOptions { Init = init, Overwrite = true });
    }

    private string SmallBlocks(string name)
    {
        string path = At(name);
        Lamina.Writing.ImageWriter.Write(BootKit.Folder(("file", BootKit.Program(new byte[3000]))), [], path,
            new Lamina.Writing.WriteOptions { Mode = Lamina.Writing.OutputMode.Full, BlockSize = 512 });
        return path;
    }

    private static Node Link(string target) => new()
    {
        Type = NodeType.SymbolicLink,
        Permissions = 0x1FF,
        Payload = System.Text.Encoding.UTF8.GetBytes(target),
    };

    private string At(string name) => Path.Combine(_folder, name);
}
