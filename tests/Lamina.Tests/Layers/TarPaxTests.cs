using System.Text;
using Lamina.Layers;
using Lamina.Tests.Generators;
using Lamina.Tree;
using static Lamina.Tests.Layers.TarTree;

namespace Lamina.Tests.Layers;

public class TarPaxTests
{
    private static byte[] B(string text) => TarBuilder.Bytes(text);

    [Fact]
    public void Records_prevail_over_the_header()
    {
        string target = new('t', 300), path = string.Join('/', Enumerable.Repeat("long", 60));
        using Layer layer = Open(new TarBuilder()
            .Pax(("path", path), ("linkpath", target), ("uid", "4294967295"), ("gid", "3000000"), ("unknown.key", "x"))
            .Add(new TarFields { Type = '2', Name = B("short"), UserId = 1, Patch = block => block[116] = (byte)'?' })
            .File("next").End());
        Node node = At(layer, path);
        Assert.Equal(B(target), node.Target);
        Assert.Equal((uint.MaxValue, 3000000u), (node.UserId, node.GroupId));
        Assert.Equal((0u, "next"), (At(layer, "next").UserId, Names(layer).Split(' ')[^1]));
    }

    [Theory]
    [InlineData("1600000000.123456789", 1600000000, 123456789)]
    [InlineData("1600000000.5", 1600000000, 500000000)]
    [InlineData("1600000000.", 1600000000, 0)]
    [InlineData("0.0000000019", 0, 1)]
    [InlineData("-1", -1, 0)]
    [InlineData("-1.25", -2, 750000000)]
    [InlineData("-0.5", -1, 500000000)]
    [InlineData("-0.0000000001", -1, 999999999)]
    [InlineData("-1.9999999999", -2, 0)]
    [InlineData("-9223372036854775807.5", long.MinValue, 500000000)]
    [InlineData("1e-05", 0, 10000)]
    [InlineData("-1.5e-05", -1, 999985000)]
    [InlineData("1e+17", 100_000_000_000_000_000, 0)]
    [InlineData("1.7000000005E9", 1700000000, 500000000)]
    [InlineData("12.5e1", 125, 0)]
    [InlineData("1e-20", 0, 0)]
    public void Pitfall_24_times_have_parts_of_seconds_and_may_be_negative(string text, long seconds, uint nanoseconds)
    {
        using Layer layer = Open(new TarBuilder().Pax(("mtime", text)).File("a").End());
        Assert.Equal(new Timestamp(seconds, nanoseconds), At(layer, "a").Modified);
    }

    [Theory]
    [InlineData("mtime", ".5")]
    [InlineData("mtime", "1e99")]
    [InlineData("mtime", "1e+-9")]
    [InlineData("mtime", "1e")]
    [InlineData("mtime", "e-05")]
    [InlineData("mtime", "nan")]
    [InlineData("mtime", "inf")]
    [InlineData("mtime", "1.2.3")]
    [InlineData("mtime", "9223372036854775808")]
    [InlineData("uid", "-1")]
    [InlineData("uid", "4294967296")]
    [InlineData("gid", "0x10")]
    [InlineData("size", "-5")]
    [InlineData("size", "99999999999999999999")]
    [InlineData("path", "../up")]
    [InlineData("path", "a\0b")]
    [InlineData("SCHILY.xattr.", "no name")]
    [InlineData("LIBARCHIVE.xattr.user.x", "!!!")]
    [InlineData("SCHILY.acl.access", "user::rw-,group::r--")]
    [InlineData("SCHILY.acl.access", "user::rw-,group::r--,other::r--,what::r--")]
    [InlineData("SCHILY.acl.access", "user::rw-,group::r--,other::r-Q")]
    public void A_record_that_cannot_be_is_refused(string key, string value) =>
        Assert.Contains("test.tar: entry ", Corrupt(new TarBuilder().Pax((key, value)).File("a").End()).Message);

    [Theory]
    [InlineData("5 a=b\n")]
    [InlineData("7 a=b\n")]
    [InlineData("6 a=b\nrest")]
    [InlineData("6 a=bx")]
    [InlineData("a=b\n")]
    [InlineData("-6 a=b\n")]
    [InlineData("6 abc\n")]
    [InlineData("5 =b\n")]
    [InlineData("2 ")]
    [InlineData("0 a=b\n")]
    [InlineData("9999999999999999999999 a=b\n")]
    [InlineData("6\n")]
    public void A_record_that_is_none_is_refused(string record) =>
        Assert.Contains("pax record", Corrupt(new TarBuilder().RawPax(record).File("a").End()).Message);

