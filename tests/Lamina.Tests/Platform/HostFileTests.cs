using Lamina.Cli;
using Lamina.Mounting;
using Lamina.Platform;
using Lamina.Tests.Cli;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Platform;

/// <summary>Names of files mean what they mean to the kernel: every byte, every link, nothing collapsed.</summary>
public class HostFileTests
{
    [Fact]
    public void Any_bytes_survive_as_text()
    {
        Random random = new(20260102);
        for (int i = 0; i < 5000; i++)
        {
            byte[] name = new byte[random.Next(0, 24)];
            random.NextBytes(name);
            Assert.Equal(name, PathBytes.Encode(PathBytes.Decode(name)));
        }
        Assert.Equal("a\udcffä漢", PathBytes.Decode([(byte)'a', 0xFF, .. "ä漢"u8]));
        Assert.Equal("\udced\udcb2\udc80", PathBytes.Decode([0xED, 0xB2, 0x80]));       // half a pair in UTF-8 is none
        Assert.Equal("a\\xffä", NameText.Shown("a\udcffä"));
        Assert.Throws<ArgumentException>(() => PathBytes.EncodeTerminated("a\0b"));
    }

    [Fact]
    public void Arguments_come_back_as_they_were_given()
    {
        byte[] commandLine = [.. "dotnet\0lamina.dll\0ls\0a\uFFFDb\0"u8, (byte)'c', 0xFE, 0];
        Assert.Equal(["ls", "a\uFFFDb", "c\udcfe"], RawArguments.Restore(["ls", "a\uFFFDb", "c\uFFFD"], commandLine));
        Assert.Equal(["x\uFFFD"], RawArguments.Restore(["x\uFFFD"], []));
    }

    /// <summary>Through a shell, as only there can arguments be no text.</summary>
    [Fact]
    public void Files_whose_names_are_no_text_are_read_and_written()
    {
        string folder = CliRun.NewFolderWithLayers(), dotnet = Tools.Require("dotnet");
        string lamina = $"'{dotnet}' '{Path.Combine(AppContext.BaseDirectory, "Lamina.Cli.dll")}'";
        string Sh(string script)
        {
            ToolResult run = Tools.RunIn(folder, "bash", "-c",
                $"set -e; n=$'\\xff\\xfe'; {script.Replace("lamina", lamina, StringComparison.Ordinal)}");
            Assert.True(run.ExitCode == 0, $"{script}: {run.ExitCode} {run.Output}{run.Error}");
            return run.Output + run.Error;
        }
        Sh("mv base.erofs $n; mkdir d$n; cp $n d$n/; lamina check $n; lamina ls d$n/$n; lamina merge $n config.tar -o d$n/o$n");
        string merged = Sh("lamina merge $n app.erofs --mode index -o i$n; lamina check i$n@$n@app.erofs");
        Assert.Contains(@"\xff\xfe", merged);
        // What is shown to be copied is the name to a shell.
        Sh("word=$(lamina merge $n app.erofs -o \"it's $n\" | sed -n 's/^Mount it:.*mount \\(.*\\) DIR$/\\1/p'); " +
            "test -n \"$word\"; eval \"lamina check $word\"");
        Sh("lamina append d$n/o$n app.erofs; lamina split d$n/o$n s$n; cmp s$n/$n $n");
        Sh("lamina verity format d$n/o$n; lamina extract $n x$n; test -d x$n/etc; lamina export $n -o t$n; tar -tf t$n");
        Assert.Contains(@"\uFFFD", Sh("lamina split d$n/o$n --force --json s$n"));       // JSON has no other way
        Assert.Equal(@"lamina: no\xff\xfe: there is no such file", Sh("lamina ls no$n || test $? = 4").TrimEnd());
        Sh("lamina initrd --layer-only $n -o r$n; grep -q 500-__ r$n");
        // The index is made in the folder of temporary files, of a layer that is in no file.
        Sh("mkdir -p far/below; ln -s far/below link; TMPDIR=link/.. lamina initrd --layer <(cat $n) --init $(type -P true) " +
            "--verity -o p$n; test \"$(ls far)\" = below");
        Sh("rm -r -- *");                                               // the base library could not remove them
    }

