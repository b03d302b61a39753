using System.Text;
using System.Text.RegularExpressions;
using Lamina.Images;
using Lamina.Merging;
using Lamina.Tests.Cli;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Merging;

/// <summary>Tars merged by OCI rules show what umoci unpacks of them: marks, links on the way, directories without
/// entries.</summary>
public partial class OciUnpackTests
{
    /// <summary>A root as distributions have it: <c>bin</c> is a link into <c>usr</c>.</summary>
    private static TarBuilder Base() => Root().Directory("usr").Directory("usr/bin").File("usr/bin/sh", "shell")
        .Symlink("bin", "usr/bin").Directory("etc").File("etc/motd", "hello").Directory("var", 0x1C0).Directory("var/cache")
        .File("var/cache/a", "a").File("var/cache/b", "b");

    private static TarBuilder Root() => new TarBuilder().Directory("./");

    public static TheoryData<string, byte[][]> Cases => new()
    {
        { "a file below a link of a lower layer", Tars(Base(), Root().File("bin/foo", "foo")) },
        { "a directory below a link", Tars(Base(), Root().Directory("bin/sub").File("bin/sub/x", "x")) },
        { "two directories without entries below a link", Tars(Base(), Root().File("bin/a/b/c", "x")) },
        { "an entry of its own replaces the link", Tars(Base(), Root().Directory("bin").File("bin/foo", "foo")) },
        { "a whiteout below a link", Tars(Base(), Root().File("bin/.wh.sh")) },
        { "a whiteout of the link", Tars(Base(), Root().File(".wh.bin")) },
        { "a whiteout of the link, and a file there", Tars(Base(), Root().File(".wh.bin").File("bin/foo", "foo")) },
        { "an absolute link", Tars(Base().Symlink("sbin", "/usr/bin"), Root().File("sbin/foo", "foo")) },
        { "a link that leads out of the root", Tars(Base().Symlink("out", "../../usr"), Root().File("out/foo", "foo")) },
        { "a link through a link", Tars(Base().Symlink("b2", "bin"), Root().File("b2/foo", "foo")) },
        { "a link to what is not there", Tars(Base().Symlink("opt", "usr/opt"), Root().File("opt/foo", "foo")) },
        { "a link in a directory", Tars(Base().Symlink("usr/sbin", "bin"), Root().File("usr/sbin/foo", "foo")) },
        { "a link with dots", Tars(Base().Symlink("dots", "./usr/../etc/."), Root().File("dots/foo", "foo")) },
        { "a file over a link", Tars(Base(), Root().File("bin", "no link any more")) },
        { "a link over a link", Tars(Base(), Root().Symlink("bin", "etc"), Root().File("bin/foo", "foo")) },
        { "a link of the second layer, gone through by the third", Tars(Base(), Root().Symlink("lib", "usr/lib"),
            Root().File("lib/x", "x")) },
        { "a link that the second layer removed", Tars(Base(), Root().File(".wh.bin"), Root().File("bin/foo", "foo")) },
        { "a link that the second layer replaced", Tars(Base(), Root().Directory("bin"), Root().File("bin/foo", "foo")) },
        { "a link within one tar", Tars(Root().Directory("usr").Directory("usr/bin").Symlink("bin", "usr/bin")
            .File("bin/foo", "foo")) },
        { "both ways to one directory", Tars(Base(), Root().File("bin/one", "1").File("usr/bin/two", "2")) },
        { "the same file both ways", Tars(Base(), Root().File("usr/bin/foo", "first").File("bin/sub/foo", "second")) },
        { "a directory without an entry keeps what is below", Tars(Base(), Root().File("var/cache/c", "c")) },
        { "marks alone in a directory that is there", Tars(Base(), Root().File("var/cache/.wh.a")) },
        { "marks alone below an empty directory", Tars(Base().Directory("empty"), Root().File("empty/.wh.x")) },
        { "an opaque directory", Tars(Base(), Root().Directory("var/cache").File("var/cache/.wh..wh..opq")
            .File("var/cache/c", "c")) },
        { "an opaque directory without an entry", Tars(Base(), Root().File("var/cache/.wh..wh..opq")
            .File("var/cache/c", "c")) },
        { "an opaque mark behind what is new", Tars(Base(), Root().File("var/cache/c", "c").File("var/cache/.wh..wh..opq")) },
        { "a whiteout of a directory and a new one", Tars(Base(), Root().File(".wh.var").Directory("var")
            .File("var/x", "x")) },
        { "a whiteout of what is not there", Tars(Base(), Root().File(".wh.nothing").File("etc/.wh.nothing")) },
        { "a file over a directory", Tars(Base(), Root().File("var", "file")) },
        { "a directory over a file", Tars(Base(), Root().Directory("etc/motd").File("etc/motd/x", "x")) },
        { "a hard link within a layer over a lower file", Tars(Base(), Root().File("etc/motd", "new")
            .Link("etc/two", "etc/motd")) },
        { "attributes of a directory alone", Tars(Base(), Root().Directory("var", 0x1ED)) },
        { "a file that becomes a link and back", Tars(Base(), Root().Symlink("etc/motd", "issue"),
            Root().File("etc/motd", "x")) },
        { "a hard link to a file below", Tars(Base(), Root().Link("etc/two", "etc/motd")) },
        { "a hard link to a file below, with its directory", Tars(Base(), Root().Directory("etc", 0x1C0)
            .Link("etc/two", "./etc/motd")) },
        { "a hard link to a file below with two names", Tars(Base().Link("var/also", "etc/motd"),
            Root().Link("etc/two", "etc/motd")) },
        { "hard links of two layers to one file", Tars(Base(), Root().Link("etc/two", "etc/motd"),
            Root().Link("etc/three", "etc/two")) },
        { "two hard links, one by the other", Tars(Base(), Root().Link("etc/two", "etc/motd").Link("etc/three", "etc/two")) },
        { "a hard link below a link, both ways", Tars(Base(), Root().Link("bin/bash", "bin/sh")) },
        { "a hard link through a link of its own layer", Tars(Base(), Root().Symlink("conf", "etc")
            .Link("two", "conf/motd")) },
        { "a hard link to a symbolic link below", Tars(Base(), Root().Link("bin2", "bin")) },
        { "a hard link to a pipe below", Tars(Base().Device('6', "pipe", 0, 0), Root().Link("pipe2", "pipe")) },
        { "a hard link over a file below", Tars(Base(), Root().Link("var/cache/a", "etc/motd")) },
        { "a hard link, and then a new file for it", Tars(Base(), Root().Link("etc/two", "etc/motd")
            .File("etc/motd", "new")) },
        { "a hard link, and then its file is removed", Tars(Base(), Root().Link("etc/two", "etc/motd")
            .File("etc/.wh.motd")) },
        { "a hard link, and then another file in its place", Tars(Base(), Root().Link("etc/two", "etc/motd")
            .File("etc/two", "other")) },
        { "a hard link to a new file, by a link below", Tars(Base(), Root().File("usr/bin/sh", "new").Link("ash", "bin/sh")) },
        { "a hard link to a new file that came by a link below", Tars(Base(), Root().File("bin/sh", "new")
            .Link("ash", "usr/bin/sh")) },
        { "a hard link to a file that the third layer replaces", Tars(Base(), Root().Link("etc/two", "etc/motd"),
            Root().File("etc/motd", "new")) },
    };

