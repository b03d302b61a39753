using Lamina.Mounting;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Mounting;

public class LoopDeviceTests
{
    [Fact]
    public void A_device_shows_the_window_of_the_file_that_was_asked_for()
    {
        KernelMount.SkipUnlessPossible();
        byte[] bytes = new byte[16384];
        new Random(1).NextBytes(bytes);
        using LoopDevice loop = LoopDevice.Attach(FileWith(bytes), offset: 1536, sizeLimit: 4096);
        Assert.Equal(bytes[1536..(1536 + 4096)], File.ReadAllBytes(loop.Path));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Disposing_frees_the_device(bool autoClear)
    {
        KernelMount.SkipUnlessPossible();
        string file = FileWith(new byte[4096]);
        string path;
        using (LoopDevice loop = LoopDevice.Attach(file, autoClear: autoClear))
        {
            path = loop.Path;
            Assert.Equal(file, BackingFile(path));
        }
        Assert.NotEqual(file, BackingFile(path));
    }

    [Fact]
    public void Many_at_once_get_a_device_each()
    {
        KernelMount.SkipUnlessPossible();
        string file = FileWith(new byte[4096]);
        LoopDevice[] loops = new LoopDevice[24];
        Parallel.For(0, loops.Length, i => loops[i] = LoopDevice.Attach(file));
        Assert.Equal(loops.Length, loops.Select(loop => loop.Path).Distinct().Count());
        Array.ForEach(loops, loop => loop.Dispose());
    }

    [Fact]
    public void A_missing_file_is_named()
    {
        KernelMount.SkipUnlessPossible();
        IOException failure = Assert.Throws<IOException>(() => LoopDevice.Attach("/no/such/file"));
        Assert.StartsWith("/no/such/file cannot be opened: ", failure.Message);
    }

    private static string FileWith(byte[] bytes)
    {
        string file = Scratch.NewPath("backing");
        File.WriteAllBytes(file, bytes);
        return file;
    }

    private static string? BackingFile(string device)
    {
        string told = $"/sys/block/{Path.GetFileName(device)}/loop/backing_file";
        try
        {
            return File.ReadAllText(told).Trim();
        }
        catch (IOException)
        {
            return null;        // a device without a file has no such entry, and it may go while it is read
        }
    }
}
