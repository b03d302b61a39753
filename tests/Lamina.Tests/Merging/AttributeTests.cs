using Lamina.Merging;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Merging;

/// <summary>Metadata of directories and extended attributes: whose count, and which are overlayfs's own books.</summary>
public class AttributeTests
{
    /// <summary>A POSIX ACL as the kernel takes it: version 2, then tag, permissions and id of each entry.</summary>
    private static byte[] Acl => Convert.FromHexString(
        "02000000" + "01000700ffffffff" + "02000500e8030000" + "04000500ffffffff" + "10000700ffffffff" + "20000100ffffffff");

    [Fact]
    public void The_root_is_the_uppermost_layers_with_mode_owner_times_and_attributes()
    {
        Traits low = new() { Permissions = 0x1FF, UserId = 7, GroupId = 8, Xattrs = [("user.low", [1])], Modified = new(1, 2) };
        Traits high = new()
        {
            Permissions = 0x3C9,
            UserId = 70_000,
            GroupId = 3_000_000_000,
            Xattrs = [("user.high", [2])],
            Modified = new(-5, 999)
        };
        ImageFile merged = TestImages.AssertMergesAsOverlay(Grow.Directory(low), Grow.Directory(high, ("x", Grow.Fifo())));
        string root = TestImages.Shown(merged)[0];
        const string expected = "{'gid': 3000000000, 'mode': '1711', 'mtime': -4999999001, 'path': '/', 'type': 'd', " +
            "'uid': 70000, 'xattrs': {'user.high': '02'}}";
        Assert.Equal(expected.Replace((char)39, '"'), root);
    }

    [Fact]
    public void A_directorys_attributes_are_the_upper_ones_as_a_whole()
    {
        ImageFile merged = TestImages.AssertMergesAsOverlay(
            Grow.Directory(("both", Grow.Directory(Traits.With(("user.a", "low"), ("user.b", "low")))),
                ("low", Grow.Directory(Traits.With(("user.c", "1"))))),
            Grow.Directory(("both", Grow.Directory(Traits.With(("user.b", "high"))))),
            Grow.Directory(("low", Grow.Directory())));
        string[] shown = TestImages.Shown(merged);
        Assert.Contains("\"xattrs\": {\"user.b\": \"68696768\"}", shown[1]);
        Assert.DoesNotContain("xattrs", shown[2]);
    }

    [Fact]
    public void Posix_acls_come_out_under_the_names_the_kernel_asks_for()
    {
        Traits file = new() { Xattrs = [("system.posix_acl_access", Acl)] };
        Traits directory = new()
        {
            Xattrs = [("system.posix_acl_access", Acl), ("system.posix_acl_default", Acl),
            ("user.x", [])]
        };
        ImageFile merged = TestImages.AssertMergesAsOverlay(
            Grow.Directory(("f", Grow.File("a", file)), ("g", Grow.File("b", file))),
                Grow.Directory(("d", Grow.Directory(directory))));
        string[] shown = TestImages.Shown(merged);
        Assert.Contains("\"system.posix_acl_access\": \"" + Convert.ToHexStringLower(Acl),
            shown.Single(row => row.Contains("\"/f\"")));
        Assert.Contains("\"system.posix_acl_default\": \"" + Convert.ToHexStringLower(Acl),
            shown.Single(row => row.Contains("\"/d\"")));
    }

    [Fact]
    public void The_books_of_overlayfs_are_left_out_and_escaped_names_are_one_level_less_escaped()
    {
        Traits traits = Traits.With(
            ("trusted.overlay.overlay.opaque", "y"), ("trusted.overlay.overlay.overlay.z", "1"), ("trusted.overlay.impure", "y"),
            ("trusted.overlay.foo", "1"), ("trusted.overlay.", "1"), ("trusted.overlayx", "1"), ("trusted.other", "1"),
            ("user.overlay.foo", "1"), ("user.overlay.overlay.opaque", "y"), ("user.overlayx", "1"));
        ImageFile merged = TestImages.AssertMergesAsOverlay(
            Grow.Directory(traits, ("d", Grow.Directory(traits)), ("f", Grow.File("low", traits))),
            Grow.Directory(traits, ("d", Grow.Directory(traits, ("g", Grow.File("", traits)))),
                ("link", Grow.Link("x", Traits.With(("trusted.overlay.foo", "1"))))));
        string row = TestImages.Shown(merged).Single(row => row.Contains("\"/f\""));
        string[] shown =
        [
            "trusted.other\": \"31", "trusted.overlay.opaque\": \"79", "trusted.overlay.overlay.z\": \"31",
                "trusted.overlayx\": \"31",
            "user.overlay.foo\": \"31", "user.overlay.overlay.opaque\": \"79", "user.overlayx\": \"31",
        ];
        Assert.Contains($"\"xattrs\": {{{string.Join(", ", shown.Select(item => $"\"{item}\""))}}}", row);
    }

    [Fact]
    public void Marks_of_unprivileged_overlays_count_only_where_they_are_asked_for()
    {
        ImageFile low = TestImages.Of(Grow.Directory(("d", Grow.Directory(("low", Grow.Fifo()))), ("f", Grow.File("low"))));
        ImageFile high = TestImages.Of(Grow.Directory(
            ("d", Grow.Directory(Traits.With(("user.overlay.opaque", "y"), ("user.note", "n")))),
            ("f", Grow.File("", Traits.With(("user.overlay.whiteout", ""))))));
        string[] layers = [low, high];
        string[] asked = TestImages.Shown(TestImages.MergeAs(TestImages.Full, new MergeOptions { UserXattr = true }, layers));
        Assert.Equal(2, asked.Length);
        Assert.Contains("\"xattrs\": {\"user.note\": \"6e\"}", asked[1]);
        if (KernelMount.OverlayObstacle is null)
        {
            using KernelMount overlay = KernelMount.OverlayOfImages([low.Path, high.Path], userXattr: true);
            Assert.Equal(overlay.Manifest(noLinkCounts: true), asked);
        }
        // A mount without userxattr knows nothing of them: overlayfs says so, and shows them.
        string[] plain = TestImages.Shown(TestImages.MergeAs(TestImages.Full, null, layers));
        Assert.Equal(TestImages.Overlaid(low, high), plain);
        Assert.Contains(plain, row => row.Contains("\"/d/low\"", StringComparison.Ordinal));
        Assert.Contains(plain, row => row.Contains("user.overlay.opaque", StringComparison.Ordinal));
    }

    [Fact]
    public void Names_in_every_namespace_and_values_of_every_size_come_out_as_they_went_in()
    {
        byte[] large = new byte[5000], huge = new byte[65535];
        new Random(1).NextBytes(large);
        Traits traits = new()
        {
            Xattrs = [("user.empty", []), ("trusted.large", large), ("security.x", [0, 10, 255]),
                ("user." + new string('n', 250), [1])],
        };
        TestImages.AssertMergesAsOverlay(
            Grow.Directory(("a", Grow.File("", traits)), ("b", Grow.Directory(traits)),
                ("big", Grow.File("", new Traits { Xattrs = [("user.huge", huge)] }))),
            Grow.Directory(("c", Grow.File("", traits))));
    }
}
