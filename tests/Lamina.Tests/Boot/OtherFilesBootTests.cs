using Lamina.Boot;
using Lamina.Exporting;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Trust;

namespace Lamina.Tests.Boot;

/// <summary>
/// What other archives bring comes on top of the layers. What the kernel alone makes of the same files as plain archives, the
/// layers' own included, is what must be seen.
/// </summary>
public class OtherFilesBootTests
{
    private const string InPlace = "retain_initrd", OnTop = "from other archives, on top of the layers:";

    /// <summary>Before and behind the layers, compressed in each way, in a root that can be written or not.</summary>
    [Theory]
    [InlineData("6.1", InitrdForm.Files, "", "gzip", "")]
    [InlineData("6.12", InitrdForm.InPlace, "gzip", "", $"{InPlace} lamina.overlay=none")]
    [InlineData("7.2", InitrdForm.InPlace, "zstd", "zstd", InPlace)]
    public void A_plain_archive_shows_as_the_kernel_alone_would_unpack_it(
        string version, InitrdForm form, string before, string behind, string options)
    {
        TestKernel kernel = BootKit.Require(version);
        Node system = System();
        string truth = Scratch.NewPath("truth.img");
        BootTests.Concatenate(truth, Cpio(system), Cpio(Before()), Cpio(Others()));
        BootStory expected = BootKit.Boot(kernel, truth, "rdinit=/sbin/init");
        Assert.Contains(expected.Files, line => line.StartsWith("F: /etc/both "));

        string layers = BootKit.MakeInitrd(kernel, form, [BootKit.MakeLayer("system.erofs", system)]);
        string all = Scratch.NewPath("all.img");
        string others = Cpio(Others(("lamina", Grow.Directory(("own", Grow.File("mine"))))));
        BootTests.Concatenate(all, Pack(Cpio(Before()), before), layers, Pack(others, behind));
        BootStory story = BootKit.Boot(kernel, all, options);
        Assert.Equal(expected.Files, story.Files);
        Assert.Contains($"{OnTop} /.extra, 1 files, 4 KiB", story.Init);
        Assert.Contains(story.Init, line => line.StartsWith($"{OnTop} /before, 1 files"));
        Assert.Contains("warning: /lib: the directory takes the place of a symbolic link of the layers", story.Init);
        Assert.Contains("warning: /full: left out, a directory of the layers that is not empty has this name", story.Init);
        Assert.Contains("warning: /lamina/own is left out: /lamina is a name of Lamina's own", story.Init);
        bool isReadOnly = options.Contains("none");
        Assert.Contains(isReadOnly ? "overlay, read-only" : "overlay of a tmpfs on top", story.Init);
        Assert.Contains(isReadOnly ? "S: Read-only file system" : "S: writable", story.Lines);
        if (before.Length > 0)
            Assert.Contains(story.Init, line => line.EndsWith($" of the archives are compressed with {before}"));
    }

    [Fact]
    public void They_are_left_out_where_the_command_line_says_so_or_only_root_hashes_count()
    {
        TestKernel kernel = BootKit.Require("6.12");
        InitrdResult layers = InitrdBuilder.Build([new InitrdLayer(BootKit.BaseLayer)], Scratch.NewPath("initrd.img"),
            new InitrdOptions { Init = BootKit.Init, KernelModules = [kernel.Modules], Verity = new VerityOptions() });
        string all = Scratch.NewPath("all.img");
        BootTests.Concatenate(all, layers.Path, Cpio(Grow.Directory(("added", Grow.File("more")))));
        string[] truth = BootKit.Truth(BootKit.BaseLayer);
        BootStory story = BootKit.Boot(kernel, all, $"{layers.CommandLine} lamina.overlay=none");
        Assert.Contains("from other archives, left out (no root hash covers it, and there is no lamina.foreign=keep): /added",
            story.Init);
        Assert.Equal(truth, story.Files);
        story = BootKit.Boot(kernel, all, $"{layers.CommandLine} lamina.foreign=keep");
        Assert.Contains(story.Files, line => line.StartsWith("F: /added 100644 0 0 "));
        story = BootKit.Boot(kernel, all, "lamina.foreign=drop");
        Assert.Contains("from other archives, left out (lamina.foreign=drop): /added", story.Init);
        Assert.Equal(truth, story.Files);
    }

    [Fact]
    public void An_archive_behind_the_layers_that_is_cut_off_stops_the_boot()
    {
        TestKernel kernel = BootKit.Require("6.12");
        byte[] noise = new byte[300_000];
        new Random(5).NextBytes(noise);
        string others = Pack(Cpio(Grow.Directory(("added", Grow.File(noise)))), "zstd"), all = Scratch.NewPath("all.img");
        BootTests.Concatenate(all, BootKit.MakeInitrd(kernel, InitrdForm.Files, [BootKit.BaseLayer]), others);
        using (FileStream file = File.OpenWrite(all))
            file.SetLength(file.Length - 100_000);
        Assert.Equal("finding the layers: /added: only a part of it is there: the archive that brought it is cut off, or " +
            "memory was too small to unpack it (lamina.foreign=drop boots without it)", BootKit.Try(kernel, all).Failure);
        Assert.Equal(BootKit.Truth(BootKit.BaseLayer), BootKit.Boot(kernel, all, "lamina.foreign=drop").Files);
    }

