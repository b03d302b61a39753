using Lamina.Archives;
using Lamina.Boot;
using Lamina.Exporting;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Tests.Cli;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Boot;

/// <summary>Archives of other tools become archives of layers: the same files, and their /init goes on as it would.</summary>
public class OtherInitrdTests
{
    private readonly string _folder = Scratch.NewFolder("other");

    [Theory]
    [InlineData("files", 1)]
    [InlineData("in-place", 3, "--split-by", "modules")]
    [InlineData("files", 2, "--split", "/usr/bin/")]
    [InlineData("files", 6, "--split-by", "size:120K", "-z", "lz4hc")]
    public void The_layers_together_are_what_the_kernel_would_unpack(string form, int count, params string[] options)
    {
        string initrd = MakeInitrd(null, "mkdir usr/lib/modules/6.12.9-test; seq 1 9000 > usr/lib/modules/6.12.9-test/list"),
            output = At("out.img");
        CliRun run = CliRun.Of(["initrd", "--from", initrd, "-o", output, "--form", form, "--init", BootKit.SystemProgram,
            "--kernel-modules", Modules("6.12.9-test"), .. options]).MustSucceed();
        Assert.Contains($"({form}): {(count == 1 ? "1 layer" : $"{count} layers")}", run.Output);
        (CpioEntry[] entries, byte[] bytes) = Read(output);
        // What stands in front for the processor is the same, byte for byte.
        byte[] early = File.ReadAllBytes(At("early.cpio"));
        Assert.Equal(early, bytes[..early.Length]);
        string[] layers = [.. entries.Where(entry => entry.Name.StartsWith("lamina/layers/")).Select(entry =>
        {
            string path = At(Path.GetFileName(entry.Name));
            File.WriteAllBytes(path, bytes[(int)entry.BodyOffset..(int)(entry.BodyOffset + entry.BodySize)]);
            return path;
        })];
        Assert.Equal(count, layers.Length);
        string merged = At("merged.erofs");
        MergedImage.Create(layers, merged);
        CompareResult result = MergedImage.Compare(merged, [initrd]);
        Assert.Empty(result.Differences);
        Assert.True(result.Paths > 15);
        CpioEntry words = entries.Single(entry => entry.Name == BootFiles.Options);
        Assert.Equal("lamina.start=initrd\n",
            System.Text.Encoding.UTF8.GetString(bytes, (int)words.BodyOffset, (int)words.BodySize));
        Assert.Empty(Directory.GetFiles(_folder, ".*"));
    }

    [Theory]
    [InlineData("6.1", "files", "")]
    [InlineData("6.12", "in-place", "retain_initrd")]
    [InlineData("7.2", "files", "")]
    public void A_kernel_shows_the_same_files_as_it_would_have_unpacked(string version, string form, string words)
    {
        TestKernel kernel = BootKit.Require(version);
        string initrd = MakeInitrd(kernel), output = At("out.img");
        CliRun.Of("initrd", "--from", initrd, "-o", output, "--form", form, "--init", BootKit.Init, "--split-by", "modules")
            .MustSucceed();
        BootStory plain = BootKit.Boot(kernel, initrd), layered = BootKit.Boot(kernel, output, $"{words} init=/bin/false");
        Assert.Equal(Below(plain), Below(layered));
        Assert.Contains("S: begin /init", layered.Lines);
        // Nothing is mounted that the kernel would not have mounted: /proc is its own, as the other /init expects it.
        Assert.DoesNotContain(layered.Lines, line => line.StartsWith("M: "));
        Assert.Contains("S: root is overlayfs", layered.Lines);

        // The root itself is made by the kernel in the one case, and microcode is unpacked into it.
        static string[] Below(BootStory story) =>
            [.. story.Files.Where(line => !line.StartsWith("F:  ") && !line.StartsWith("F: /kernel"))];
    }

    [Fact]
    public void An_init_that_deletes_its_root_gets_one_of_memory()
    {
        TestKernel kernel = BootKit.Require("6.12");
        string initrd = MakeInitrd(kernel, "mkdir usr/lib/klibc usr/lib/klibc/bin; cp init usr/lib/klibc/bin/run-init"),
            output = At("out.img");
        CliRun.Of("initrd", "--from", initrd, "-o", output, "--init", BootKit.Init).MustSucceed();
        Assert.Contains("S: root is tmpfs", BootKit.Boot(kernel, output).Lines);
        Assert.Contains("S: root is overlayfs", BootKit.Boot(kernel, output, "lamina.root-on=layers").Lines);
    }

    [Theory]
    [InlineData("busybox", "lamina.start=initrd lamina.root-on=tmpfs\n")]
    [InlineData("util-linux", "lamina.start=initrd\n")]
    public void A_switch_root_of_busybox_is_as_picky(string kind, string expected)
    {
        string script = kind == "busybox" ? "cp init usr/bin/busybox; ln -s busybox usr/bin/switch_root"
            : "cp init usr/bin/switch_root";
        using OtherInitrd other = OtherInitrd.Open(MakeInitrd(null, script), new LayerOptions());
        Assert.Equal(expected.Trim(), other.BootWords);
    }

