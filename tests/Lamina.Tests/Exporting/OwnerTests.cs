using Lamina.Exporting;
using Lamina.Platform;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Exporting;

/// <summary>Whose the files are that come out, and what they may do in whose name.</summary>
public class OwnerTests
{
    private const uint None = uint.MaxValue;

    private const ushort SetUser = 0x800, SetGroup = 0x400;

    private readonly string _folder = Scratch.NewPath("out");

    [Theory]
    [InlineData(None, 5u, SetGroup)]
    [InlineData(5u, None, SetUser)]
    [InlineData(None, None, 0)]
    public void The_owner_that_means_leave_it_gives_nobody_the_rights_of_root(uint user, uint group, int kept)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root has owners to give");
        Node program = Owned(NodeType.RegularFile, user, group, new BytesContent(new byte[1]));
        Node folder = Owned(NodeType.Directory, user, group, DirectoryListing.Of([]));
        Node root = Trees.Root(new Entry(Trees.Bytes("folder"), folder), new Entry(Trees.Bytes("program"), program));
        ExtractResult result = Extractor.Extract("test", root, _folder);
        Assert.Contains(result.Warnings, warning => warning.Contains("4294967295, which no file can be given"));
        foreach (string name in (string[])["folder", "program"])
        {
            Lamina.Platform.FileStatus status = RawFiles.Status(Trees.Bytes(Path.Combine(_folder, name)));
            Assert.Equal((user == None ? 0 : user, group == None ? 0 : group), (status.User, status.Group));
            Assert.Equal(kept | 0x1ED, (int)status.Mode & 0xFFF);
        }
    }

    [Fact]
    public void Without_owners_nothing_runs_with_the_rights_of_others()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root could give them");
        Node program = Trees.With(Owned(NodeType.RegularFile, 0, 0, new BytesContent(new byte[1])),
            ("security.capability", [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), ("user.note", [1]));
        Node root = Trees.Root(new Entry(Trees.Bytes("program"), program));
        Assert.Empty(Trees.Extract(root, _folder).Warnings);
        byte[] path = Trees.Bytes(Path.Combine(_folder, "program"));
        Assert.Equal(0x1ED, PermissionsOf(path));
        Assert.Equal("user.note", System.Text.Encoding.UTF8.GetString(Assert.Single(RawFiles.Attributes(path)).Name));
        Extractor.Extract("test", root, _folder, new ExtractOptions { Overwrite = true });
        Assert.Equal(SetUser | SetGroup | 0x1ED, PermissionsOf(path));
        Assert.Equal(2, RawFiles.Attributes(path).Count);
    }

    [Fact]
    public void A_file_that_got_the_group_of_its_directory_does_not_run_with_the_rights_of_that()
    {
        string folder = Unprivileged.NewFolder();
        Node program = Owned(NodeType.RegularFile, 65534, 65534, new BytesContent(new byte[1]));
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can make such a directory");
        Tools.Run("chown", "65534:5", folder).MustSucceed();
        Tools.Run("chmod", "2777", folder).MustSucceed();
        Unprivileged.Run(() =>
        {
            ExtractResult result = Extractor.Extract("test", Trees.Root(new Entry(Trees.Bytes("program"), program)), folder);
            Assert.Contains(result.Warnings, warning => warning.StartsWith("/program: set-user-id and set-group-id"));
        });
        Assert.Equal(SetUser | 0x1ED, PermissionsOf(Trees.Bytes(Path.Combine(folder, "program"))));
    }

    [Fact]
    public void A_cpio_gives_nobody_the_rights_of_who_unpacks_it()
    {
        Node program = Owned(NodeType.RegularFile, None, 0, new BytesContent(new byte[1]));
        using MemoryStream archive = new();
        ExportResult result = CpioExport.Write("test", Trees.Root(new Entry(Trees.Bytes("program"), program)), archive);
        Assert.Contains("/program: the owner or the group is 4294967295", Assert.Single(result.Warnings));
        string text = System.Text.Encoding.Latin1.GetString(archive.ToArray());
        Assert.Equal("000081ED", text.Substring(text.IndexOf("program", StringComparison.Ordinal) - 110 + 14, 8));
    }

    [Fact]
    public void Times_that_are_orders_are_refused()
    {
        foreach (uint nanoseconds in (uint[])[0x3FFFFFFF, 0x3FFFFFFE, 1_000_000_000])
        {
            Node file = new()
            {
                Type = NodeType.RegularFile,
                Permissions = 0x1A4,
                Modified = new Timestamp(1000, nanoseconds),
                Payload = new BytesContent(new byte[1]),
            };
            Node root = Trees.Root(new Entry(Trees.Bytes("file"), file));
            CorruptImageException fault = Assert.Throws<CorruptImageException>(() => Trees.Extract(root, _folder));
            Assert.Contains("a second or more", fault.Message);
        }
    }

    private static int PermissionsOf(byte[] path) => (int)RawFiles.Status(path).Mode & 0xFFF;

    private static Node Owned(NodeType type, uint user, uint group, object payload) => new()
    {
        Type = type,
        Permissions = SetUser | SetGroup | 0x1ED,
        UserId = user,
        GroupId = group,
        Modified = Trees.Time,
        HasSingleName = true,
        Payload = payload,
    };
}