    /// <summary>More than half of what the root may take by itself, and more than what is left if it were there twice.</summary>
    [Fact]
    public void Large_files_move_without_being_in_memory_twice()
    {
        TestKernel kernel = BootKit.Require("6.12");
        byte[] noise = new byte[150 << 20];
        new Random(6).NextBytes(noise);
        string all = Scratch.NewPath("all.img");
        BootTests.Concatenate(all, BootKit.MakeInitrd(kernel, InitrdForm.Files, [BootKit.BaseLayer]),
            Cpio(Grow.Directory(("noise", Grow.File(noise)))));
        BootStory story = BootKit.Boot(kernel, all, "rootfstype=ramfs", memory: 448);
        string name = BootKit.Truth(BootKit.MakeLayer("noise.erofs", Grow.Directory(("noise", Grow.File(noise)))))
            .Single(line => line.StartsWith("F: /noise "));
        Assert.Contains(name, story.Files);
    }

    private static Node System() => Grow.Directory(Of(0x1ED, 10),
        ("dev", Grow.Directory()), ("proc", Grow.Directory()), ("sys", Grow.Directory()), ("run", Grow.Directory()),
        ("root", Grow.Directory(Of(0x1E8, 11))),
        ("sbin", Grow.Directory(("init", BootKit.Program(File.ReadAllBytes(BootKit.SystemProgram))))),
        // The kernel gives what took a directory's place (file) the directory's time, as it sets these last: they are the same.
        ("etc", Grow.Directory(Of(0x1ED, 12), ("both", Grow.File("below")), ("below", Grow.File("stays", Of(0x180, 13))),
            ("link", Grow.File("a file below")), ("file", Grow.Directory(Of(0x1ED, 41))))),
        ("usr", Grow.Directory(("lib", Grow.Directory(("libc.so", Grow.File("library")))))),
        ("lib", Grow.Link("usr/lib")),
        ("full", Grow.Directory(Of(0x1ED, 14), ("child", Grow.File("child")))));

    private static Node Before() => Grow.Directory(
        ("before", Grow.File("before", Of(0x1A4, 20))), ("etc", Grow.Directory(("both", Grow.File("before")))));

    private static Node Others(params (string Name, Node Node)[] more)
    {
        Node linked = Grow.File("one file, three names", Of(0x1A0, 30));
        byte[] large = new byte[(3 << 20) + 12_345];
        new Random(4).NextBytes(large.AsSpan(1 << 20, 1 << 20));
        return Grow.DirectoryOf(Of(0x1C9, 31),
        [
            new(Grow.Bytes(".extra"), Grow.Directory(Of(0x16D, 32), ("credentials", Grow.Directory(Of(0x140, 33),
                ("secret.cred", Grow.File("sealed", Of(0x100, 34))))))),
            new(Grow.Bytes("a"), linked), new(Grow.Bytes("b"), linked),
            new(Grow.Bytes("device"), Grow.Directory(
                ("block", Grow.Device(NodeType.BlockDevice, 259, 300, Of(0x1B0, 35))),
                ("char", Grow.Device(NodeType.CharacterDevice, 1, 3, Of(0x1B6, 36))),
                ("linked", linked), ("pipe", Grow.Fifo(Of(0x180, 37))), ("socket", Grow.Socket(Of(0x1FF, 38))))),
            new(Grow.Bytes("etc"), Grow.Directory(Of(0x1C0, 39) with { UserId = 7 },
                ("both", Grow.File("above", Of(0x9ED, 40) with { UserId = 1000, GroupId = 100 })),
                ("file", Grow.File("a directory below, and empty", Of(0x1A4, 41))),
                ("link", Grow.Link("both", Of(0x1FF, 42) with { GroupId = 5 })))),
            new(Grow.Bytes("full"), Grow.File("no directory")),
            new(Grow.Bytes("large"), Grow.File(large, Of(0x1A4, 43))),
            new(Grow.Bytes("lib"), Grow.Directory(Of(0x1ED, 44), ("own.so", Grow.File("own", Of(0x5ED, 45))))),
            .. more.Select(entry => new Entry(Grow.Bytes(entry.Name), entry.Node)),
            new((byte[])[(byte)'n', 0xFF, (byte)'m'], Grow.File("a name that is no text", Of(0x1A4, 46))),
        ]);
    }

    private static Traits Of(ushort permissions, int time) =>
        new() { Permissions = permissions, Modified = new(1_500_000_000 + time * 1000, 0) };

    private static string Cpio(Node root)
    {
        string path = Scratch.NewPath("files.cpio");
        using FileStream output = File.Create(path);
        CpioExport.Write("files", root, output);
        return path;
    }

    /// <summary>Compressed as asked for, and as long as the next archive needs it: headers lie at multiples of four.</summary>
    private static string Pack(string path, string program)
    {
        if (program.Length == 0)
            return path;
        string packed = Scratch.NewPath("packed");
        Tools.Run("sh", "-c", $"'{Tools.Require(program)}' -q -c '{path}' > '{packed}'").MustSucceed();
        using FileStream file = File.OpenWrite(packed);
        file.SetLength((file.Length + 3) & ~3L);
        return packed;
    }
}
