using Lamina.Boot;
using Lamina.Tests.Oracles;
using Lamina.Writing;

namespace Lamina.Tests.Boot;

/// <summary>Real kernels boot, and what they show equals what overlayfs of this machine shows of the same layers.</summary>
public class BootTests
{
    private const string InPlace = "retain_initrd";

    [Fact]
    public void One_layer_is_mounted_as_it_is()
    {
        TestKernel kernel = BootKit.Require("6.12");
        BootStory story = BootKit.Boot(kernel, BootKit.MakeInitrd(kernel, InitrdForm.InPlace, [BootKit.BaseLayer]), InPlace);
        Assert.Contains("mounted the only layer from block devices", story.Init);
        Assert.Equal(BootKit.Truth(BootKit.BaseLayer), story.Files);
        Assert.Contains("S: files 1024, SIGPIPE default, SIGCHLD free", story.Lines);
        Assert.Contains("S: begin /sbin/init", story.Lines);
    }

    [Theory]
    [InlineData("6.1", InitrdForm.Files, "lz4hc", "chunk", "inline")]
    [InlineData("6.12", InitrdForm.Files, "zstd-frag", "lzma", "lz4hc")]
    [InlineData("6.12", InitrdForm.InPlace, "lzma", "zstd-frag", "plain")]
    [InlineData("7.2", InitrdForm.Files, "zstd-frag", "lz4hc", "lzma")]
    [InlineData("7.2", InitrdForm.InPlace, "zstd-frag", "zstd-frag", "zstd-frag")]
    public void Layers_with_whiteouts_boot_as_overlayfs_shows_them(
        string version, InitrdForm form, string lower, string middle, string upper)
    {
        TestKernel kernel = BootKit.Require(version);
        string[] layers = Layers(lower, middle, upper);
        string options = form == InitrdForm.InPlace ? InPlace : "";
        BootStory story = BootKit.Boot(kernel, BootKit.MakeInitrd(kernel, form, layers), options);
        Assert.Contains("mounted the merged tree from block devices", story.Init);
        Assert.Contains("overlay of a tmpfs on top", story.Init);
        Assert.Contains("S: writable", story.Lines);
        Assert.Equal(BootKit.Truth(layers), story.Files);
    }

