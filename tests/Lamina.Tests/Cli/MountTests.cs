using Lamina.Tests.Oracles;

namespace Lamina.Tests.Cli;

public class MountTests
{
    [Fact]
    public void Devices_of_an_index_given_in_a_wrong_order_are_refused_with_the_right_order()
    {
        (string index, string[] devices) = CliRun.NewIndex();
        string target = Scratch.NewFolder("mount");
        CliRun run = CliRun.Of("mount", $"{index}@{devices[1]}@{devices[0]}", target);
        Assert.Equal(1, run.Code);
        Assert.Contains($"device 1: {devices[1]} is not the device 1", run.Error);
        Assert.Contains($"lamina mount {index}@{devices[0]}@{devices[1]} DIR", run.Error);
        Assert.Empty(Directory.GetFileSystemEntries(target));
    }

    [Fact]
    public void A_device_that_has_changed_is_refused_with_both_digests()
    {
        (string index, string[] devices) = CliRun.NewIndex();
        byte[] bytes = File.ReadAllBytes(devices[1]);
        string was = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes));
        bytes[^1] ^= 1;
        string now = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes));
        File.WriteAllBytes(devices[1], bytes);
        CliRun run = CliRun.Of("mount", $"{index}@{devices[0]}@{devices[1]}", Scratch.NewFolder("mount"));
        Assert.Equal(1, run.Code);
        Assert.StartsWith($"lamina: {index}: device 2: {devices[1]} is not", run.Error);
        Assert.Contains($"SHA-256 {now}, expected {was}", run.Error);
        Assert.Contains("lamina inspect", run.Error);
    }

    [Fact]
    public void Too_few_devices_are_refused()
    {
        (string index, string[] devices) = CliRun.NewIndex();
        Assert.Equal(1, CliRun.Of("mount", index, Scratch.NewFolder("mount")).Code);
        CliRun run = CliRun.Of("mount", $"{index}@{devices[0]}", Scratch.NewFolder("mount"));
        Assert.Equal(1, run.Code);
        Assert.Contains("the image has 2 devices, 1 were given", run.Error);
    }

    [Fact]
    public void A_device_that_is_too_short_is_refused_even_where_no_digest_was_recorded()
    {
        string folder = CliRun.NewFolderWithLayers();
        string layer = Path.Combine(folder, "base.erofs"), index = Path.Combine(folder, "index.erofs");
        CliRun.Of("merge", "--mode", "index", "--no-digest", layer, "-o", index).MustSucceed();
        File.WriteAllBytes(layer, File.ReadAllBytes(layer)[..8192]);
        CliRun run = CliRun.Of("mount", $"{index}@{layer}", Scratch.NewFolder("mount"));
        Assert.Equal(1, run.Code);
        Assert.Contains("has 2 blocks of 4096 bytes, device 1 has 10", run.Error);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_right_devices_are_mounted_and_unmounted(bool byLoop)
    {
        KernelMount.SkipUnlessPossible();
        (string index, string[] devices) = CliRun.NewIndex();
        string target = Scratch.NewFolder("mount");
        string[] loop = byLoop ? ["--loop"] : [];
        CliRun run = CliRun.Of(["mount", $"{index}@{devices[0]}@{devices[1]}", target, "-o", "nosuid", .. loop]).MustSucceed();
        Assert.Equal("The application is installed.\n", File.ReadAllText(Path.Combine(target, "etc/motd")));
        Assert.Equal(byLoop, run.Output.Contains("/dev/loop", StringComparison.Ordinal));
        CliRun.Of("umount", target).MustSucceed();
        Assert.Empty(Directory.GetFileSystemEntries(target));
        Assert.Equal(4, CliRun.Of("umount", target).Code);
    }

    [Theory]
    [InlineData("flat")]
    [InlineData("index")]
    public void The_line_for_mount_that_merge_prints_works(string mode)
    {
        KernelMount.SkipUnlessPossible();
        Tools.Require("losetup");
        string folder = CliRun.NewFolderWithLayers(), target = Scratch.NewFolder("mount");
        string image = Path.Combine(folder, "root.erofs");
        CliRun run = CliRun.Of("merge", "--mode", mode, Path.Combine(folder, "base.erofs"),
            Path.Combine(folder, "app.erofs"), "-o", image);
        string line = run.MustSucceed().Output.Split('\n').Single(line => line.Contains("mount -t erofs"));
        try
        {
            Tools.Run("sh", "-c", line.Trim()[2..].Replace(" DIR", $" '{target}'")).MustSucceed();
            Assert.Equal("The application is installed.\n", File.ReadAllText(Path.Combine(target, "etc/motd")));
        }
        finally
        {
            CliRun.Of("umount", target);
            // Others may have loop devices as well; what is ours is known by the folder, which nobody else has.
            foreach (string row in Tools.Run("losetup", "-n", "-O", "NAME,BACK-FILE").Output.Split('\n'))
            {
                if (row.Contains(folder, StringComparison.Ordinal))
                    Tools.Run("losetup", "-d", row.Split(' ')[0]);
            }
        }
        Assert.Empty(Directory.GetFileSystemEntries(target));
    }
}
