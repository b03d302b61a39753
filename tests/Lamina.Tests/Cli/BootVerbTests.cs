using System.Text.Json;
using Lamina.Archives;
using Lamina.Boot;
using Lamina.Tests.Boot;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Cli;

/// <summary>The verbs initrd and uki: what goes into archives and images, what is said of it, and what is refused.</summary>
public class BootVerbTests
{
    private readonly string _folder = CliRun.NewFolderWithLayers();

    [Theory]
    [InlineData("files", "")]
    [InlineData("in-place", "retain_initrd")]
    public void An_archive_holds_init_the_layers_and_nothing_else(string form, string needed)
    {
        string init = NewFile("init", "the program"), early = NewArchive("early", "kernel/x86/microcode/AuthenticAMD.bin");
        string output = Path.Combine(_folder, "initrd.img");
        CliRun run = CliRun.Of("initrd", "-o", output, "--layer", Layer("base.erofs"), "--layer", Layer("app.erofs"),
            "--optional", Layer("app.erofs"), "--form", form, "--init", init, "--microcode", early).MustSucceed(mayWarn: true);
        Assert.Contains($"({form}): 2 layers, 0 kernel modules", run.Output);
        Assert.Contains("layers, lowest first: 100-base.erofs, 101-app.erofs", run.Output);
        Assert.Equal(needed != "", run.Output.Contains("The kernel command line needs:  retain_initrd"));
        Assert.Equal(File.ReadAllBytes(early), File.ReadAllBytes(output)[..(int)new FileInfo(early).Length]);

        CpioEntry[] entries = Read(output);
        string[] files = [.. entries.Where(entry => entry.IsRegularFile).Select(entry => entry.Name)];
        Assert.DoesNotContain(files, name => name != "init" && !name.StartsWith("lamina/") && !name.StartsWith("kernel/"));
        CpioEntry layer = entries.Single(entry => entry.Name == "lamina/layers/101-app.erofs" && entry.BodySize > 0);
        Assert.Equal(form == "in-place", layer.IsFifo);
        Assert.Equal(0, layer.BodyOffset % 4096);
        byte[] expected = File.ReadAllBytes(Layer("app.erofs"));
        Assert.Equal(expected, File.ReadAllBytes(output).AsSpan((int)layer.BodyOffset, expected.Length));
        string list = TextOf(output, entries.Single(entry => entry.IsRegularFile && entry.Name.StartsWith("lamina/lists/")));
        Assert.Matches(" required .* 100-base.erofs\n.* optional .* 101-app.erofs\n$", list);
        // What the kernel's own format is judged by: cpio reads the archive behind the early one.
        Assert.Contains("lamina/layers/100-base.erofs", ListByCpio(output, new FileInfo(early).Length));
    }

    [Fact]
    public void The_report_for_programs_says_the_same()
    {
        string output = Path.Combine(_folder, "initrd.img");
        JsonElement json = CliRun.Of("initrd", "-o", output, "--layer", Layer("base.erofs"), "--form", "in-place",
            "--init", NewFile("init", "x"), "--first", "7", "--json").Json(mayWarn: true);
        Assert.StartsWith("no layer has an init ", json.GetProperty("warnings")[1].GetString());
        Assert.Equal("007-base.erofs", json.GetProperty("layers")[0].GetString());
        Assert.Equal("retain_initrd", json.GetProperty("commandLine").GetString());
        Assert.Equal(new FileInfo(output).Length, json.GetProperty("length").GetInt64());
    }

    [Fact]
    public void Layers_alone_make_an_archive_to_append()
    {
        string output = Path.Combine(_folder, "extra.img");
        CliRun run = CliRun.Of("initrd", "-o", output, "--layer-only", Layer("base.erofs"), Layer("app.erofs")).MustSucceed();
        Assert.Contains("500-base.erofs, 501-app.erofs", run.Output);
        Assert.Contains("Append it:  cat INITRD ", run.Output);
        Assert.DoesNotContain(Read(output), entry => entry.Name == "init");
        Assert.Equal(4, CliRun.Of("initrd", "-o", output, "--layer-only", Layer("app.erofs")).Code);
        CliRun.Of("initrd", "-o", output, "--layer-only", Layer("app.erofs"), "--force").MustSucceed();
    }

    [Fact]
    public void The_same_parts_give_the_same_bytes()
    {
        string[] outputs = [Path.Combine(_folder, "a.img"), Path.Combine(_folder, "b.img")];
        foreach (string output in outputs)
            CliRun.Of("initrd", "-o", output, "--layer", Layer("base.erofs"), "--layer", Layer("app.erofs"),
                "--init", NewFile("init", "x")).MustSucceed(mayWarn: true);
        Assert.Equal(File.ReadAllBytes(outputs[0]), File.ReadAllBytes(outputs[1]));
        Assert.Contains(Read(outputs[0]), entry => entry.Name == BootFiles.Index);
    }