    [Theory]
    [InlineData("6.12")]
    [InlineData("7.2")]
    public void Where_rootfs_is_ramfs_files_are_mounted_without_loop_devices(string version)
    {
        TestKernel kernel = BootKit.Require(version);
        string[] layers = Layers("zstd-frag", "lz4hc", "plain");
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.Files, layers);
        BootStory story = BootKit.Boot(kernel, initrd, "rootfstype=ramfs lamina.overlay=none");
        Assert.Contains("mounted the merged tree from files", story.Init);
        Assert.Contains("S: Read-only file system", story.Lines);
        Assert.Equal(BootKit.Truth(layers), story.Files);
    }

    [Fact]
    public void A_tmpfs_can_lie_over_a_tree_that_is_mounted_from_files()
    {
        TestKernel kernel = BootKit.Require("6.12");
        string[] layers = Layers("lzma", "plain", "zstd-frag");
        BootStory story = BootKit.Boot(kernel, BootKit.MakeInitrd(kernel, InitrdForm.Files, layers), "rootfstype=ramfs");
        Assert.Contains("mounted the merged tree from files", story.Init);
        Assert.Contains("S: writable", story.Lines);
        Assert.Equal(BootKit.Truth(layers), story.Files);
    }

    /// <summary>
    /// A layer that came later lies on the index of the others; what it hides, by devices and by opaque directories, is hidden.
    /// </summary>
    [Theory]
    [InlineData("6.1", InitrdForm.Files, "")]
    [InlineData("6.12", InitrdForm.InPlace, $"{InPlace} lamina.overlay=none")]
    [InlineData("7.2", InitrdForm.InPlace, $"{InPlace} lamina.check")]
    public void A_layer_appended_by_cat_is_stacked_on_the_index_of_the_others(string version, InitrdForm form, string options)
    {
        TestKernel kernel = BootKit.Require(version);
        string[] layers = Layers("lz4hc", "lz4hc", "inline");
        string both = AppendLayer(MakeIndexed(kernel, form, layers[..3]), form, layers[3]);
        BootStory story = BootKit.Boot(kernel, both, options);
        Assert.Contains("the index made beforehand fits the first 3 layers", story.Init);
        Assert.Contains("mounted the merged tree from block devices", story.Init);
        Assert.Contains("mounted 1 layer, to be stacked on it by overlayfs", story.Init);
        bool isReadOnly = options.Contains("none");
        Assert.Contains(isReadOnly ? "overlay, read-only" : "overlay of a tmpfs on top", story.Init);
        Assert.Contains(isReadOnly ? "S: Read-only file system" : "S: writable", story.Lines);
        Assert.Equal(BootKit.Truth(layers), story.Files);
    }

    [Theory]
    [InlineData(InitrdForm.Files, "", false)]
    [InlineData(InitrdForm.InPlace, $"{InPlace} lamina.check lamina.stack=merge", true)]
    public void A_fourth_layer_is_merged_with_the_others_where_there_is_no_index_or_it_is_asked_for(
        InitrdForm form, string options, bool hasIndex)
    {
        TestKernel kernel = BootKit.Require("6.12");
        string[] layers = Layers("lz4hc", "zstd-frag", "inline");
        string deflate = Corpus.PathOf("deflate.erofs");
        string first = hasIndex ? MakeIndexed(kernel, form, layers) : BootKit.MakeInitrd(kernel, form, layers);
        BootStory story = BootKit.Boot(kernel, AppendLayer(first, form, deflate), options);
        Assert.Contains(story.Init, line => line.EndsWith(
            "102-layer-app-zstd-frag.erofs, 103-layer-config-inline.erofs, 500-deflate.erofs"));
        Assert.Contains(story.Init, line => line.StartsWith("merged 5 layers"));
        Assert.Equal(BootKit.Truth([.. layers, deflate]), story.Files);
    }

    [Fact]
    public void A_layer_is_stacked_on_the_only_one_of_the_archive_in_front()
    {
        TestKernel kernel = BootKit.Require("6.12");
        string config = Corpus.Layer("config", "zstd-frag");
        string alone = BootKit.MakeInitrd(kernel, InitrdForm.InPlace, [BootKit.BaseLayer]);
        string both = AppendLayer(alone, InitrdForm.InPlace, config);
        BootStory story = BootKit.Boot(kernel, both, InPlace);
        Assert.Contains("mounted the lowest layer from block devices", story.Init);
        Assert.Contains("mounted 1 layer, to be stacked on it by overlayfs", story.Init);
        Assert.Equal(BootKit.Truth(BootKit.BaseLayer, config), story.Files);
    }

    [Fact]
    public void Layers_can_be_stacked_by_overlayfs_instead()
    {
        TestKernel kernel = BootKit.Require("7.2");
        string[] layers = Layers("lzma", "zstd-frag", "lz4hc");
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.InPlace, layers);
        BootStory story = BootKit.Boot(kernel, initrd, $"{InPlace} lamina.stack=overlay lamina.overlay=none");
        Assert.Contains("mounted 4 layers, to be stacked by overlayfs", story.Init);
        Assert.Equal(BootKit.Truth(layers), story.Files);
    }

    [Fact]
    public void The_command_line_chooses_layers_their_order_and_init()
    {
        TestKernel kernel = BootKit.Require("6.1");
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.Files, Layers("lz4hc", "plain", "chunk"));
        BootStory story = BootKit.Boot(kernel, initrd,
            "lamina.layers=101-layer-base-lz4hc.erofs,100-base.erofs rd.init=/sbin/init lamina.nonsense -- one \"two words\"");
        Assert.Equal(BootKit.Truth(Corpus.Layer("base", "lz4hc"), BootKit.BaseLayer), story.Files);
        Assert.Contains("warning: lamina.nonsense on the command line is not known", story.Init);
        Assert.Contains("A: one", story.Lines);
    }

    [Fact]
    public void An_index_made_beforehand_is_used_if_it_fits_the_layers()
    {
        TestKernel kernel = BootKit.Require("6.12");
        string[] layers = Layers("zstd-frag", "chunk", "lzma");
        string initrd = MakeIndexed(kernel, InitrdForm.InPlace, layers);
        BootStory story = BootKit.Boot(kernel, initrd, InPlace);
        Assert.Contains("the index made beforehand fits the layers", story.Init);
        Assert.Equal(BootKit.Truth(layers), story.Files);
        story = BootKit.Boot(kernel, initrd, $"{InPlace} lamina.layers=100-base.erofs,102-layer-app-chunk.erofs");
        Assert.Contains("the index made beforehand is for other layers, it is not used", story.Init);
        Assert.Equal(BootKit.Truth(layers[0], layers[2]), story.Files);
    }

    [Fact]
    public void An_index_that_the_kernel_cannot_mount_is_made_again()
    {
        TestKernel kernel = BootKit.Require("6.12");
        string[] layers = Layers("lz4hc", "chunk", "inline");
        string initrd = MakeIndexed(kernel, InitrdForm.InPlace, layers, KernelProfile.Linux615);
        BootStory story = BootKit.Boot(kernel, initrd, InPlace);
        Assert.Contains(story.Init, line => line.StartsWith("warning: the index made beforehand is not used: "));
        Assert.Contains(story.Init, line => line.StartsWith("merged 4 layers"));
        Assert.Equal(BootKit.Truth(layers), story.Files);
    }

    [Fact]
    public void A_flat_image_on_a_disk_is_the_lowest_layer()
    {
        TestKernel kernel = BootKit.Require("6.12");
        string[] layers = Layers("lz4hc", "zstd-frag", "plain");
        string disk = Generators.Merge.ToFile(layers, new WriteOptions()).Path;
        string extra = Corpus.PathOf("lzma.erofs");
        string alone = BootKit.MakeInitrd(kernel, InitrdForm.Files, [], "virtio_blk", "virtio_pci");
        BootStory story = BootKit.Boot(kernel, alone, "lamina.root=/dev/vda", disks: disk);
        Assert.Equal(BootKit.Truth(layers), story.Files);
        string topped = BootKit.MakeInitrd(kernel, InitrdForm.InPlace, [extra], "virtio_blk", "virtio_pci");
        story = BootKit.Boot(kernel, topped, $"{InPlace} lamina.root=/dev/vda", disks: disk);
        Assert.Equal(BootKit.Truth([.. layers, extra]), story.Files);
    }

    internal static string[] Layers(string lower, string middle, string upper) =>
        [BootKit.BaseLayer, Corpus.Layer("base", lower), Corpus.Layer("app", middle), Corpus.Layer("config", upper)];

    private static string MakeIndexed(TestKernel kernel, InitrdForm form, string[] layers, KernelProfile? profile = null) =>
        InitrdBuilder.Build([.. layers.Select(layer => new InitrdLayer(layer))], Scratch.NewPath("initrd.img"),
            new InitrdOptions
            {
                Form = form,
                Init = BootKit.Init,
                KernelModules = [kernel.Modules],
                HasIndex = true,
                Kernel = profile,
            }).Path;

    private static string AppendLayer(string initrd, InitrdForm form, string layer)
    {
        string extra = InitrdBuilder.Build([new InitrdLayer(layer)], Scratch.NewPath("extra.img"),
            new InitrdOptions { Form = form }).Path;
        string both = Scratch.NewPath("both.img");
        Concatenate(both, initrd, extra);
        return both;
    }

    internal static void Concatenate(string target, params string[] parts)
    {
        using FileStream output = File.Create(target);
        foreach (string part in parts)
        {
            using FileStream input = File.OpenRead(part);
            input.CopyTo(output);
        }
    }
}
