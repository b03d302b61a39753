using System.Security.Cryptography;
using Lamina.Archives;
using Lamina.Boot;
using Lamina.Platform;
using Lamina.Tests.Oracles;
using Lamina.Writing;

namespace Lamina.Tests.Boot;

/// <summary>A boot that cannot be whole stops, with one line that names the layer and the reason; never half a root.</summary>
public class BootFailureTests
{
    private const string InPlace = "retain_initrd", Missing = "the archive is cut off, or memory was too small to unpack it";
    private const string NotThere = $"the archive announces it, but it is not there: {Missing}";

    [Fact]
    public void An_archive_cut_off_within_a_layer_stops_the_boot()
    {
        TestKernel kernel = BootKit.Require("6.12");
        string files = BootKit.MakeInitrd(kernel, InitrdForm.Files, [BootKit.BaseLayer, Corpus.Layer("base", "plain")]);
        Cut(files, 70_000);
        Assert.Equal($"finding the layers: layer 101-layer-base-plain.erofs: only a part of it is there: {Missing}",
            BootKit.Try(kernel, files).Failure);
        string place = BootKit.MakeInitrd(kernel, InitrdForm.InPlace, [BootKit.BaseLayer, Corpus.Layer("base", "plain")]);
        Cut(place, 70_000);
        Assert.StartsWith("finding the layers: layer 101-layer-base-plain.erofs: the archive announces it, but it is not in " +
            "the kernel's copy of the archives: the archives are cut off, their last entry begins at byte ",
            BootKit.Try(kernel, place, InPlace).Failure);
    }

