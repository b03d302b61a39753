using Lamina.Exporting;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Exporting;

/// <summary>Extraction by what every system has: what it makes, and that it tells of all that it does not.</summary>
public class PortableExtractionTests
{
    private readonly string _folder = Scratch.NewPath("out");

    [Fact]
    public void Files_directories_and_links_come_out_with_permissions_and_times()
    {
        Node root = Trees.Root(
            Trees.Directory("d", Trees.File("file", "hello", 0x124)), Trees.Link("link", "d/file"), Trees.File("empty", ""));
        ExtractResult result = Extract(root, new ExtractOptions { SetsOwners = false });
        Assert.Empty(result.Warnings);
        Assert.Equal((2, 2, 1, 5), (result.Files, result.Directories, result.Others, result.Bytes));
        Assert.Equal("hello", File.ReadAllText(Path.Combine(_folder, "link")));
        Assert.Equal((UnixFileMode)0x124, File.GetUnixFileMode(Path.Combine(_folder, "d/file")));
        DateTime time = DateTime.UnixEpoch.AddSeconds(Trees.Time.Seconds).AddTicks(Trees.Time.Nanoseconds / 100);
        foreach (string name in (string[])["", "d", "d/file", "empty"])
            Assert.Equal(time, File.GetLastWriteTimeUtc(Path.Combine(_folder, name)));
        Assert.Equal(Trees.Time.Seconds, RawFiles.Status(Trees.Bytes(Path.Combine(_folder, "link"))).ModifiedSeconds);
    }

    [Fact]
    public void All_that_is_lost_is_told()
    {
        Node shared = Trees.Shared("shared"), old = new()
        {
            Type = NodeType.RegularFile,
            Permissions = 0x9ED,
            Modified = new Timestamp(long.MinValue, 0),
            HasSingleName = true,
            Payload = new BytesContent(new byte[1]),
        };
        Node unreadable = new() { Type = NodeType.SymbolicLink, Permissions = 0x1FF, Payload = new byte[] { (byte)'a', 0xFF } };
        Node root = Trees.Root(
            new Entry(Trees.Bytes("one"), shared), new Entry(Trees.Bytes("two"), shared), new Entry(Trees.Bytes("old"), old),
            new Entry(Trees.Bytes("bytes"), unreadable), Trees.Special("pipe", NodeType.Fifo),
            new Entry(Trees.Bytes("noted"), Trees.With(Trees.FileNode("x"), ("user.note", [1]))));
        ExtractResult result = Extract(root, new ExtractOptions { SetsOwners = true });
        string all = string.Join('\n', result.Warnings);
        foreach (string expected in (string[])[
            "/ and 4 more: owners are not set", "/two: hard links are not made", "/old: set-user-id",
            "/old: this system cannot hold a time", "/bytes: the link is not made",
            "/pipe: devices, pipes and sockets", "/noted: attributes are not set"])
            Assert.Contains(expected, all);
        Assert.Equal("shared", File.ReadAllText(Path.Combine(_folder, "two")));
        Assert.Equal((4, 0), (result.Files, result.Others));
        Assert.False(File.Exists(Path.Combine(_folder, "bytes")));
    }

    [Fact]
    public void Devices_that_were_not_wanted_are_not_told()
    {
        Node root = Trees.Root(Trees.Special("disk", NodeType.BlockDevice, 7, 1));
        Assert.Empty(Extract(root, new ExtractOptions { SetsOwners = false, MakesDevices = false }).Warnings);
    }

    [Theory]
    [InlineData("a:b")]
    [InlineData("a\\b")]
    [InlineData("a.")]
    public void Names_that_some_system_does_not_have_are_refused_and_nothing_stays(string name)
    {
        Node root = Trees.Root(Trees.File("A"), Trees.File(name));
        Assert.Throws<UnsupportedImageException>(() => Extract(root));
        Assert.False(Directory.Exists(_folder));
    }

    [Fact]
    public void Names_that_some_system_cannot_tell_apart_are_refused() =>
        Assert.Throws<UnsupportedImageException>(() => Extract(Trees.Root(Trees.File("a"), Trees.File("A"))));

    [Fact]
    public void Nothing_is_written_through_links_and_nothing_over_files()
    {
        string outside = Scratch.NewFolder("outside");
        Node root = Trees.Root(Trees.Link("link", outside), Trees.Directory("link2", Trees.File("x")));
        Extract(root);
        Assert.Empty(Directory.GetFileSystemEntries(outside));
        Assert.Throws<IOException>(() => Extract(root, new ExtractOptions { Overwrite = true }));
    }

    private ExtractResult Extract(Node root, ExtractOptions? options = null) =>
        new PortableExtraction("test", root, _folder, options ?? new ExtractOptions { SetsOwners = false }).Run();
}
