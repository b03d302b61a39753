using Lamina.Mounting;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Mounting;

public class MounterTests
{
    [Fact]
    public void Files_are_mounted_as_they_are_where_the_kernel_can()
    {
        KernelMount.SkipUnlessPossible();
        string target = Scratch.NewFolder("target");
        MountRequest request = new(Corpus.PathOf("tar-index.erofs"), [Corpus.PathOf("main.tar")], target);
        MountResult result = Mounter.Mount(request);
        try
        {
            bool kernelCan = Environment.OSVersion.Version >= new Version(6, 12);
            Assert.SkipUnless(kernelCan && result.Direct, "this kernel, or where temporary files are, needs loop devices");
            MountTableEntry entry = MountTable.Find(target)!;
            Assert.Equal(("erofs", Corpus.PathOf("tar-index.erofs")), (entry.FileSystem, entry.Source));
        }
        finally
        {
            Mounter.Unmount(target);
        }
        Assert.Null(MountTable.Find(target));
    }

    [Fact]
    public void One_block_device_makes_all_files_loop_devices_and_unmounting_frees_them()
    {
        KernelMount.SkipUnlessPossible();
        string target = Scratch.NewFolder("target");
        using LoopDevice image = LoopDevice.Attach(Corpus.PathOf("tar-index.erofs"));
        MountResult result = Mounter.Mount(new MountRequest(image.Path, [Corpus.PathOf("main.tar")], target));
        string loop = Assert.Single(result.LoopDevices);
        try
        {
            Assert.Equal(Corpus.Truth("tar-index.erofs"), KernelManifest.Of(target));
            Assert.True(IsOver(loop, "main.tar"));
        }
        finally
        {
            Mounter.Unmount(target);
        }
        Assert.False(IsOver(loop, "main.tar"));
    }

    [Fact]
    public void A_file_that_the_kernel_cannot_mount_as_it_is_gets_a_loop_device()
    {
        KernelMount.SkipUnlessPossible();
        string memory = Scratch.NewFolder("memory");
        MountCall.Mount("tmpfs", null, memory, MountFlags.None, [new MountOption("size", "8m")]);
        try
        {
            string image = Path.Combine(memory, "image");
            File.Copy(Corpus.PathOf("zstd.erofs"), image);
            string target = Scratch.NewFolder("target");
            MountResult result = Mounter.Mount(new MountRequest(image, [], target));
            try
            {
                Assert.Equal(MountTable.Find(target)!.Source, Assert.Single(result.LoopDevices));
                Assert.Equal(Corpus.Truth("zstd.erofs"), KernelManifest.Of(target));
            }
            finally
            {
                Mounter.Unmount(target);
            }
        }
        finally
        {
            MountCall.Unmount(memory);
        }
    }

    [Fact]
    public void A_refused_image_names_the_file_and_leaves_nothing_behind()
    {
        KernelMount.SkipUnlessPossible();
        string garbage = Scratch.NewPath("garbage.erofs");
        File.WriteAllBytes(garbage, new byte[8192]);
        string target = Scratch.NewFolder("target");
        foreach (bool loop in new[] { false, true })
        {
            MountRequest request = new(garbage, [], target) { ForceLoop = loop };
            IOException failure = Assert.ThrowsAny<IOException>(() => Mounter.Mount(request));
            Assert.Contains($"cannot be mounted on {target} as erofs: ", failure.Message);
        }
        Assert.Null(MountTable.Find(target));
        Assert.DoesNotContain(Directory.GetDirectories("/sys/block", "loop*"), block => IsOver(block, "garbage.erofs"));
    }

    [Fact]
    public void A_path_with_a_comma_as_a_device_can_be_mounted()
    {
        KernelMount.SkipUnlessPossible();
        string tar = Scratch.NewPath("main, copied.tar");
        File.Copy(Corpus.PathOf("main.tar"), tar);
        using KernelMount mount = KernelMount.Erofs(Corpus.PathOf("tar-index.erofs"), tar);
        Assert.Equal(Corpus.Truth("tar-index.erofs"), mount.Manifest());
    }

    [Fact]
    public void A_device_whose_path_is_longer_than_fsconfig_takes_can_be_mounted()
    {
        KernelMount.SkipUnlessPossible();
        string folder = Scratch.NewFolder(new string('a', 200));
        string tar = Path.Combine(folder, new string('b', 100) + ",.tar");
        File.Copy(Corpus.PathOf("main.tar"), tar);
        using KernelMount mount = KernelMount.Erofs(Corpus.PathOf("tar-index.erofs"), tar);
        Assert.Equal(Corpus.Truth("tar-index.erofs"), mount.Manifest());
    }

    [Fact]
    public void Extra_options_reach_the_kernel()
    {
        KernelMount.SkipUnlessPossible();
        string target = Scratch.NewFolder("target");
        MountRequest request = new(Corpus.PathOf("plain.erofs"), [], target) { ExtraOptions = "nodev,noacl" };
        Mounter.Mount(request);
        try
        {
            string line = File.ReadLines("/proc/self/mountinfo").Single(line => line.Contains($" {target} "));
            Assert.Contains("ro,nodev", line);
            Assert.Contains("noacl", MountTable.Find(target)!.Options);
        }
        finally
        {
            Mounter.Unmount(target);
        }
    }

    [Fact]
    public void A_context_says_what_it_does_not_understand()
    {
        KernelMount.SkipUnlessPossible();
        string target = Scratch.NewFolder("target");
        string image = Corpus.PathOf("plain.erofs");
        MountOption[] options = [new("no_such_option")];
        IOException failure = Assert.ThrowsAny<IOException>(
            () => MountCall.Mount("erofs", image, target, MountFlags.ReadOnly, options, context: true));
        Assert.Contains("The kernel says: ", failure.Message);
        Assert.Contains("no_such_option", failure.Message);
    }

    [Fact]
    public void What_is_not_there_or_not_EROFS_is_not_unmounted()
    {
        KernelMount.SkipUnlessPossible();
        string empty = Scratch.NewFolder("empty");
        Assert.Contains("nothing is mounted", Assert.Throws<IOException>(() => Mounter.Unmount(empty)).Message);
        Assert.Contains("not erofs", Assert.Throws<IOException>(() => Mounter.Unmount("/proc")).Message);
    }

    [Fact]
    public void Missing_files_and_targets_are_named_before_anything_is_done()
    {
        KernelMount.SkipUnlessPossible();
        string target = Scratch.NewFolder("target");
        string image = Corpus.PathOf("plain.erofs");
        Assert.Contains("/no/image", Fault(new MountRequest("/no/image", [], target)));
        Assert.Contains("/no/device", Fault(new MountRequest(image, ["/no/device"], target)));
        Assert.Contains("/no/target", Fault(new MountRequest(image, [], "/no/target")));
        Assert.Contains("not a directory", Fault(new MountRequest(image, [], image)));
        Assert.Contains("neither a file nor a block device", Fault(new MountRequest("/dev/null", [], target)));
    }

    private static string Fault(MountRequest request) => Assert.ThrowsAny<IOException>(() => Mounter.Mount(request)).Message;

    private static bool IsOver(string device, string name)
    {
        string told = $"/sys/block/{Path.GetFileName(device)}/loop/backing_file";
        try
        {
            return File.ReadAllText(told).Contains(name, StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;       // no file is behind the device, or it went while it was read
        }
    }
}
