using System.Text;
using Lamina.Boot;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Boot;

/// <summary>What goes into a unified kernel image has to be what it is given as.</summary>
public class UkiPartsTests
{
    private const string Stub = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";
    private const string Manager = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi";

    private readonly string _folder = Scratch.NewFolder("parts");

    public UkiPartsTests()
    {
        Assert.SkipUnless(File.Exists(Stub), "systemd-stub is not installed (systemd-boot-efi)");
        FakeKernel.Write(At("kernel"));
        FakeKernel.Write(At("arm"), machine: 0xAA64);
        FakeKernel.Write(At("old"), "6.1.0-50-amd64");
        File.WriteAllBytes(At("cut"), File.ReadAllBytes(At("kernel"))[..4000]);
        byte[] bare = File.ReadAllBytes(At("kernel"));
        bare[0] = 0;
        File.WriteAllBytes(At("bare"), bare);
        File.WriteAllText(At("text"), "a text");
        File.WriteAllText(At("empty"), "");
        File.Copy(Corpus.PathOf("lz4.erofs"), At("erofs"));
        File.WriteAllBytes(At("zeros"), new byte[4096]);
        Tools.Run("tar", "-cf", At("tar"), "-C", _folder, "text").MustSucceed();
        Tools.Run("gzip", "-k", At("text")).MustSucceed();
        InitrdBuilder.Build([new InitrdLayer(At("erofs"))], At("place"),
            new InitrdOptions { Form = InitrdForm.InPlace, Init = At("text") });
        InitrdBuilder.Build([new InitrdLayer(At("erofs"))], At("files"), new InitrdOptions { Init = At("text") });
        File.WriteAllBytes(At("half"), File.ReadAllBytes(At("files"))[..9000]);
        File.WriteAllBytes(At("tail"), [.. File.ReadAllBytes(At("files")), .. Encoding.ASCII.GetBytes("tail")]);
        foreach (string packer in (string[])["gzip", "xz", "zstd"])
            Tools.Run(packer, "-q", "-k", At("files")).MustSucceed();
        UkiBuilder.Build(At("uki"), Options("kernel", "files"));
    }

    [Theory]
    [InlineData("text", "is text, not a kernel")]
    [InlineData("empty", "is empty, not a kernel")]
    [InlineData("erofs", "is an EROFS image, not a kernel")]
    [InlineData("tar", "is a tar, not a kernel")]
    [InlineData("files", "is a cpio archive, not a kernel")]
    [InlineData("text.gz", "is compressed with gzip, not a kernel")]
    [InlineData("uki", "is a finished unified kernel image, not a kernel")]
    [InlineData(Stub, "is an EFI program, not a kernel")]
    [InlineData("bare", "is a kernel that firmware cannot start: it has no EFI stub")]
    [InlineData("arm", "is for another kind of processor (0xaa64) than ")]
    [InlineData("cut", "the program is cut off: section 1 ends at byte 8192, the file at byte 4000")]
    public void What_is_no_kernel_is_refused(string kernel, string expected) => Refused(expected, Options(kernel, "files"));

    [Theory]
    [InlineData("text", "is text, not an initramfs")]
    [InlineData("empty", "is empty, not an initramfs")]
    [InlineData("erofs", "is an EROFS image, not an initramfs")]
    [InlineData("tar", "is a tar, not an initramfs")]
    [InlineData("kernel", "is an EFI program, not an initramfs")]
    [InlineData("text.gz", "is compressed with gzip, but what is in it is no cpio archive")]
    [InlineData("zeros", "has no files in it")]
    [InlineData("half", "the archive is cut off at byte 9000")]
    [InlineData("tail", "behind the archive, is no archive")]
    public void What_is_no_archive_is_refused(string archive, string expected)
    {
        Refused(expected, Options("kernel", archive));
        Refused(expected, Options("kernel", "files", archive));
    }

    [Theory]
    [InlineData("uki", "is a finished unified kernel image, not systemd-stub")]
    [InlineData(Manager, "calls itself systemd-boot ")]
    [InlineData("kernel", "is a kernel, not systemd-stub")]
    [InlineData("text", "not an EFI program: no MZ header")]
    public void What_is_no_stub_is_refused(string stub, string expected) =>
        Refused(expected, Options("kernel", "files") with { Stub = At(stub) });

    [Theory]
    [InlineData("files.gz")]
    [InlineData("files.xz")]
    [InlineData("files.zst")]
    public void Archives_can_be_compressed_by_whoever_made_them(string archive) =>
        Assert.Empty(UkiBuilder.Build(At("out"), Options("kernel", archive)).Warnings);

    [Fact]
    public void Layers_in_place_are_refused_with_a_kernel_that_cannot_keep_them()
    {
        Refused("layers lie in place, which takes Linux 6.6 or later; the kernel is 6.1.0-50-amd64", Options("old", "place"));
        UkiBuilder.Build(At("out"), Options("kernel", "place"));
    }

    [Fact]
    public void What_may_be_meant_is_warned_of()
    {
        InitrdBuilder.Build([new InitrdLayer(At("erofs"))], At("layers"), new InitrdOptions());
        UkiOptions options = Options("kernel", "layers") with { KernelRelease = "6.1", OsRelease = At("text") };
        Assert.Equal(
        [
            $"{At("kernel")} calls its release 6.12.9, not 6.1",
            "no archive has /init: archives with layers alone belong behind one that has it",
            $"{At("text")} has none of ID=, NAME=, PRETTY_NAME=, IMAGE_ID=; boot menus may not show the image",
        ], UkiBuilder.Build(At("out"), options).Warnings);
        Refused("is a tar, not a text like /etc/os-release", options with { OsRelease = At("tar") });
    }