    [Theory]
    [InlineData(2, "--layer-only", "base.erofs", "--kernel-modules", "/lib/modules/1")]
    [InlineData(2, "--layer-only", "base.erofs", "--layer", "app.erofs")]
    [InlineData(2, "--layer", "base.erofs", "--optional", "app.erofs", "--init", "base.erofs")]
    [InlineData(2, "--layer", "base.erofs", "--module", "virtio_blk", "--init", "base.erofs")]
    [InlineData(2, "--layer", "base.erofs", "--first", "1000", "--init", "base.erofs")]
    [InlineData(2, "--layer", "base.erofs", "--form", "elsewhere")]
    [InlineData(3, "--layer", "text", "--init", "base.erofs")]
    [InlineData(3, "--layer", "base.erofs", "--microcode", "text", "--init", "base.erofs")]
    [InlineData(4, "--layer", "none.erofs", "--init", "base.erofs")]
    [InlineData(4, "--layer", "base.erofs", "--init", "none")]
    [InlineData(4, "--layer", "base.erofs", "--init", "base.erofs", "--kernel-modules", "none")]
    public void What_cannot_be_put_together_leaves_no_archive(int code, params string[] arguments)
    {
        NewFile("text", "no layer and no archive");
        string output = Path.Combine(_folder, "initrd.img");
        string[] full = [.. arguments.Select(word => word.StartsWith('-') || !word.Contains('.') && word is not ("text" or "none")
            ? word : Path.Combine(_folder, word))];
        CliRun run = CliRun.Of(["initrd", "-o", output, .. full]);
        Assert.True(run.Code == code, $"exit code {run.Code}: {run.Error}");
        Assert.StartsWith("lamina: ", run.Error);
        Assert.Empty(Directory.GetFiles(_folder, "initrd.img*"));
    }

    [Fact]
    public void An_image_has_what_its_archives_need_on_its_command_line()
    {
        string archive = Path.Combine(_folder, "initrd.img"), output = Path.Combine(_folder, "linux.efi");
        CliRun.Of("initrd", "-o", archive, "--layer-only", Layer("base.erofs"), "--form", "in-place").MustSucceed();
        string stub = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub", kernel = FakeKernel.Write(Path.Combine(_folder, "vmlinuz"));
        Assert.SkipUnless(File.Exists(stub), "systemd-stub is not installed (systemd-boot-efi)");
        CliRun run = CliRun.Of("uki", "-o", output, "--kernel", kernel, "--initrd", archive, "--cmdline", "quiet",
            "--os-release", "/etc/os-release", "--uname", "6.12.9").MustSucceed(mayWarn: true);
        Assert.StartsWith("lamina: warning: no archive has /init", run.Error);
        Assert.Contains("command line: quiet retain_initrd\n", run.Output);
        string read = Tools.Run("objdump", "-h", output).MustSucceed().Output;
        foreach (string section in (string[])[".osrel", ".cmdline", ".uname", ".initrd", ".linux"])
            Assert.Contains(section, read);
        Assert.Equal(4, CliRun.Of("uki", "-o", output, "--kernel", kernel).Code);
    }

    [Fact]
    public void A_command_line_that_init_would_refuse_is_refused_when_the_image_is_made()
    {
        string kernel = NewFile("vmlinuz", new string('k', 5000)), output = Path.Combine(_folder, "linux.efi");
        CliRun run = CliRun.Of("uki", "-o", output, "--kernel", kernel, "--stub", kernel, "--cmdline", "lamina.overlay=disk");
        Assert.Equal((2, "lamina: lamina.overlay=disk: tmpfs or none was expected\n"), (run.Code, run.Error));
        run = CliRun.Of("uki", "-o", output, "--kernel", kernel, "--stub", kernel, "--cmdline", "lamina.nonsense");
        Assert.Equal(3, run.Code);
        Assert.StartsWith("lamina: lamina.nonsense on the command line is not known to /init\n", run.Error);
        Assert.Contains("not an EFI program", run.Error);
        Assert.False(File.Exists(output));
    }

    private string Layer(string name) => Path.Combine(_folder, name);

    private string NewFile(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private string NewArchive(string name, string entry)
    {
        string root = Directory.CreateDirectory(Path.Combine(_folder, $"{name}.d")).FullName, path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(root, entry))!);
        File.WriteAllText(Path.Combine(root, entry), "microcode");
        Tools.RunIn(root, "sh", "-c", $"find . -mindepth 1 -printf '%P\\n' | cpio -o -H newc --quiet > '{path}'").MustSucceed();
        return path;
    }

    private static CpioEntry[] Read(string path)
    {
        using ByteSource source = ByteSource.OpenFile(path);
        return [.. new CpioReader(source).ReadAll()];
    }

    private static string TextOf(string path, CpioEntry entry) =>
        System.Text.Encoding.UTF8.GetString(File.ReadAllBytes(path).AsSpan((int)entry.BodyOffset, (int)entry.BodySize));

    private static string ListByCpio(string path, long from) =>
        Tools.Run("sh", "-c", $"tail -c +{(from + 4095) / 4096 * 4096 + 1} '{path}' | cpio -t --quiet").MustSucceed().Output;
}