    [Fact]
    public void Pitfall_24_binary_values_with_newlines_and_nuls_are_kept()
    {
        byte[] value = [.. Enumerable.Range(0, 256).Select(i => (byte)i), .. B("\n30 mtime=1\n9 path=x\n")];
        using Layer layer = Open(new TarBuilder()
            .Pax(("SCHILY.xattr.user.bin", value), ("SCHILY.xattr.user.empty", []), ("SCHILY.xattr.user.a%3Db%25c%41", B("v")))
            .File("a").End());
        Node node = At(layer, "a");
        Assert.Equal(value, Xattr(node, "user.bin"));
        Assert.Empty(Xattr(node, "user.empty")!);
        Assert.Equal(B("v"), Xattr(node, "user.a=b%c%41"));
    }

    [Fact]
    public void Attributes_of_libarchive_are_decoded()
    {
        using Layer layer = Open(new TarBuilder()
            .Pax(("LIBARCHIVE.xattr.user.sp%20ace", "AP8"), ("LIBARCHIVE.xattr.user.two", "AP8K"), ("RHT.security.selinux",
            "u:r:t:s0"))
            .File("a").End());
        Assert.Equal([0, 255], Xattr(At(layer, "a"), "user.sp ace"));
        Assert.Equal([0, 255, 10], Xattr(At(layer, "a"), "user.two"));
        Assert.Equal(B("u:r:t:s0\0"), Xattr(At(layer, "a"), "security.selinux"));
    }

    [Fact]
    public void Acls_in_text_become_what_the_kernel_keeps()
    {
        using Layer layer = Open(new TarBuilder()
            .Pax(("SCHILY.acl.access", "user::rw-\nother::r--\nuser:1000:rw-\t#effective:r--\ngroup::r--\nmask::rw-\n"),
                ("SCHILY.acl.default", "u::rwx,g::r-x,o::---,g:staff:r-x:50,m::rwx"))
            .Directory("a").Pax(("SCHILY.acl.access", "user::rw-,group::r--,other::r--")).File("plain").End());
        Assert.Equal("0200000001000600FFFFFFFF02000600E803000004000400FFFFFFFF10000600FFFFFFFF20000400FFFFFFFF",
            Convert.ToHexString(Xattr(At(layer, "a"), "system.posix_acl_access")!));
        Assert.Equal("0200000001000700FFFFFFFF04000500FFFFFFFF080005003200000010000700FFFFFFFF20000000FFFFFFFF",
            Convert.ToHexString(Xattr(At(layer, "a"), "system.posix_acl_default")!));
        Assert.True(At(layer, "plain").Xattrs.IsEmpty);
    }

    [Fact]
    public void An_acl_that_names_users_is_refused_unless_its_binary_form_is_there()
    {
        (string, string) text = ("SCHILY.acl.access", "user::rw-,user:joe:rw-,group::r--,mask::rw-,other::r--");
        UnsupportedImageException fault = Unsupported(new TarBuilder().Pax(text).File("a").End());
        Assert.Contains("user:joe:rw-", fault.Message);
        Assert.Contains("--xattrs-include", fault.Advice);
        using Layer layer = Open(new TarBuilder().Pax(text, ("SCHILY.xattr.system.posix_acl_access", "binary")).File("a").End());
        Assert.Equal(B("binary"), Xattr(At(layer, "a"), "system.posix_acl_access"));
    }

    [Fact]
    public void Pitfall_24_global_headers_apply_to_all_that_follows()
    {
        using Layer layer = Open(new TarBuilder().File("before")
            .GlobalPax(("uid", "7"), ("mtime", "5.5"), ("SCHILY.xattr.user.g", "all"))
            .File("a").Pax(("uid", "8"), ("SCHILY.xattr.user.own", "one")).File("b").Pax(("uid", "")).File("c")
            .GlobalPax(("uid", ""))
            .File("d").End());
        Assert.Equal([0u, 7u, 8u, 0u, 0u], ((string[])["before", "a", "b", "c", "d"]).Select(name => At(layer, name).UserId));
        Assert.Equal(new Timestamp(5, 500000000), At(layer, "d").Modified);
        Assert.Equal((1, 2), (At(layer, "a").Xattrs.Items.Length, At(layer, "b").Xattrs.Items.Length));
    }

    [Fact]
    public void Entries_with_the_same_attributes_share_them()
    {
        (string, string) record = ("SCHILY.xattr.security.selinux", "u:object_r:usr_t:s0\0");
        using Layer layer = Open(new TarBuilder().Pax(record, ("mtime", "1")).File("a").Pax(("mtime", "2"), record).File("b")
            .End());
        Assert.Same(At(layer, "a").Xattrs, At(layer, "b").Xattrs);
    }

