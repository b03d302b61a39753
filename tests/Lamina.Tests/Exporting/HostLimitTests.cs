using Lamina.Exporting;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Exporting;

/// <summary>What extraction does where the host has less room than an image, or was left without rights by it.</summary>
public class HostLimitTests
{
    /// <summary>ext4 takes 65,000 names for one file.</summary>
    private const int Many = 65_100;

    [Fact]
    public void A_name_too_many_is_a_copy_and_told()
    {
        Node shared = Trees.Shared("data"), link = Trees.LinkNode("target");
        Node root = Trees.Root([.. Enumerable.Range(0, Many).SelectMany(i => (Entry[])[
            new Entry(Trees.Bytes($"f{i:d5}"), shared), new Entry(Trees.Bytes($"l{i:d5}"), link)])]);
        string folder = Scratch.NewPath("out");
        ExtractResult result = Trees.Extract(root, folder);
        Assert.SkipWhen(result.Warnings.Count == 0, "this file system takes as many names as there are");
        Assert.Contains("further name for one file", Assert.Single(result.Warnings));
        Assert.Equal(2 * Many, result.Files + result.Others + result.Links);
        Assert.Equal("data", File.ReadAllText(Path.Combine(folder, $"f{Many - 1:d5}")));
        Assert.Equal("target", new FileInfo(Path.Combine(folder, $"l{Many - 1:d5}")).LinkTarget);
        // The names after the copy are names of it.
        Assert.Equal(
            RawFiles.Status(Trees.Bytes(Path.Combine(folder, $"f{Many - 2:d5}"))).Inode,
            RawFiles.Status(Trees.Bytes(Path.Combine(folder, $"f{Many - 1:d5}"))).Inode);
    }

    [Theory]
    [InlineData(0x16D)]
    [InlineData(0x049)]
    [InlineData(0x000)]
    public void An_ordinary_user_extracts_again_over_directories_that_cannot_be_written(int permissions)
    {
        Node Closed(string name, params Entry[] entries) => new()
        {
            Type = NodeType.Directory,
            Permissions = (ushort)permissions,
            Modified = Trees.Time,
            Payload = DirectoryListing.Of([Trees.File(name), .. entries]),
        };
        Node root = Closed("a", new Entry(Trees.Bytes("sub"), Closed("b", new Entry(Trees.Bytes("deep"), Closed("c")))));
        string folder = Path.Combine(Unprivileged.NewFolder(), "out");
        Unprivileged.Run(() =>
        {
            ExtractOptions over = new() { Overwrite = true };
            Assert.Empty(Extractor.Extract("test", root, folder).Warnings);
            Assert.Empty(Extractor.Extract("test", root, folder, over).Warnings);
            Extractor.Extract("test", root, folder, over with { Paths = [Trees.Bytes("sub/b")] });
        });
        foreach (string name in (string[])["", "sub", "sub/deep"])
            Assert.Equal((UnixFileMode)permissions, File.GetUnixFileMode(Path.Combine(folder, name)));
        Assert.Equal("data", File.ReadAllText(Path.Combine(folder, "sub/deep/c")));
    }
}
