using Lamina.Boot;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Boot;

/// <summary>Unified kernel images: how they are built, and that firmware starts them.</summary>
public class UkiTests
{
    private const string Stub = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";
    private const string Firmware = "/usr/share/OVMF/OVMF_CODE_4M.fd", Variables = "/usr/share/OVMF/OVMF_VARS_4M.fd";

    [Fact]
    public void Firmware_starts_an_image_whose_layers_lie_in_place()
    {
        Assert.SkipUnless(File.Exists(Stub), "systemd-stub is not installed (systemd-boot-efi)");
        Assert.SkipUnless(File.Exists(Firmware), "no firmware for QEMU is installed (ovmf)");
        TestKernel kernel = BootKit.Require("6.12");
        string[] layers = BootTests.Layers("lzma", "zstd-frag", "lz4hc");
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.InPlace, layers);
        string system = Scratch.NewFolder("esp"), program = Path.Combine(system, "EFI", "BOOT", "BOOTX64.EFI");
        Directory.CreateDirectory(Path.GetDirectoryName(program)!);
        UkiResult result = UkiBuilder.Build(program, Options(kernel, initrd) with
        {
            CommandLine = "console=ttyS0 panic=-1 clearcpuid=141",
        });
        Assert.EndsWith(" retain_initrd", result.CommandLine);
        BootStory story = new(Qemu.Boot(new Machine("", "", "")
        {
            Memory = 1024,
            Arguments =
            [
                "-drive", $"if=pflash,format=raw,readonly=on,file={Firmware}",
                "-drive", $"if=pflash,format=raw,snapshot=on,file={Variables}",
                "-drive", $"file=fat:{system},format=raw,if=virtio,readonly=on",
            ],
        }));
        Assert.True(story.Lines.Contains("S: end"), story.Tail);
        Assert.Contains("mounted the merged tree from block devices", story.Init);
        Assert.Equal(BootKit.Truth(layers), story.Files);
    }

    [Fact]
    public void The_same_parts_give_the_same_image_and_sections_are_as_objdump_reads_them()
    {
        Assert.SkipUnless(File.Exists(Stub), "systemd-stub is not installed (systemd-boot-efi)");
        string kernel = Scratch.NewPath("vmlinuz"), archive = Scratch.NewPath("initrd");
        FakeKernel.Write(kernel, "6.12.1", 70_001);
        InitrdBuilder.Build([new InitrdLayer(Corpus.Layer("base", "lz4hc"))], archive, new InitrdOptions());
        UkiOptions options = new()
        {
            Stub = Stub,
            Kernel = kernel,
            Initrds = [archive, archive],
            CommandLine = "quiet",
            KernelRelease = "6.12.1"
        };
        string first = UkiBuilder.Build(Scratch.NewPath("a.efi"), options).Path, second =
            UkiBuilder.Build(Scratch.NewPath("b.efi"), options).Path;
        Assert.Equal(File.ReadAllBytes(first), File.ReadAllBytes(second));
        string read = Tools.Run("objdump", "-h", first).MustSucceed().Output;
        long size = new FileInfo(archive).Length * 2;
        Assert.Matches($@"\.initrd\s+{size:x8} ", read);
        Assert.Matches(@"\.cmdline\s+00000005 ", read);
        Assert.Matches(@"\.uname\s+00000006 ", read);
        Assert.Matches($@"\.linux\s+{70_001:x8} ", read);
        Assert.All(read.Split('\n').Where(line => line.Contains(".initrd") || line.Contains(".linux")),
            line => Assert.EndsWith("000", line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[5]));
    }

    [Fact]
    public void What_is_no_EFI_program_is_refused()
    {
        string text = Scratch.NewPath("stub");
        File.WriteAllText(text, new string('x', 4096));
        UkiOptions options = new() { Stub = text, Kernel = text };
        string target = Scratch.NewPath("a.efi");
        CorruptImageException failure = Assert.Throws<CorruptImageException>(() => UkiBuilder.Build(target, options));
        Assert.Contains("not an EFI program: no MZ header", failure.Message);
        Assert.False(File.Exists(target));
    }

    private static UkiOptions Options(TestKernel kernel, string initrd) => new()
    {
        Stub = Stub,
        Kernel = kernel.Image,
        Initrds = [initrd],
        OsRelease = "/etc/os-release",
        KernelRelease = kernel.Release,
    };
}