    [Fact]
    public void Modules_that_are_nowhere_are_told_with_the_place_to_look()
    {
        string modules = "mkdir -p usr/lib/modules/6.12.9-x/kernel; cd usr/lib/modules/6.12.9-x; echo > modules.dep";
        string initrd = MakeInitrd(null, modules);
        Refused(4, $"{initrd}: lib/modules/6.12.9-x: kernel 6.12.9-x has no module erofs, neither as a file nor built in; " +
            "name all that the kernel has: --kernel-modules /lib/modules/6.12.9-x", initrd);
        string bare = MakeInitrd(null, modules.Replace("modules.dep", "modules.order"));
        Refused(4, "lib/modules/6.12.9-x/modules.dep is not there; without it, nobody knows which modules there are", bare);
        CliRun run = CliRun.Of("initrd", "--from", MakeInitrd(), "-o", At("out.img"), "--init", BootKit.SystemProgram);
        Assert.Equal(0, run.Code);
        Assert.Contains("has no kernel modules: the kernel must have erofs, loop and overlay built in", run.Error);
    }

    [Theory]
    [InlineData(3, "is text, not an initramfs", "text")]
    [InlineData(3, "holds nothing that a kernel would unpack", "early.cpio")]
    [InlineData(3, "was made by lamina initrd", "ours.img")]
    [InlineData(2, "--split /nothing: fits nothing", "initrd.img", "--split", "/nothing")]
    [InlineData(2, "one of modules, size, size:BYTES is expected", "initrd.img", "--split-by", "colour")]
    [InlineData(2, "--split and --split-by both say", "initrd.img", "--split-by", "size", "--split", "/init")]
    [InlineData(2, "--from has no place beside --layer-only", "initrd.img", "--layer-only", "initrd.img")]
    public void What_cannot_be_is_refused(int code, string expected, string name, params string[] options)
    {
        MakeInitrd();
        File.WriteAllText(At("text"), "a text");
        CliRun.Of("initrd", "-o", At("ours.img"), "--init", BootKit.SystemProgram, BootKit.BaseLayer).MustSucceed();
        Refused(code, expected, At(name), options);
    }

    [Fact]
    public void A_damaged_archive_is_refused_whatever_is_damaged()
    {
        byte[] whole = File.ReadAllBytes(MakeInitrd());
        Random dice = new(12);
        int refused = 0;
        for (int i = 0; i < 40; i++)
        {
            byte[] damaged = i % 2 == 0 ? whole[..dice.Next(whole.Length)] : [.. whole];
            if (i % 2 == 1)
                damaged[dice.Next(whole.Length)] ^= (byte)(1 << dice.Next(8));
            File.WriteAllBytes(At("damaged"), damaged);
            try
            {
                using OtherInitrd other = OtherInitrd.Open(At("damaged"), new LayerOptions());
                Assert.True(other.Early.Length <= damaged.Length);
            }
            catch (Exception fault) when (fault is CorruptImageException or UnsupportedImageException)
            {
                refused++;
            }
        }
        Assert.True(refused > 20, $"{refused} of 40");
    }

    [Theory]
    [InlineData("dracut")]
    [InlineData("mkinitramfs")]
    public void What_the_real_tools_made_starts_a_system_from_a_disk(string tool)
    {
        TestKernel kernel = BootKit.Require("6.12");
        Assert.SkipUnless(Environment.IsPrivilegedProcess, $"{tool} makes device nodes, which needs root");
        string initrd = At("real.img"), output = At("out.img"), disk = At("disk.ext4"), root = At("root");
        MakeByTool(tool, kernel, initrd);
        CliRun.Of("initrd", "--from", initrd, "-o", output, "--form", "in-place", "--init", BootKit.Init,
            "--kernel-modules", kernel.Modules, "--split-by", "modules").MustSucceed();
        foreach (string directory in (string[])["sbin", "dev", "proc", "sys", "run", "tmp", "usr", "etc"])
            Directory.CreateDirectory(Path.Combine(root, directory));
        File.Copy(BootKit.SystemProgram, Path.Combine(root, "sbin", "init"));
        File.WriteAllText(Path.Combine(root, "etc", "os-release"), "ID=test\n");
        Tools.Run("truncate", "-s", "32M", disk).MustSucceed();
        Tools.Run("mkfs.ext4", "-q", "-d", root, disk).MustSucceed();
        BootStory story = BootKit.Boot(kernel, output, "root=/dev/vda ro retain_initrd", memory: 768, disks: disk);
        Assert.True(story.Lines.Any(line => line.Contains("starting /init", StringComparison.Ordinal)), story.Tail);
        Assert.Contains(story.Lines, line => line.StartsWith("M: /dev/vda / ext4 "));
    }