    private static byte[][] Tars(params TarBuilder[] tars) => [.. tars.Select(tar => tar.End().ToArray())];

    [Theory]
    [MemberData(nameof(Cases), DisableDiscoveryEnumeration = true)]
    public void Tars_merge_to_what_umoci_unpacks(string what, byte[][] tars)
    {
        string[] expected = Umoci.Unpack(tars);
        string[] files = [.. tars.Select(tar =>
        {
            string path = Scratch.NewPath("layer.tar");
            File.WriteAllBytes(path, tar);
            return path;
        })];
        // One tar alone is passed through as it is; an empty layer makes it a merge.
        string empty = Scratch.NewPath("empty.tar");
        File.WriteAllBytes(empty, Root().End().ToArray());
        string[] layers = files.Length > 1 ? files : [.. files, empty];
        string[] found = [.. TestImages.Shown(
            TestImages.MergeAs(TestImages.Full, null, layers), noLinkCounts: false).Select(Umoci.Comparable)];
        Assert.True(expected.SequenceEqual(found),
            $"{what}:\n{string.Join('\n', expected.Except(found).Select(row => $"- {row}"))}\n" +
            string.Join('\n', found.Except(expected).Select(row => $"+ {row}")));
    }

    [Theory]
    [MemberData(nameof(Cases), DisableDiscoveryEnumeration = true)]
    public void Images_of_single_layers_overlay_to_what_umoci_unpacks(string what, byte[][] tars)
    {
        KernelMount.SkipUnlessOverlayIsPossible();
        bool hasLinksBelow = what.Contains("hard link", StringComparison.Ordinal);
        OciImage image = new();
        byte[][] all = [.. tars, .. new[] { Root().End().ToArray() }.Take(tars.Length == 1 ? 1 : 0)];   // one is no overlay
        image.Tag(image.Manifest(all, "gzip"));
        string folder = Scratch.NewPath("layers");
        string[] layers = [.. CliRun.Of("build", "--layers", folder, image.Path, "--json").Json().GetProperty("layers")
            .EnumerateArray().Select(layer => layer.GetProperty("output").GetString()!)];
        Assert.Equal(all.Length, layers.Length);
        string[] expected = [.. Umoci.Unpack(all).Select(Countless)];
        using (KernelMount mount = KernelMount.OverlayOfImages(layers))
            AssertSame(mount.Manifest());
        AssertSame(TestImages.Shown(TestImages.MergeAs(TestImages.Full, null, layers), noLinkCounts: false));

        string Countless(string row) => hasLinksBelow ? LinkCount().Replace(row, "") : row;
        void AssertSame(string[] rows)
        {
            string[] found = [.. rows.Select(Umoci.Comparable).Select(Countless)];
            Assert.True(expected.SequenceEqual(found), $"{what}:\n" + string.Join('\n',
                [.. expected.Except(found).Select(row => $"- {row}"), .. found.Except(expected).Select(row => $"+ {row}")]));
        }
    }

