using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Merging;

/// <summary>Tars merged by OCI rules show what umoci unpacks of them: marks, links on the way, directories without
/// entries.</summary>
public class OciUnpackTests
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
        string[] found = [.. TestImages.Shown(TestImages.MergeAs(TestImages.Full, null, layers)).Select(Umoci.WithoutTime)];
        Assert.True(expected.SequenceEqual(found),
            $"{what}:\n{string.Join('\n', expected.Except(found).Select(row => $"- {row}"))}\n" +
            string.Join('\n', found.Except(expected).Select(row => $"+ {row}")));
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
}