    private void MakeByTool(string tool, TestKernel kernel, string output)
    {
        string program = Tools.Require(tool);
        if (tool == "dracut")
        {
            Tools.Run(program, "--no-hostonly", "--force", "--quiet", "--kver", kernel.Release, "--kmoddir", kernel.Modules,
                "--tmpdir", Directory.CreateDirectory(At("tmp")).FullName, "--zstd", output).MustSucceed();
            return;
        }
        // It takes the modules of the machine alone; a namespace of its own shows it those of the kernel.
        string config = Directory.CreateDirectory(At("config")).FullName;
        File.WriteAllText(Path.Combine(config, "initramfs.conf"), "MODULES=list\nBUSYBOX=auto\nCOMPRESS=gzip\n");
        File.WriteAllText(Path.Combine(config, "modules"), "virtio_blk\nvirtio_pci\next4\n");
        ToolResult made = Tools.Run("unshare", "-m", "sh", "-ec", $"""
            mount -t tmpfs none /mnt && mkdir /mnt/upper /mnt/work
            mount -t overlay -o lowerdir=/usr/lib,upperdir=/mnt/upper,workdir=/mnt/work none /usr/lib
            mount -t tmpfs none /boot && echo CONFIG_RD_GZIP=y > /boot/config-{kernel.Release}
            mkdir -p /lib/modules/{kernel.Release} && mount --bind {kernel.Modules} /lib/modules/{kernel.Release}
            {program} -d {config} -o {output} {kernel.Release}
            """);
        Assert.SkipUnless(made.ExitCode == 0 || !made.Error.Contains("permitted", StringComparison.Ordinal),
            "a mount namespace is not to be had");
        made.MustSucceed();
    }

    /// <summary>Microcode, then a compressed archive with links, devices and an /init that tells what it sees.</summary>
    private string MakeInitrd(TestKernel? kernel = null, string script = ":")
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "device nodes and owners need root");
        Tools.Require("cpio");
        string early = At("early"), tree = Scratch.NewFolder("tree"), path = At("initrd.img");
        string modules = kernel is null ? ":"
            : $"mkdir -p usr/lib/modules && cp -r {kernel.Modules} usr/lib/modules/ && " +
                "find usr/lib/modules -name '*.ko*' | " +
                "grep -vE '/(erofs|loop|overlay|netfs|reed_solomon|dm-|[^/]*crc32|lz4|zstd|xxhash)[^/]*$' | xargs rm";
        Tools.Run("bash", "-ec", $$"""
            mkdir -p {{early}}/kernel/x86/microcode && head -c 5000 /dev/urandom > {{early}}/kernel/x86/microcode/AuthenticAMD.bin
            (cd {{early}} && find . | cpio -o -H newc --quiet > {{At("early.cpio")}})
            cd {{tree}}
            mkdir -p dev proc sys run root etc usr/bin usr/lib/firmware/a usr/lib/modules
            ln -s usr/bin bin; ln -s usr/lib lib
            cp {{BootKit.SystemProgram}} init
            mknod dev/console c 5 1; mknod usr/pipe p
            echo text > etc/text; ln etc/text etc/again; ln etc/text usr/bin/third; chown 7:8 etc/text; chmod 4755 etc/text
            seq 1 20000 > usr/lib/firmware/a/fw.bin; seq 5 30000 > usr/lib/firmware/two; ln -s a/fw.bin usr/lib/firmware/link
            head -c 70000 /dev/urandom > usr/bin/noise; : > etc/empty; mkdir etc/none
            ({{script}})
            {{modules}}
            find . -exec touch -h -d @1700000000 {} +
            (cat {{At("early.cpio")}}; find . | LC_ALL=C sort | cpio -o -H newc --quiet | zstd -q) > {{path}}
            """).MustSucceed();
        return path;
    }

    /// <summary>The folder of a kernel that has all built in.</summary>
    private string Modules(string release)
    {
        string folder = Directory.CreateDirectory(At(release)).FullName;
        File.WriteAllText(Path.Combine(folder, "modules.dep"), "");
        File.WriteAllText(Path.Combine(folder, "modules.builtin"), "kernel/erofs.ko\nkernel/loop.ko\nkernel/overlay.ko\n");
        return folder;
    }

    private void Refused(int code, string expected, string initrd, params string[] options)
    {
        string output = At("refused.img");
        CliRun run = CliRun.Of(["initrd", "--from", initrd, "-o", output, "--init", BootKit.SystemProgram, .. options]);
        Assert.True(run.Code == code, $"exit code {run.Code}: {run.Error}");
        Assert.Contains(expected, run.Error);
        Assert.False(File.Exists(output));
    }

    private static (CpioEntry[] Entries, byte[] Bytes) Read(string path)
    {
        using ByteSource source = ByteSource.OpenFile(path);
        return ([.. new CpioReader(source).ReadAll()], File.ReadAllBytes(path));
    }

    private string At(string name) => Path.Combine(_folder, name);
}
