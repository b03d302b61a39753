using Lamina.Boot;
using Lamina.Describing;
using Lamina.Images;
using Lamina.Reading;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Boot;

/// <summary>Systems as distributions have them: systemd as init, and a disk as root.</summary>
public class SystemBootTests
{
    /// <summary>Says what state the system is in, once its usual target is reached, and ends it.</summary>
    private const string Script = """
        while read -r source target type rest; do
            [ "$target" != / ] || echo "S: root is $type"
        done < /proc/mounts
        read -r name < /proc/1/comm
        echo "S: $name, $(systemctl is-active multi-user.target)"
        test -e /proc/self && test -e /sys/kernel && test -c /dev/null && test -d /run/systemd && echo "S: all trees are there"
        echo "S: end"
        systemctl --no-block poweroff

        """;

    private const string Unit = """
        [Unit]
        After=multi-user.target

        [Service]
        Type=oneshot
        ExecStart=/bin/sh /script
        StandardOutput=tty
        TTYPath=/dev/console

        """;

    [Theory]
    [InlineData(InitrdForm.InPlace, "retain_initrd", "overlay")]
    [InlineData(InitrdForm.Files, "lamina.overlay=none", "erofs")]
    public void Systemd_runs_as_init_up_to_its_usual_target(InitrdForm form, string options, string root)
    {
        TestKernel kernel = BootKit.Require("6.12");
        Node units = Grow.Directory(
            ("tell.service", Grow.File(Unit)),
            ("getty.target", Grow.Link("/dev/null")),       // nobody logs in, and terminals are waited for
            ("default.target", Grow.Link("/lib/systemd/system/multi-user.target")),
            ("multi-user.target.wants", Grow.Directory(("tell.service", Grow.Link("../tell.service")))));
        string unit = BootKit.MakeLayer("unit.erofs", Grow.Directory(
            ("script", Grow.File(Script)),
            ("etc", Grow.Directory(
                ("machine-id", Grow.File("6c616d696e614000800000000000002a\n")),
                ("systemd", Grow.Directory(("system", units)))))));
        string initrd = BootKit.MakeInitrd(kernel, form, [SystemdRoot.Require(), unit]);
        BootStory story = BootKit.Boot(kernel, initrd, $"{options} systemd.show_status=no systemd.log_level=warning");
        Assert.Contains($"S: root is {root}", story.Lines);
        Assert.Contains("S: systemd, active", story.Lines);
        Assert.Contains("S: all trees are there", story.Lines);
        Assert.Contains("starting /sbin/init", story.Init);
    }

