using Lamina.Boot;
using Lamina.Tests.Cli;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Writing;

namespace Lamina.Tests.Images;

/// <summary>System extensions as layers: what fits not the system below is refused, as systemd-sysext does.</summary>
public class ExtensionTests
{
    private const string Debian = "ID=debian\nVERSION_ID=\"12\"\nSYSEXT_LEVEL=1.0\n", Rolling = "ID=arch\nID_LIKE='other more'\n";

    private readonly string _folder = Scratch.NewFolder("extension");

    [Theory]
    [InlineData(Debian, "ID=debian\nVERSION_ID=12\n", null)]
    [InlineData(Debian, "ID=debian\nVERSION_ID=11\nSYSEXT_LEVEL=1.0\n", null)]
    [InlineData(Debian, "ID=_any\n", null)]
    [InlineData(Debian, "ID=debian\nVERSION_ID=12\nARCHITECTURE=_any\n", null)]
    [InlineData(Rolling, "ID=arch\n", null)]
    [InlineData(Rolling, "ID=more\nVERSION_ID=7\n", null)]
    [InlineData(Debian, "ID=fedora\nVERSION_ID=12\n", "it is for the system fedora, the layers below are debian")]
    [InlineData(Debian, "ID=debian\nVERSION_ID=11\n", "it is for debian 11, the layers below are debian 12")]
    [InlineData(Debian, "ID=debian\nVERSION_ID=12\nSYSEXT_LEVEL=2\n", "it is for SYSEXT_LEVEL=2, the layers below have 1.0")]
    [InlineData(Debian, "ID=debian\n", "it has neither SYSEXT_LEVEL= nor VERSION_ID=")]
    [InlineData(Debian, "ID=debian\nVERSION_ID=12\nARCHITECTURE=s390x\n", "it is for processors called s390x")]
    [InlineData(Debian, "VERSION_ID=12\n", "it has no ID=")]
    public void An_extension_fits_as_systemd_sees_it(string system, string extension, string? fault)
    {
        string root = Make("base.erofs", ("usr", Grow.Directory(("lib", Grow.Directory(("os-release", Grow.File(system)))))));
        string image = Make("ext.erofs", ("usr", Grow.Directory(
            ("lib", Grow.Directory(("extension-release.d", Grow.Directory(("extension-release.ext", Grow.File(extension)))))),
            ("tool", Grow.File("tool")))));
        // As systemd has them: a disk with a partition table.
        string disk = At("ext.raw"), output = At("out.erofs");
        DiskImage.Build(image, disk);
        CliRun run = CliRun.Of("merge", root, disk, "-o", output);
        if (fault is null)
        {
            run.MustSucceed();
            Assert.Contains("tool\n", CliRun.Of("ls", output, "/usr").MustSucceed().Output);
            return;
        }
        Assert.Equal(3, run.Code);
        Assert.Contains(fault, run.Error);
        Assert.Contains("--any-extension", run.Error);
        Assert.False(File.Exists(output));
        CliRun.Of("merge", root, disk, "-o", output, "--any-extension").MustSucceed();
    }

    private string Make(string name, params (string, Tree.Node)[] entries)
    {
        string path = At(name);
        ImageWriter.Write(Boot.BootKit.Folder(entries), [], path, new WriteOptions { Mode = OutputMode.Full, BlockSize = 4096 });
        return path;
    }

    private string At(string name) => Path.Combine(_folder, name);
}