    [Fact]
    public void A_path_through_a_link_and_back_is_the_kernels()
    {
        string folder = CliRun.NewFolderWithLayers(), dir = Path.Combine(folder, "dir");
        Directory.CreateDirectory(Path.Combine(folder, "far/below"));
        Directory.CreateDirectory(dir);
        File.CreateSymbolicLink(Path.Combine(dir, "link"), "../far/below");
        File.Copy(Path.Combine(folder, "config.tar"), Path.Combine(folder, "far/layer"));
        File.Copy(Path.Combine(folder, "base.erofs"), Path.Combine(dir, "layer"));
        string up = dir + "/link/..", far = Path.Combine(folder, "far");

        Assert.Equal(CliRun.Of("ls", "-R", $"{far}/layer").MustSucceed().Output,
            CliRun.Of("ls", "-R", $"{up}/layer").MustSucceed().Output);
        CliRun.Of("merge", $"{up}/layer", "-o", $"{up}/out", "--vmdk", $"{up}/out.vmdk").MustSucceed();
        CliRun.Of("merge", $"{up}/layer", "-o", $"{up}/flat").MustSucceed();
        CliRun.Of("append", $"{up}/flat", $"{up}/layer").MustSucceed();
        CliRun.Of("split", $"{up}/flat", $"{up}/split").MustSucceed();
        CliRun.Of("extract", $"{up}/layer", $"{up}/made/extract").MustSucceed();
        CliRun.Of("export", $"{up}/layer", "-o", $"{up}/export").MustSucceed();
        CliRun.Of("verity", "format", $"{up}/flat", "--force", "--hash-file", $"{up}/tree").MustSucceed();
        Assert.Equal(["below", "export", "flat", "layer", "made", "out", "out.vmdk", "split", "tree"],
            Directory.GetFileSystemEntries(far).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
        Assert.Equal(["layer", "link"],
            Directory.GetFileSystemEntries(dir).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
        Assert.Contains("\"layer\"", File.ReadAllText(Path.Combine(far, "out.vmdk")));
        Assert.Contains("and cannot be the output", CliRun.Of("merge", $"{far}/layer", "-f", "-o", $"{up}/layer").Error);
    }

    [Fact]
    public void A_link_to_a_device_is_mounted_as_the_device()
    {
        KernelMount.SkipUnlessPossible();
        string folder = CliRun.NewFolderWithLayers(), link = Path.Combine(folder, "disk");
        string target = Path.Combine(folder, "target");
        Directory.CreateDirectory(target);
        using LoopDevice device = LoopDevice.Attach(Path.Combine(folder, "base.erofs"));
        File.CreateSymbolicLink(link, device.Path);
        MountResult mounted = Mounter.Mount(new MountRequest(link, [], target));
        try
        {
            Assert.True(mounted.Direct);                                // no loop device over the device
            Assert.True(Directory.Exists(Path.Combine(target, "etc")));
        }
        finally
        {
            Mounter.Unmount(target);
        }
    }

    /// <summary>A partition is found to lie on its disk, by where the kernel's links lead.</summary>
    [Fact]
    public void What_is_written_to_a_partition_changes_the_disk()
    {
        KernelMount.SkipUnlessPossible();
        Tools.Require("losetup");
        Tools.Require("addpart");
        string folder = Scratch.NewFolder("disk"), disk = Path.Combine(folder, "disk");
        File.WriteAllBytes(disk, new byte[1 << 20]);
        string loop = Tools.Run("losetup", "--partscan", "--find", "--show", disk).MustSucceed().Output.Trim();
        try
        {
            _ = Tools.Run("addpart", loop, "1", "8", "1024");           // some kernels read no tables
            Assert.SkipUnless(File.Exists($"/sys/class/block/{loop["/dev/".Length..]}p1/partition"),
                "loop devices have no partitions here");
            string[] numbers = File.ReadAllText($"/sys/class/block/{loop["/dev/".Length..]}p1/dev").Trim().Split(':');
            FileIdentity partition = new(true, uint.Parse(numbers[0]), uint.Parse(numbers[1]), 0);
            Assert.True(partition.Touches(FileIdentity.Of(loop)!.Value));
            Assert.True(partition.Touches(FileIdentity.Of(disk)!.Value));
            Assert.False(partition.Touches(FileIdentity.Of(folder)!.Value));
        }
        finally
        {
            Tools.Run("losetup", "--detach", loop).MustSucceed();
        }
    }

    [Fact]
    public void Directories_are_made_with_those_above_and_what_is_in_the_way_is_named()
    {
        string folder = Scratch.NewFolder("make");
        HostFile.MakeDirectory(folder + "/a/b//c/");
        HostFile.MakeDirectory(folder + "/a/b/c");
        File.WriteAllText(folder + "/file", "");
        File.CreateSymbolicLink(folder + "/dangling", "nowhere");
        Assert.Contains("and no directory", Assert.Throws<IOException>(() => HostFile.MakeDirectory(folder + "/file")).Message);
        Assert.Throws<IOException>(() => HostFile.MakeDirectory(folder + "/file/x"));
        Assert.Throws<IOException>(() => HostFile.MakeDirectory(folder + "/dangling"));
        Assert.Throws<ArgumentException>(() => HostFile.MakeDirectory(""));
        Assert.Equal(["a", "dangling", "file"], HostFile.Names(folder).Order(StringComparer.Ordinal));
        Assert.Equal(HostFile.Resolve(folder) + "/x", HostFile.FullPath(folder + "/a/../x"));
        Assert.False(HostFile.Exists(folder + "/" + new string('x', 5000)));
        Assert.False(HostFile.IsDirectory("a\0b"));
    }
}
