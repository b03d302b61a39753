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
    [InlineData("plain", true, true)]
    [InlineData("a:b", true, false)]
    [InlineData("a\\b", true, false)]
    [InlineData("a.", true, false)]
    [InlineData("a ", true, false)]
    [InlineData("what?", true, false)]
    [InlineData("a\"b", true, false)]
    [InlineData("tab\there", true, false)]
    [InlineData("nul", true, false)]
    [InlineData("Aux.h", true, false)]
    [InlineData("com1", true, false)]
    [InlineData("LPT\u00B2.txt", true, false)]
    [InlineData("con .c", true, false)]
    [InlineData("conin$", true, false)]
    [InlineData("console", true, true)]
    [InlineData("com10", true, true)]
    [InlineData("aux-files", true, true)]
    [InlineData("..hidden", true, true)]
    [InlineData("a/b", false, false)]
    [InlineData("a\0b", false, false)]
    public void Names_are_possible_by_the_rules_of_the_system(string name, bool isPossibleOnUnix, bool isPossibleOnWindows)
    {
        Assert.Equal(isPossibleOnUnix ? name : null, PortableName.Of(Trees.Bytes(name), PortableName.Rules.Unix));
        Assert.Equal(isPossibleOnWindows ? name : null, PortableName.Of(Trees.Bytes(name), PortableName.Rules.Windows));
        foreach (PortableName.Rules rules in Enum.GetValues<PortableName.Rules>())
            Assert.Null(PortableName.Of([(byte)'a', 0xFF], rules));
    }

    [Fact]
    public void What_has_an_impossible_name_is_left_out_with_all_below_and_told()
    {
        Node bad = Trees.Root(Trees.File("below")), good = Trees.FileNode("x");
        Node root = Trees.Root(new Entry(new byte[] { 0xFF }, bad), new Entry(Trees.Bytes("kept"), good));
        ExtractResult result = Extract(root);
        Assert.Equal(["kept"], Directory.GetFileSystemEntries(_folder).Select(path => Path.GetFileName(path)!));
        Assert.EndsWith("it is left out, with all below it: this system has no such names", Assert.Single(result.Warnings));
    }

    [Fact]
    public void Of_names_that_some_system_cannot_tell_apart_the_first_is_kept_and_the_other_told()
    {
        ExtractResult result = Extract(Trees.Root(Trees.File("A", "first"), Trees.File("a", "second")));
        Assert.Equal("first", File.ReadAllText(Path.Combine(_folder, "A")));
        Assert.Equal((1, 1), (Directory.GetFileSystemEntries(_folder).Length, result.Files));
        Assert.Contains("/a: it is left out", Assert.Single(result.Warnings));
    }

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