    [Theory]
    [InlineData("6.1", "LABEL=system", 0)]
    [InlineData("7.2", "LABEL=system", 0)]
    [InlineData("6.12", "LABEL=system", 1)]
    [InlineData("6.12", "PARTUUID=6c616d69-6e61-4000-8000-000000000002", 1)]
    [InlineData("6.12", "PARTUUID=6c616d69-02", 2)]
    public void A_flat_image_is_the_root_wherever_it_lies_on_a_disk(string version, string what, int table)
    {
        TestKernel kernel = BootKit.Require(version);
        string[] layers = BootTests.Layers("lz4hc", version == "6.1" ? "plain" : "zstd-frag", "inline");
        string image = Scratch.NewPath("root.erofs");
        MergedImage.Create(layers, image, new WriteOptions { Label = "system" });
        string[] tables = ["", "label: gpt\n", "label: dos\nlabel-id: 0x6c616d69\n"];
        string disk = table == 0 ? image : Partition(image, tables[table] + (table == 1
            ? "size=1MiB\nstart=4096, size=4MiB, uuid=6c616d69-6e61-4000-8000-000000000002\n"
            : "start=2048, size=1MiB, type=83\nstart=4096, size=4MiB, type=83\n"));
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.Files, [], "virtio_blk", "virtio_pci");
        BootStory story = BootKit.Boot(kernel, initrd, $"lamina.root={what}", disks: disk);
        Assert.Contains($"1 layers, lowest first: /dev/vda{(table == 0 ? "" : "2")}", story.Init);
        Assert.Equal(BootKit.Truth(layers), story.Files);
    }

    [Fact]
    public void A_label_survives_what_is_appended_and_may_be_replaced_by_it()
    {
        string image = Scratch.NewPath("root.erofs");
        MergedImage.Create([BootKit.BaseLayer], image, new WriteOptions { Label = "first" });
        MergedImage.Append(image, [Corpus.Layer("base", "lz4hc")]);
        Assert.Equal("first", Label(image));
        MergedImage.Append(image, [Corpus.Layer("app", "lz4hc")], new WriteOptions { Label = "second" });
        Assert.Equal("second", Label(image));
        ArgumentException failure = Assert.Throws<ArgumentException>(() => MergedImage.Create([BootKit.BaseLayer],
            Scratch.NewPath("x.erofs"), new WriteOptions { Label = "seventeen letters" }));
        Assert.Equal("the label seventeen letters has 17 bytes; 15 is the most", failure.Message);

        failure = Assert.Throws<ArgumentException>(() => MergedImage.Create([BootKit.BaseLayer], Scratch.NewPath("x.erofs"),
            new WriteOptions { Label = "sixteen letters!" }));
        Assert.Equal("the label sixteen letters! has 16 bytes; 15 is the most for Linux 6.12; 16 are possible with " +
            "--kernel 6.15 or later", failure.Message);

        static string? Label(string path)
        {
            using ByteSource source = ByteSource.OpenFile(path);
            return BootIndex.LabelOf(source);
        }
    }

    /// <summary>Before Linux 6.15 a label without a NUL behind it kept an image from being mounted.</summary>
    [Theory]
    [InlineData("fifteen letters", "6.1", "5.4")]
    [InlineData("sixteen letters!", "6.15", "6.15")]
    public void A_label_is_as_long_as_the_kernel_takes_it(string label, string kernel, string least)
    {
        string image = Scratch.NewPath("label.erofs"), layer = Corpus.PathOf("plain.erofs");
        Assert.True(KernelProfile.TryParse(kernel, out KernelProfile profile));
        WriteResult result = MergedImage.Create([layer], image, new WriteOptions { Label = label, Kernel = profile });
        Assert.True(result.Kernel >= new Version(least));
        using (ErofsImage opened = ImageInfoReader.Open(image, []))
        {
            Version told = new ImageInfoReader(opened, []).Read().Kernel;
            Assert.Equal(least == "6.15", told >= new Version(6, 15));
        }
        if (KernelMount.Obstacle is null && Environment.OSVersion.Version >= new Version(least))
        {
            using KernelMount mount = KernelMount.Erofs(image);
            Assert.Equal(Corpus.Truth("plain.erofs"), KernelManifest.Of(mount.Path));
        }
    }

    [Fact]
    public void A_disk_that_is_not_there_is_named_with_those_that_are()
    {
        TestKernel kernel = BootKit.Require("6.12");
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.Files, [], "virtio_blk", "virtio_pci");
        string text = Scratch.NewPath("text.img");
        File.WriteAllText(text, new string('x', 1 << 20));
        Assert.Equal("finding the layers: lamina.root=LABEL=none: no such block device within 20 s; there are: vda",
            BootKit.Try(kernel, initrd, "lamina.root=LABEL=none", disks: text).Failure);
        Assert.StartsWith("finding the layers: lamina.root=/dev/vda: ",
            BootKit.Try(kernel, initrd, "lamina.root=/dev/vda", disks: text).Failure);
    }

    /// <summary>Puts an image into the second partition of a disk, which begins at sector 4096.</summary>
    private static string Partition(string image, string table)
    {
        const long start = 4096 * 512, size = 16 << 20;
        string disk = Scratch.NewPath("disk.img"), script = Scratch.NewPath("table");
        byte[] bytes = File.ReadAllBytes(image);
        Assert.True(bytes.Length <= 4 << 20, "the partition is too small");
        File.WriteAllText(script, table);
        using (FileStream file = File.Create(disk))
            file.SetLength(size);
        Tools.Run("sh", "-c", $"'{Tools.Require("sfdisk")}' --quiet '{disk}' < '{script}'").MustSucceed();
        using (FileStream file = File.OpenWrite(disk))
        {
            file.Position = start;
            file.Write(bytes);
        }
        return disk;
    }
}
