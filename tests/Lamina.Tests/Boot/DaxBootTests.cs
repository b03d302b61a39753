using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Lamina.Boot;
using Lamina.Tests.Cli;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Boot;

/// <summary>An image in persistent memory is read by the processor itself: the page cache holds nothing of it.</summary>
public partial class DaxBootTests(ITestOutputHelper output)
{
    private const int DataSize = 120 << 20;

    [Fact]
    public void A_file_in_persistent_memory_takes_no_page_cache()
    {
        TestKernel kernel = BootKit.Require("6.12");
        string folder = Scratch.NewFolder("data"), image = Scratch.NewPath("dax.erofs"), data = Path.Combine(folder, "data");
        byte[] bytes = new byte[DataSize];
        new Random(1).NextBytes(bytes);
        File.WriteAllBytes(data, bytes);
        CliRun.Of("build", "--dax", folder, "-o", image).MustSucceed();
        const int alignment = 16 << 20;                                 // libnvdimm takes no namespace of less
        using (FileStream file = new(image, FileMode.Open))
            file.SetLength((file.Length + alignment - 1) / alignment * alignment);
        long size = new FileInfo(image).Length;
        string system = BootKit.MakeLayer("dax-system.erofs", BootKit.Folder(
            ("dev", BootKit.Folder()), ("proc", BootKit.Folder()), ("sys", BootKit.Folder()), ("run", BootKit.Folder()),
            ("mnt", BootKit.Folder()),
            ("sbin", BootKit.Folder(("init", BootKit.Program(File.ReadAllBytes(BootKit.Compile("dax-init"))))))));
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.Files, [system], "virtio_pci", "virtio_pmem", "nd_pmem");
        BootStory story = new(Qemu.Boot(new Machine(kernel.Image, initrd, "")
        {
            Memory = 512,
            Arguments =
            [
                "-m", "maxmem=2G,slots=2",
                "-object", $"memory-backend-file,id=pmem,share=off,readonly=on,mem-path={image},size={size}",
                "-device", "virtio-pmem-pci,memdev=pmem,id=nv",
            ],
        }));
        Assert.True(story.Lines.Contains("S: end"), story.Tail);
        (string sum, long grown) never = Grown(story, "dax=never"), always = Grown(story, "dax=always");
        ulong hash = 0xcbf29ce484222325;
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(bytes))
            hash = unchecked((hash ^ word) * 0x100000001b3);
        string expected = hash.ToString("x16", CultureInfo.InvariantCulture);
        Assert.Equal((expected, expected), (never.sum, always.sum));
        output.WriteLine($"page cache grew by {never.grown} kB without, by {always.grown} kB with direct access");
        Assert.InRange(never.grown, 100_000, long.MaxValue);
        Assert.InRange(always.grown, long.MinValue, 15_000);
    }

    private static (string Sum, long Grown) Grown(BootStory story, string way)
    {
        Match match = Measured().Match(string.Join('\n', story.Lines.Where(line =>
            line.StartsWith($"D: {way}", StringComparison.Ordinal))));
        Assert.True(match.Success, story.Tail);
        return (match.Groups[1].Value, long.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture));
    }

    [GeneratedRegex("125829120 bytes, ([0-9a-f]{16}), cache grew by (-?[0-9]+) kB")]
    private static partial Regex Measured();
}