    [Fact]
    public void Links_of_lower_layers_in_a_circle_are_refused_by_name()
    {
        string low = Scratch.NewPath("low.tar"), high = Scratch.NewPath("high.tar");
        File.WriteAllBytes(low, Root().Symlink("a", "b").Symlink("b", "a").End().ToArray());
        File.WriteAllBytes(high, Root().File("a/x", "x").End().ToArray());
        CorruptImageException refusal = Assert.Throws<CorruptImageException>(() =>
            TestImages.MergeAs(TestImages.Full, null, low, high));
        Assert.Contains("/a: its path leads through more than 40 symbolic links", refusal.Message);
    }

    [Fact]
    public void Hard_links_go_to_files_of_images_below_which_thereby_have_more_names()
    {
        Traits marked = Traits.With(("user.overlay.origin", "x"), ("user.note", "n"));
        Node twice = Grow.File("twice");
        ImageFile low = TestImages.Of(Grow.Directory(
            ("d", Grow.Directory(("one", Grow.File("once", marked)), ("first", twice), ("second", twice)))));
        string high = Write(Root().Link("d/more", "d/one").Link("third", "d/second").Link("fourth", "third"));
        MergeAccount account = new();
        MergeOptions merging = new() { Account = account, UserXattr = true };
        string[] rows = TestImages.Shown(TestImages.MergeAs(TestImages.Flat, merging, low, high), noLinkCounts: false);
        Assert.Equal(["d/first 4", "d/more 2", "d/one 2", "d/second 4", "fourth 4", "third 4"], rows
            .Where(row => row.Contains("\"type\": \"f\"", StringComparison.Ordinal))
            .Select(row => $"{Field(row, "path\": \"/")} {Field(row, "nlink\": ")}"));
        Assert.All(rows, row => Assert.DoesNotContain("user.overlay", row));
        Assert.Equal(["/d/more", "/third"], account.Events.Where(what => what.Outcome == MergeOutcome.Linked)
            .Select(what => Encoding.ASCII.GetString(what.Path.Span)));
        Assert.Equal(0, account.WastedBytes);
    }

    [Fact]
    public void Layers_that_are_appended_may_have_hard_links_into_the_image()
    {
        string flat = Scratch.NewPath("flat.erofs");
        MergedImage.Create([Write(Base())], flat);
        MergedImage.Append(flat, [Write(Root().Link("etc/two", "etc/motd"))]);
        Assert.Equal(2, TestImages.Shown(new ImageFile(flat, []), noLinkCounts: false)
            .Count(row => row.Contains("\"nlink\": 2", StringComparison.Ordinal)
                && row.Contains("\"type\": \"f\"", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("etc/none", "which is not in the archive before it and in no layer below")]
    [InlineData("etc/two", "which is not in the archive before it")]
    [InlineData("etc", "which is a directory")]
    [InlineData("var/cache", "which is a directory")]
    public void Hard_links_to_what_no_layer_has_as_a_file_are_refused(string target, string reason)
    {
        string low = Write(Base()), high = Write(Root().Link("etc/two", target));
        foreach (WriteOptions options in (WriteOptions[])[TestImages.Full, TestImages.Flat])
        {
            CorruptImageException refusal = Assert.Throws<CorruptImageException>(() =>
                TestImages.MergeAs(options, null, low, high));
            Assert.Contains($"entry etc/two: it is a hard link to {target}, {reason}", refusal.Message);
        }
        Assert.Throws<CorruptImageException>(() => TestImages.MergeAs(TestImages.Full, null, high, low));
    }

    [Fact]
    public void Links_below_that_lead_where_no_directory_can_be_are_refused()
    {
        string deep = string.Join('/', Enumerable.Repeat("d", 2000));
        foreach (TarBuilder low in (TarBuilder[])[LongLink("a", new string('n', 256)),
            LongLink("a", $"b/{deep}").Pax(("linkpath", Encoding.ASCII.GetBytes(deep))).Symlink("b", "")])
        {
            UnsupportedImageException refusal = Assert.Throws<UnsupportedImageException>(() =>
                TestImages.MergeAs(TestImages.Full, null, Write(low), Write(Root().File("a/x", "x"))));
            Assert.Contains("/a: its path leads through a symbolic link of a layer below", refusal.Message);
        }
    }

    private static TarBuilder LongLink(string name, string target) =>
        Root().Pax(("linkpath", Encoding.ASCII.GetBytes(target))).Symlink(name, "");

    private static string Field(string row, string before)
    {
        int at = row.IndexOf(before, StringComparison.Ordinal) + before.Length;
        return row[at..row.IndexOfAny([',', '"'], at)];
    }

    private static string Write(TarBuilder tar)
    {
        string path = Scratch.NewPath("layer.tar");
        File.WriteAllBytes(path, tar.End().ToArray());
        return path;
    }

    [GeneratedRegex("\"nlink\": \\d+, ")]
    private static partial Regex LinkCount();
}
