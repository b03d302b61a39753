using System.Diagnostics;
using System.Text;
using Lamina.Layers;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Layers;

/// <summary>What a kernel takes as its initramfs, as a layer.</summary>
public class CpioLayerTests
{
    private const uint RegularFile = 0x81A4, Folder = 0x41ED, Link = 0xA1FF, Device = 0x2180;

    [Theory]
    [InlineData("newc")]
    [InlineData("crc")]
    [InlineData("odc")]
    public void What_GNU_cpio_wrote_is_the_directory_it_read(string format)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "device nodes and owners need root");
        string folder = Scratch.NewPath("folder"), archive = Scratch.NewPath("archive.cpio");
        Directory.CreateDirectory(folder);
        int made = Run("bash", "-c", $"""
            cd {folder} && mkdir -p etc usr/bin && echo text > etc/file && ln etc/file etc/again &&
            ln -s ../etc/file usr/bin/link &&
            mknod usr/null c 1 3 && mkfifo usr/pipe && head -c 100000 /dev/zero > usr/bin/zeros && chmod 4755 usr/bin/zeros &&
            chown 5:6 etc/file && find . -print0 | xargs -0 touch -h -d @1700000000 &&
            find . | cpio -o -H {format} > {archive} 2> /dev/null
            """);
        Assert.SkipUnless(made == 0, "cpio is missing");
        using Layer expected = LayerOpener.Open(folder), layer = LayerOpener.Open(archive);
        Assert.Equal(Rows(expected), Rows(layer));
        Assert.Same(Trees.At(layer, "/etc/file"), Trees.At(layer, "/etc/again"));
        Assert.Equal(WhiteoutRules.Cpio, layer.Rules);
    }

    private static string[] Rows(Layer layer) => [.. Trees.Walk(layer.Root).Select(file =>
        $"{Encoding.Latin1.GetString(file.Path)} {Convert.ToString(file.Node.Mode, 8)} {file.Node.UserId} {file.Node.GroupId} " +
        $"{file.Node.Modified} {file.Node.Device} {file.Node.Size} " +
        (file.Node.Type == NodeType.RegularFile ? Convert.ToHexString(Trees.Read(file.Node, 0, (int)file.Node.Size)) : ""))];

    [Theory]
    [InlineData("cat")]
    [InlineData("gzip -c")]
    [InlineData("xz -c")]
    [InlineData("zstd -c")]
    [InlineData("lz4 -l -c")]
    public void Archives_follow_each_other_plain_or_compressed_with_zeros_between(string packer)
    {
        string first = Scratch.NewPath("first"), second = Scratch.NewPath("second"), all = Scratch.NewPath("all.img");
        File.WriteAllBytes(first, Archive(("a", Folder, ""), ("a/one", RegularFile, "old"), ("a/two", RegularFile, "two")));
        File.WriteAllBytes(second, Archive(("a/one", RegularFile, "new"), ("b", Link, "a")));
        int made = Run("bash", "-c", $"{packer} < {second} > {second}.x && " +
            $"head -c 512 /dev/zero | cat {first} - {second}.x > {all} && head -c 64 /dev/zero >> {all}");
        Assert.SkipUnless(made == 0, $"{packer} is missing");
        using Layer layer = LayerOpener.Open(all);
        Assert.Equal(["/", "/a", "/a/one", "/a/two", "/b"],
            Trees.Walk(layer.Root).Select(file => Encoding.Latin1.GetString(file.Path)));
        Assert.Equal("new"u8.ToArray(), Trees.Read(Trees.At(layer, "/a/one"), 0, 3));
        Assert.Equal("two"u8.ToArray(), Trees.Read(Trees.At(layer, "/a/two"), 0, 3));
    }

    [Fact]
    public void Microcode_in_front_stays_out_and_is_told()
    {
        string path = Scratch.NewPath("initrd");
        File.WriteAllBytes(path, [.. Archive(("kernel", Folder, ""), ("kernel/x86", Folder, ""),
            ("kernel/x86/microcode", Folder, ""), ("kernel/x86/microcode/AuthenticAMD.bin", RegularFile, "code")),
            .. Archive(("init", RegularFile, "init"))]);
        using Layer layer = LayerOpener.Open(path);
        Assert.Equal(["/", "/init"], Trees.Walk(layer.Root).Select(file => Encoding.Latin1.GetString(file.Path)));
        Assert.Contains("microcode", layer.Warning);
    }

    [Fact]
    public void A_merged_cpio_shows_its_files()
    {
        string path = Scratch.NewPath("initrd");
        File.WriteAllBytes(path, Archive((".", Folder, ""), ("d", Folder, ""), ("d/f", RegularFile, new string('x', 9000)),
            ("n", Device, "")));
        ImageFile merged = TestImages.MergeAs(TestImages.Flat, null, path);
        ImageFile full = TestImages.MergeAs(TestImages.Full, null, path);
        Assert.Equal(TestImages.Shown(merged), TestImages.Shown(full));
        Assert.Equal(["/", "/d", "/d/f", "/n"], Trees.Paths(merged));
    }

    [Theory]
    [InlineData("../out")]
    [InlineData("a/../../out")]
    public void A_path_that_leads_out_is_refused(string name)
    {
        string path = Scratch.NewPath("initrd");
        File.WriteAllBytes(path, Archive((name, RegularFile, "x")));
        Assert.Contains("..", Assert.Throws<CorruptImageException>(() => LayerOpener.Open(path)).Message);
    }

    /// <summary>However an archive is cut off or altered, it is read or refused with the reason.</summary>
    [Fact]
    public void A_damaged_archive_is_read_or_refused()
    {
        byte[] whole = [.. Archive(("a", Folder, ""), ("a/one", RegularFile, "data"), ("b", Link, "a"), ("n", Device, ""))];
        string path = Scratch.NewPath("initrd");
        int refused = 0;
        Random dice = new(1);
        for (int i = 0; i < whole.Length * 3; i++)
        {
            byte[] damaged = i < whole.Length ? whole[..i] : [.. whole];
            if (i >= whole.Length)
                damaged[i % whole.Length] ^= (byte)(1 << dice.Next(8));
            File.WriteAllBytes(path, damaged);
            try
            {
                using Layer layer = LayerOpener.Open(path);
                Assert.NotEmpty(Trees.Walk(layer.Root).ToArray());
            }
            catch (Exception fault) when (fault is CorruptImageException or UnsupportedImageException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, whole.Length / 2, whole.Length * 3);
    }

    private static byte[] Archive(params (string Name, uint Mode, string Data)[] files)
    {
        List<byte> bytes = [];
        uint inode = 1;
        foreach ((string name, uint mode, string data) in files.Append(("TRAILER!!!", 0u, "")))
        {
            uint[] fields = [inode++, mode, 7, 8, 1, 1_700_000_000, (uint)data.Length, 0, 0, 1, 3, (uint)name.Length + 1, 0];
            string head = "070701" + string.Concat(fields.Select(field => $"{field:x8}"));
            bytes.AddRange(Encoding.ASCII.GetBytes($"{head}{name}\0"));
            Pad(bytes);
            bytes.AddRange(Encoding.ASCII.GetBytes(data));
            Pad(bytes);
        }
        return [.. bytes];
    }

    private static void Pad(List<byte> bytes)
    {
        while (bytes.Count % 4 != 0)
            bytes.Add(0);
    }

    private static int Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit();
        return process.ExitCode;
    }
}