    [Fact]
    public void Sections_lie_end_to_end_so_that_who_signs_the_image_finds_nothing_odd()
    {
        Tools.Require("sbsign");
        string key = At("key.pem"), certificate = At("certificate.pem");
        Tools.Run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "30",
            "-subj", "/CN=Boot").MustSucceed();
        UkiOptions options = Options("kernel", "files") with { OsRelease = "/etc/os-release", KernelRelease = "6.12.9" };
        UkiBuilder.Build(At("out"), options);
        string said = Tools.Run("sbsign", "--key", key, "--cert", certificate, "--output", At("signed"), At("out"))
            .MustSucceed().Error;
        Assert.DoesNotContain("warning", said);
        Tools.Run("sbverify", "--cert", certificate, At("signed")).MustSucceed();
    }

    [Fact]
    public void A_signature_is_one_that_others_check_and_firmware_would_take()
    {
        Tools.Require("sbverify");
        string key = At("own.pem"), certificate = At("own.crt"), other = At("other.pem"), stranger = At("other.crt");
        foreach ((string name, string file) in ((string, string)[])[(key, certificate), (other, stranger)])
        {
            Tools.Run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", name, "-out", file, "-days", "30",
                "-subj", "/CN=Boot").MustSucceed();
        }
        string[] words = ["uki", "--kernel", At("kernel"), "--initrd", At("files"), "--sign", key, "--certificate", certificate];
        Cli.CliRun.Of([.. words, "-o", At("signed.efi")]).MustSucceed();
        Cli.CliRun.Of([.. words, "-o", At("again.efi")]).MustSucceed();
        Assert.Equal(File.ReadAllBytes(At("signed.efi")), File.ReadAllBytes(At("again.efi")));
        Assert.Contains("Signature verification OK",
            Tools.Run("sbverify", "--cert", certificate, At("signed.efi")).MustSucceed().Output);
        Assert.NotEqual(0, Tools.Run("sbverify", "--cert", stranger, At("signed.efi")).ExitCode);
        // A byte of the kernel that is another, or of the headers: nothing that is signed can be changed.
        byte[] signed = File.ReadAllBytes(At("signed.efi"));
        foreach (int at in (int[])[0x80, signed.Length / 2])
        {
            byte[] changed = [.. signed];
            changed[at] ^= 1;
            File.WriteAllBytes(At("changed.efi"), changed);
            Assert.NotEqual(0, Tools.Run("sbverify", "--cert", certificate, At("changed.efi")).ExitCode);
        }
    }

    [Fact]
    public void Keys_that_firmware_does_not_take_are_refused()
    {
        string key = At("ec.pem"), certificate = At("ec.crt");
        Tools.Run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
            "-out", certificate, "-days", "30", "-subj", "/CN=Boot").MustSucceed();
        Cli.CliRun run = Cli.CliRun.Of("uki", "--kernel", At("kernel"), "--initrd", At("files"), "-o", At("ec.efi"),
            "--sign", key, "--certificate", certificate);
        Assert.Equal(2, run.Code);
        Assert.Contains("is no RSA key; firmware takes signatures of these alone", run.Error);
        Assert.False(File.Exists(At("ec.efi")));
    }

    [Fact]
    public void Microcode_needs_a_stub_that_looks_for_it_and_must_be_microcode()
    {
        Refused("and no uncompressed archive of microcode alone", Options("kernel", "files") with { Microcode = At("files") });
        Directory.CreateDirectory(At("early/kernel/x86/microcode"));
        File.WriteAllText(At("early/kernel/x86/microcode/GenuineIntel.bin"), "microcode");
        Tools.RunIn(At("early"), "sh", "-c", "find . | cpio -o -H newc --quiet > ../ucode").MustSucceed();
        UkiOptions options = Options("kernel", "files") with { Microcode = At("ucode") };
        Refused("it takes 256 to find microcode", options);
        // The same stub, calling itself newer.
        byte[] stub = File.ReadAllBytes(Stub);
        int mark = stub.AsSpan().IndexOf("systemd-stub 2"u8);
        Assert.True(mark > 0);
        Encoding.ASCII.GetBytes("systemd-stub 257").CopyTo(stub, mark);
        File.WriteAllBytes(At("newer"), stub);
        UkiBuilder.Build(At("out"), options with { Stub = At("newer") });
        string read = Tools.Run("objdump", "-h", At("out")).MustSucceed().Output;
        Assert.Matches($@"\.ucode\s+{new FileInfo(At("ucode")).Length:x8} ", read);
    }

    private void Refused(string expected, UkiOptions options)
    {
        File.Delete(At("out"));
        Exception failure = Assert.ThrowsAny<Exception>(() => UkiBuilder.Build(At("out"), options));
        Assert.True(failure is UnsupportedImageException or CorruptImageException, failure.ToString());
        Assert.Contains(expected, failure.Message);
        Assert.False(File.Exists(At("out")));
    }

    private UkiOptions Options(string kernel, params string[] archives) => new()
    {
        Stub = Stub,
        Kernel = At(kernel),
        Initrds = [.. archives.Select(At)],
        Overwrite = true,
    };

    private string At(string name) => Path.Combine(_folder, name);
}