    [Fact]
    public void The_limits_are_said()
    {
        Assert.Contains("1048576 is the most", Unsupported(new TarBuilder().Pax(("comment", new string('x', 1 << 20)))
            .File("a")).Message);
        Assert.Contains("65536 is the most", Unsupported(new TarBuilder().LongName('L', new string('x', 65536)).File("a"))
            .Message);
        Assert.Contains("65536 is the most", Corrupt(new TarBuilder().Pax(("SCHILY.xattr.user.x", new string('x', 65537)))
            .File("a")).Message);
        Assert.Contains("255 is the most", Corrupt(new TarBuilder().Pax(("path", new string('x', 256))).File("a")).Message);
        Assert.Contains("2048 components", Unsupported(new TarBuilder()
            .Pax(("path", string.Join('/', Enumerable.Repeat("d", 2049)))).File("a")).Message);
        Assert.Contains("4095 is the most", Corrupt(new TarBuilder().Pax(("linkpath", new string('x', 4096))).Symlink("a", ""))
            .Message);
        Assert.Contains("is empty", Corrupt(new TarBuilder().Symlink("a", "")).Message);
        Assert.Contains("4096:0", Unsupported(new TarBuilder().Device('3', "a", 4096, 0)).Message);
        Assert.Contains("0:1048576", Unsupported(new TarBuilder().Device('4', "a", 0, 1048576)).Message);
        using Layer deepest = Open(new TarBuilder().Pax(("path", string.Join('/', Enumerable.Repeat("d", 2048)))).File("a")
            .End());
        Assert.Equal(2048, Paths(deepest).Count - 1);
    }

    [Fact]
    public void A_pax_header_larger_than_the_window_is_read_whole()
    {
        StringBuilder comment = new();
        for (int i = 0; comment.Length < 700_000; i++)
            comment.Append(i).Append('\n');
        using Layer layer = Open(new TarBuilder().File("first", new string('x', 300_000))
            .Pax(("comment", comment.ToString()), ("path", "named")).File("a", "data").End());
        Assert.Equal("data", Text(layer, "named"));
    }

    [Fact]
    public void Of_two_headers_in_a_row_the_last_counts()
    {
        using Layer layer = Open(new TarBuilder().Pax(("path", "wrong"), ("uid", "7")).Pax(("mtime", "5")).File("a").End());
        Assert.Equal("a", Names(layer));
        Assert.Equal((5L, 0u), (At(layer, "a").Modified.Seconds, At(layer, "a").UserId));
    }

    [Fact]
    public void Records_may_be_followed_by_NULs_and_by_nothing_else()
    {
        using Layer layer = Open(new TarBuilder().RawPax("11 mtime=5\n\0\0\0").File("a").End());
        Assert.Equal(5, At(layer, "a").Modified.Seconds);
        Corrupt(new TarBuilder().RawPax("11 mtime=5\n\0\0x").File("a").End());
    }

    [Theory]
    [InlineData("user::rw-,user:77:r--,group::---,mask::r--,other::---", 0x180, 0x1A0)]
    [InlineData("user::rwx,user:77:r--,group::rwx,mask::r-x,other::--x", 0x1C0, 0x1E9)]
    [InlineData("user::rw-,group::r--,other::---", 0x1B6, 0x1A0)]
    public void Pitfall_24_an_ACL_sets_the_permissions_and_its_mask_the_groups(string text, int header, int shown)
    {
        using Layer layer = Open(new TarBuilder().Pax(("SCHILY.acl.access", text))
            .Add(new TarFields { Name = B("a"), Mode = header }).End());
        Assert.Equal(shown, At(layer, "a").Permissions);
        Assert.Equal(text.Contains("mask"), Xattr(At(layer, "a"), "system.posix_acl_access") is not null);
        using Layer link = Open(new TarBuilder().Pax(("SCHILY.acl.access", text))
            .Add(new TarFields { Type = '2', Name = B("a"), Link = B("b"), Mode = 0x1FF }).End());
        Assert.Equal(0x1FF, At(link, "a").Permissions);
    }

    [Theory]
    [InlineData("user.a=b", "SCHILY.xattr.user.a", "b=value", "LIBARCHIVE.xattr.user.a%3Db")]
    [InlineData("user.100%", "SCHILY.xattr.user.100%", "value", "LIBARCHIVE.xattr.user.100%25")]
    [InlineData("user.x%3D", "SCHILY.xattr.user.x%3D", "value", "LIBARCHIVE.xattr.user.x%253D")]
    [InlineData("user.a b", "SCHILY.xattr.user.a%20b", "value", "LIBARCHIVE.xattr.user.a%20b")]
    public void An_attribute_that_libarchive_says_twice_is_one(string name, string key, string value, string encoded)
    {
        using Layer layer = Open(new TarBuilder().Pax((key, value), (encoded, "dmFsdWU")).File("a").End());
        Assert.Equal(1, At(layer, "a").Xattrs.Items.Length);
        Assert.Equal(B("value"), Xattr(At(layer, "a"), name));
    }
}