    [Fact]
    public void An_archive_cut_off_before_a_layer_stops_the_boot()
    {
        TestKernel kernel = BootKit.Require("6.12");
        string layer = Corpus.Layer("config", "plain");
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.Files, [BootKit.BaseLayer, layer]);
        long body;
        using (ByteSource archive = ByteSource.OpenFile(initrd))
            body = new CpioReader(archive).ReadAll().Single(entry => entry.Name.EndsWith("101-layer-config-plain.erofs") &&
                entry.BodySize > 0).BodyOffset;
        Cut(initrd, new FileInfo(initrd).Length - body + 10);        // within the entry's name
        Assert.Equal($"finding the layers: layer 101-layer-config-plain.erofs: {NotThere}", BootKit.Try(kernel, initrd).Failure);
    }

    [Fact]
    public void A_layer_that_is_cut_off_or_no_layer_stops_the_boot_and_one_marked_optional_is_left_out()
    {
        TestKernel kernel = BootKit.Require("6.12");
        byte[] half = File.ReadAllBytes(Corpus.Layer("app", "zstd-frag"))[..40_960];
        string initrd = Append(BootKit.MakeInitrd(kernel, InitrdForm.Files, [BootKit.BaseLayer]), InitrdForm.Files,
            ("900-half.erofs", half, false));
        Assert.StartsWith("finding the layers: layer 900-half.erofs: /lamina/layers/900-half.erofs: the superblock says ",
            BootKit.Try(kernel, initrd).Failure);

        initrd = Append(BootKit.MakeInitrd(kernel, InitrdForm.InPlace, [BootKit.BaseLayer]), InitrdForm.InPlace,
            ("900-text", "no layer at all"u8.ToArray(), true), ("901-half.erofs", half, true));
        BootStory story = BootKit.Boot(kernel, initrd, InPlace);
        Assert.Contains(story.Init, line => line.StartsWith("warning: layer 900-text is left out, it is optional: "));
        Assert.Contains(story.Init, line => line.StartsWith("warning: layer 901-half.erofs is left out, it is optional: "));
        Assert.Equal(BootKit.Truth(BootKit.BaseLayer), story.Files);
    }

    [Fact]
    public void A_layer_whose_bytes_were_changed_stops_a_boot_that_checks()
    {
        TestKernel kernel = BootKit.Require("7.2");
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.InPlace, [BootKit.BaseLayer, Corpus.Layer("base", "plain")]);
        byte[] bytes = File.ReadAllBytes(initrd);
        bytes[^10_000] ^= 1;
        File.WriteAllBytes(initrd, bytes);
        Assert.StartsWith("finding the layers: layer 101-layer-base-plain.erofs: its SHA-256 is ",
            BootKit.Try(kernel, initrd, $"{InPlace} lamina.check").Failure);
    }

    [Theory]
    [InlineData(InitrdForm.Files, "")]
    [InlineData(InitrdForm.InPlace, InPlace)]
    public void Two_layers_of_one_name_stop_the_boot(InitrdForm form, string options)
    {
        TestKernel kernel = BootKit.Require("6.12");
        string initrd = BootKit.MakeInitrd(kernel, form, [BootKit.BaseLayer]);
        string same = Append(initrd, form, ("100-base.erofs", File.ReadAllBytes(Corpus.Layer("app", "plain")), false));
        Assert.StartsWith("finding the layers: 100-base.erofs: two layers have this name, in /lamina/lists/100-base.erofs-",
            BootKit.Try(kernel, same, options).Failure);
    }

    [Fact]
    public void A_kernel_without_EROFS_and_without_the_module_is_named()
    {
        TestKernel kernel = BootKit.Require("6.12"), other = BootKit.Require("6.1");
        string initrd = BootKit.MakeInitrd(other, InitrdForm.Files, [BootKit.BaseLayer]);
        BootStory story = BootKit.Try(kernel, initrd);
        Assert.Contains($"warning: the archive has modules for {other.Release}, but this kernel is {kernel.Release}", story.Init);
        Assert.StartsWith($"loading modules: kernel {kernel.Release} has no erofs, and the archive brought no module erofs " +
            $"for it", story.Failure);
    }

    [Fact]
    public void A_module_that_the_archive_lists_and_does_not_have_is_named()
    {
        TestKernel kernel = BootKit.Require("6.12");
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.Files, [BootKit.BaseLayer]);
        string extra = Scratch.NewPath("extra.img"), both = Scratch.NewPath("both.img");
        string folder = $"{BootFiles.Modules}/{kernel.Release}";
        using (OutputFile output = new(extra, false))
        {
            CpioWriter archive = new(output, 0);
            archive.AddFile($"{folder}/{BootFiles.ModuleOrder}", "loop\nnone_such\n"u8);
            archive.Finish();
            output.Commit();
        }
        BootTests.Concatenate(both, initrd, extra);
        Assert.Equal("loading modules: module none_such is missing: the archive lists it, but " +
            $"/{folder}/none_such.ko cannot be opened: No such file or directory", BootKit.Try(kernel, both).Failure);
    }

    [Fact]
    public void A_kernel_without_the_codec_of_a_layer_is_told_with_the_layer()
    {
        TestKernel kernel = BootKit.Require("6.1");
        string initrd = Append(BootKit.MakeInitrd(kernel, InitrdForm.Files, [BootKit.BaseLayer]), InitrdForm.Files,
            ("900-zstd.erofs", File.ReadAllBytes(Corpus.PathOf("zstd.erofs")), false));
        Assert.Contains("900-zstd.erofs", BootKit.Try(kernel, initrd).Failure);
        Assert.Contains("900-zstd.erofs", BootKit.Try(kernel, initrd, "lamina.stack=overlay").Failure);
    }

    [Fact]
    public void Layers_in_place_need_a_kernel_that_keeps_the_archive()
    {
        TestKernel kernel = BootKit.Require("6.12");
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.InPlace, [BootKit.BaseLayer]);
        Assert.Contains("retain_initrd on the command line", BootKit.Try(kernel, initrd).Failure);
    }

    [Fact]
    public void Too_little_memory_for_the_files_stops_the_boot()
    {
        TestKernel kernel = BootKit.Require("6.12");
        byte[] noise = new byte[120 << 20];
        new Random(7).NextBytes(noise);
        string large = BootKit.MakeLayer("large.erofs", BootKit.Folder(("noise", BootKit.Program(noise))));
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.Files, [BootKit.BaseLayer, large]);
        Assert.Equal($"finding the layers: layer 101-large.erofs: only a part of it is there: {Missing}",
            BootKit.Try(kernel, initrd, memory: 320).Failure);
    }

    [Theory]
    [InlineData("lamina.overlay=disk", "reading the command line: lamina.overlay=disk: tmpfs or none was expected")]
    [InlineData("lamina.layers=100-base.erofs,other",
        "finding the layers: lamina.layers: there is no layer other; there are: 100-base.erofs")]
    [InlineData("init=/no/where", "starting init: /no/where, as the command line says: No such file or directory")]
    public void A_wrong_option_is_named(string option, string expected)
    {
        TestKernel kernel = BootKit.Require("6.1");
        Assert.Equal(expected, BootKit.Try(kernel, BootKit.MakeInitrd(kernel, InitrdForm.Files, [BootKit.BaseLayer]),
            option).Failure);
    }

    [Fact]
    public void A_rescue_shell_runs_only_if_the_command_line_allows_it()
    {
        TestKernel kernel = BootKit.Require("6.12");
        // The program of the test system stands in for a shell: it tells that it runs, and turns the machine off.
        string initrd = InitrdBuilder.Build([], Scratch.NewPath("initrd.img"), new InitrdOptions
        {
            Init = BootKit.Init,
            KernelModules = [kernel.Modules],
            RescueShell = BootKit.SystemProgram,
        }).Path;
        BootStory story = BootKit.Try(kernel, initrd);
        Assert.Equal("finding the layers: there is no layer in /lamina/layers, and no lamina.root= on the command line",
            story.Failure);
        Assert.Contains(story.Lines, line => line.Contains("Attempted to kill init"));
        story = BootKit.Boot(kernel, initrd, "lamina.rescue");
        Assert.Contains("S: begin sh", story.Lines);
    }

    [Fact]
    public void A_processor_that_lacks_an_instruction_of_the_runtime_is_named_before_that_starts()
    {
        TestKernel kernel = BootKit.Require("6.12");
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.Files, [BootKit.BaseLayer]);
        BootStory story = new(Qemu.Boot(new Machine(kernel.Image, initrd, "") { Processor = ",cx16=off" }));
        Assert.StartsWith("start: the processor has no cmpxchg16b (cx16), which this program needs", story.Failure);
        Assert.DoesNotContain(story.Lines, line => line.Contains("invalid opcode"));
    }

    private static void Cut(string path, long bytes)
    {
        using FileStream file = File.OpenWrite(path);
        file.SetLength(file.Length - bytes);
    }

    /// <summary>Appends an archive as the builder writes it, but with bytes that it would refuse.</summary>
    private static string Append(string initrd, InitrdForm form, params (string Name, byte[] Bytes, bool IsOptional)[] layers)
    {
        string extra = Scratch.NewPath("extra.img"), both = Scratch.NewPath("both.img");
        using (OutputFile output = new(extra, false))
        {
            CpioWriter archive = new(output, 0);
            byte[] list = LayerList.Format(layers.Select(layer =>
                new ListedLayer(layer.Name, layer.Bytes.Length, new string('0', 64), form, layer.IsOptional)));
            archive.AddFile($"{BootFiles.Lists}/{LayerList.NameOf(layers[0].Name, SHA256.HashData(list))}", list);
            foreach ((string name, byte[] bytes, _) in layers)
                InitrdBuilder.AddLayer(archive, name, ByteSource.FromMemory(name, bytes), form);
            archive.Finish();
            output.Commit();
        }
        BootTests.Concatenate(both, initrd, extra);
        return both;
    }
}
