using Lamina.Mounting;
using Lamina.Tests.Cli;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Trust;
using Lamina.Writing;

namespace Lamina.Tests.Platform;

/// <summary>Block devices are written in place, whatever they held before, and only if they can hold the result.</summary>
public class DeviceOutputTests
{
    private const int Size = 4 << 20;

    [Theory]
    [InlineData(OutputMode.Flat)]
    [InlineData(OutputMode.Full)]
    public void A_device_holds_the_same_image_as_a_file_would(OutputMode mode)
    {
        using Disk disk = new();
        string[] layers = [Corpus.Layer("base", "zstd-frag"), Corpus.PathOf("config.tar")];
        foreach (VerityOptions? verity in (VerityOptions?[])[new VerityOptions(), null])
        {
            WriteOptions options = new() { Mode = mode, Verity = verity, Overwrite = true };
            string file = Scratch.NewPath("file.erofs");
            Lamina.Images.MergedImage.Create(layers, file, options);
            Lamina.Images.MergedImage.Create(layers, disk.Path, options);
            byte[] expected = File.ReadAllBytes(file);
            Assert.Equal(expected, disk.Read(expected.Length));
            Assert.Equal(verity is null, Lamina.Images.VerityImage.Find(disk.Path) is null);
        }
        CliRun.Of("check", disk.Path).MustSucceed();
    }

    [Fact]
    public void What_a_device_holds_is_not_written_over_unasked_or_without_room()
    {
        using Disk disk = new();
        byte[] before = disk.Read(Size);
        string layer = Corpus.Layer("base", "plain"), large = Scratch.NewPath("large.tar");
        CliRun unasked = CliRun.Of("merge", layer, "-o", disk.Path);
        Assert.Equal(4, unasked.Code);
        Assert.Contains("is a block device; --force writes over what it holds", unasked.Error);
        File.WriteAllBytes(large, new TarBuilder().File("large", new string('x', Size)).End().ToArray());
        CliRun tight = CliRun.Of("merge", "--force", large, "-o", disk.Path);
        Assert.Equal(4, tight.Code);
        Assert.Contains($"the device has {Size}", tight.Error);
        Assert.Equal(before, disk.Read(Size));
    }

    [Fact]
    public void A_device_that_is_mounted_or_stands_on_an_input_is_left_alone()
    {
        using Disk disk = new();
        string layer = Corpus.Layer("base", "plain"), other = Corpus.Layer("app", "plain");
        CliRun.Of("merge", "--force", layer, "-o", disk.Path).MustSucceed();
        CliRun itself = CliRun.Of("merge", "--force", disk.File, "-o", disk.Path);
        Assert.Equal(2, itself.Code);
        Assert.Contains("cannot be the output as well", itself.Error);
        string target = Scratch.NewFolder("mount");
        MountCall.Mount("erofs", disk.Path, target, MountFlags.ReadOnly, []);
        try
        {
            Assert.Contains("mounted or in use", CliRun.Of("merge", "--force", other, "-o", disk.Path).Error);
            Assert.Contains("mounted or in use", CliRun.Of("append", disk.Path, other).Error);
        }
        finally
        {
            MountCall.Unmount(target);
        }
        CliRun.Of("check", disk.Path).MustSucceed();
    }

    [Fact]
    public void A_layer_can_be_appended_to_an_image_on_a_device()
    {
        using Disk disk = new();
        string file = Scratch.NewPath("file.erofs");
        string[] layers = [Corpus.Layer("config", "lz4hc"), Corpus.PathOf("config.tar"), Corpus.Layer("config", "inline")];
        foreach (string output in (string[])[file, disk.Path])
        {
            CliRun.Of("merge", "--force", layers[0], "-o", output).MustSucceed();
            CliRun.Of("append", output, layers[1]).MustSucceed();
            CliRun.Of("append", "--verity", output, layers[2]).MustSucceed();
        }
        byte[] expected = File.ReadAllBytes(file);
        Assert.Equal(expected, disk.Read(expected.Length));
        CliRun.Of("verity", "format", disk.Path).MustSucceed();         // the tree is the one that is there
    }

    [Fact]
    public void A_device_and_the_file_under_it_are_not_changed_at_once()
    {
        using Disk disk = new();
        string layer = Corpus.Layer("base", "plain"), other = Corpus.PathOf("config.tar");
        CliRun.Of("merge", "--force", layer, "-o", disk.Path).MustSucceed();
        byte[] before = disk.Read(Size);
        const string told = "is being changed by somebody else";
        using (Lamina.Platform.ChangedFile.Open(disk.File))
        {
            Assert.Contains(told, CliRun.Of("append", disk.Path, other).Error);
            Assert.Contains(told, CliRun.Of("verity", "format", disk.Path).Error);
            Assert.Contains(told, CliRun.Of("merge", "--force", other, "-o", disk.Path).Error);
        }
        using (Lamina.Platform.ChangedFile.Open(disk.Path))
        {
            Assert.Contains(told, CliRun.Of("append", disk.File, other).Error);
            Assert.Contains(told, CliRun.Of("merge", "--force", other, "-o", disk.File).Error);
        }
        Assert.Equal(before, disk.Read(Size));
        CliRun.Of("append", disk.Path, other).MustSucceed();
    }

    /// <summary>A loop device full of noise.</summary>
    private sealed class Disk : IDisposable
    {
        private readonly LoopDevice _loop;

        public Disk()
        {
            KernelMount.SkipUnlessPossible();
            File = Scratch.NewPath("disk");
            byte[] noise = new byte[Size];
            new Random(1).NextBytes(noise);
            System.IO.File.WriteAllBytes(File, noise);
            _loop = LoopDevice.Attach(File, readOnly: false);
        }

        public string File { get; }

        public string Path => _loop.Path;

        public byte[] Read(int length)
        {
            using ByteSource device = ByteSource.OpenFile(Path);
            byte[] bytes = new byte[length];
            device.ReadExactly(0, bytes);
            return bytes;
        }

        public void Dispose() => _loop.Dispose();
    }
}
