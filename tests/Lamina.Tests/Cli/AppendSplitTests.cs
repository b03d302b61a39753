using Lamina.Mounting;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Cli;

public class AppendSplitTests
{
    [Fact]
    public void What_is_appended_wins_and_what_is_split_off_is_what_was_put_in()
    {
        string folder = CliRun.NewFolderWithLayers();
        string[] layers = [.. new[] { "base.erofs", "app.erofs", "config.tar" }.Select(name => Path.Combine(folder, name))];
        string image = Path.Combine(folder, "root.erofs"), parts = Path.Combine(folder, "parts");
        CliRun.Of("merge", layers[0], "-o", image).MustSucceed();
        CliRun appended = CliRun.Of("append", image, layers[1], layers[2], "--explain").MustSucceed();
        Assert.Contains("/etc/motd", appended.Output);
        string listed = CliRun.Of("ls", "-R", image).MustSucceed().Output;
        Assert.Contains("/app/settings\n", listed);
        Assert.DoesNotContain("/etc/hosts\n", listed);

        CliRun split = CliRun.Of("split", image, parts).MustSucceed();
        foreach (string layer in layers)
            Assert.Equal(File.ReadAllBytes(layer), File.ReadAllBytes(Path.Combine(parts, Path.GetFileName(layer))));
        Assert.Contains(Path.Combine(parts, "before-append-1.erofs"), split.Output);
        Assert.Equal(4, CliRun.Of("split", image, parts).Code);
        CliRun.Of("split", image, parts, "--force").MustSucceed();
    }

    /// <summary>The layers are two mebibytes each; three are the room.</summary>
    [Fact]
    public void Of_a_split_onto_a_full_disk_nothing_stays()
    {
        KernelMount.SkipUnlessPossible();
        string folder = Scratch.NewFolder("split"), image = Path.Combine(folder, "root.erofs");
        string[] layers = [.. ((string[])["one", "two"]).Select(name => Path.Combine(folder, $"{name}.tar"))];
        foreach (string layer in layers)
            File.WriteAllBytes(layer, new TarBuilder().File(Path.GetFileName(layer), new string('x', 2 << 20)).End().ToArray());
        CliRun.Of("merge", layers[0], layers[1], "-o", image).MustSucceed();
        string memory = Directory.CreateDirectory(Path.Combine(folder, "memory")).FullName;
        MountCall.Mount("tmpfs", null, memory, MountFlags.None, [new MountOption("size", "3m")]);
        try
        {
            CliRun split = CliRun.Of("split", image, Path.Combine(memory, "parts"));
            Assert.Equal(4, split.Code);
            Assert.Empty(Directory.GetFileSystemEntries(memory));
            // A folder that was there stays, with what is in it.
            string old = Directory.CreateDirectory(Path.Combine(memory, "old")).FullName;
            File.WriteAllText(Path.Combine(old, "kept"), "");
            Assert.Equal(4, CliRun.Of("split", image, old).Code);
            Assert.Equal([Path.Combine(old, "kept")], Directory.GetFileSystemEntries(old));
        }
        finally
        {
            MountCall.Unmount(memory);
        }
    }

    [Fact]
    public void What_lamina_did_not_make_is_neither_appended_to_nor_split()
    {
        string folder = CliRun.NewFolderWithLayers();
        string foreign = Path.Combine(folder, "base.erofs");
        byte[] before = File.ReadAllBytes(foreign);
        Assert.Equal(3, CliRun.Of("append", foreign, Path.Combine(folder, "app.erofs")).Code);
        Assert.Equal(3, CliRun.Of("split", foreign, folder).Code);
        Assert.Equal(before, File.ReadAllBytes(foreign));
    }

    /// <summary>The reason is what the image is, not what was left out of the command.</summary>
    [Fact]
    public void An_index_and_a_full_image_say_why_they_cannot_be_taken_apart()
    {
        string folder = CliRun.NewFolderWithLayers(), layer = Path.Combine(folder, "base.erofs");
        string index = Path.Combine(folder, "index.erofs"), full = Path.Combine(folder, "full.erofs");
        CliRun.Of("merge", "--mode", "index", layer, "-o", index).MustSucceed();
        CliRun.Of("merge", "--mode", "full", layer, "-o", full).MustSucceed();
        foreach (string image in (string[])[index, $"{index}@{layer}"])
        {
            CliRun split = CliRun.Of("split", image, Path.Combine(folder, "parts"));
            Assert.Equal(3, split.Code);
            Assert.Contains("index.erofs: is an index: its layers are other files", split.Error);
        }
        Assert.Contains("Make a flat image first", CliRun.Of("append", index, layer).Error);
        CliRun whole = CliRun.Of("split", full, Path.Combine(folder, "parts"));
        Assert.Equal(3, whole.Code);
        Assert.Contains("is a full image", whole.Error);
        Assert.False(Directory.Exists(Path.Combine(folder, "parts")));
    }
}
