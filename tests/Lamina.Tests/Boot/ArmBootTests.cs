using Lamina.Boot;
using Lamina.Tests.Oracles;
using Lamina.Trust;

namespace Lamina.Tests.Boot;

/// <summary>Machines with 64-bit ARM processors boot by the /init that was compiled for them on this one.</summary>
public class ArmBootTests
{
    [Fact]
    public void One_layer_boots_from_a_file()
    {
        (TestKernel kernel, string init, string system) = Require();
        string initrd = InitrdBuilder.Build([new InitrdLayer(system)], Scratch.NewPath("initrd.img"),
            new InitrdOptions { Init = init, KernelModules = [kernel.Modules] }).Path;
        BootStory story = Boot(kernel, initrd, "");
        Assert.Contains("mounted the only layer from block devices", story.Init);
        Assert.Contains("S: writable", story.Lines);
        Assert.Equal(BootKit.Truth(system), story.Files);
    }

    [Fact]
    public void Layers_in_place_boot_under_a_root_hash_as_overlayfs_shows_them()
    {
        (TestKernel kernel, string init, string system) = Require();
        string[] layers =
            [system, Corpus.Layer("base", "lz4hc"), Corpus.Layer("app", "zstd-frag"), Corpus.Layer("config", "plain")];
        InitrdResult initrd = InitrdBuilder.Build([.. layers.Select(layer => new InitrdLayer(layer))],
            Scratch.NewPath("initrd.img"), new InitrdOptions
            {
                Form = InitrdForm.InPlace,
                Init = init,
                KernelModules = [kernel.Modules],
                Verity = new VerityOptions(),
            });
        BootStory story = Boot(kernel, initrd.Path, initrd.CommandLine);
        Assert.Equal(layers.Length, story.Init.Count(line => line.Contains(" checks it against its root hash ")));
        Assert.Contains("mounted the merged tree from block devices", story.Init);
        Assert.Equal(BootKit.Truth(layers), story.Files);
    }

    /// <summary>A kernel, /init and a layer with a system; skips the test, visibly, where one of them cannot be had.</summary>
    private static (TestKernel Kernel, string Init, string System) Require()
    {
        Qemu.SkipUnlessPossible(isArm: true);
        string init = Path.Combine(TidyTests.FindRoot(), "artifacts/publish/Lamina.Init/release_linux-arm64/lamina-init");
        Assert.SkipUnless(File.Exists(init),
            "/init is not published for this processor: dotnet publish src/Lamina.Init -c Release -r linux-arm64");
        string system = BootKit.Compile("boot-init", Tools.Require("aarch64-linux-gnu-gcc"));
        return (KernelPackages.RequireArm("6.12"), init, BootKit.MakeSystem(system, "base-arm64.erofs"));
    }

    private static BootStory Boot(TestKernel kernel, string initrd, string commandLine)
    {
        BootStory story = new(Qemu.Boot(new Machine(kernel.Image, initrd, commandLine) { IsArm = true }));
        Assert.True(story.Lines.Contains("S: end"), story.Tail);
        return story;
    }
}
