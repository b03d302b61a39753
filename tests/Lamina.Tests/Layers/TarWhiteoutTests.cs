using System.Text;
using Lamina.Layers;
using Lamina.Tests.Generators;
using Lamina.Tree;
using static Lamina.Tests.Layers.TarTree;

namespace Lamina.Tests.Layers;

public class TarWhiteoutTests
{
    private static bool IsOpaque(Node node) => Xattr(node, "trusted.overlay.opaque") is [(byte)'y'];

    [Fact]
    public void Pitfall_8_marks_become_those_of_overlayfs()
    {
        using Layer layer = Open(new TarBuilder().Directory("d", 0x1C0, 7).File("d/.wh.gone").File(".wh.top")
            .Directory("o", 0x1C0, 8)
            .File("o/.wh..wh..opq").File("o/new").File("o/.wh..wh..opq").End());
        Assert.Equal("d d/gone o o/new top", Names(layer));
        Assert.True(At(layer, "d/gone").IsWhiteout && At(layer, "top").IsWhiteout);
        Assert.NotSame(At(layer, "d/gone"), At(layer, "top"));
        Assert.True(IsOpaque(At(layer, "o")));
        Assert.Equal((0x1C0, 8L), (At(layer, "o").Permissions, At(layer, "o").Modified.Seconds));
        Assert.False(IsOpaque(At(layer, "d")));
        Assert.Equal(WhiteoutRules.Overlay, layer.Rules);
    }

    [Fact]
    public void Pitfall_8_a_root_may_be_opaque_with_or_without_an_entry()
    {
        using Layer with = Open(new TarBuilder().File(".wh..wh..opq").Directory("./", 0x1C0).End());
        using Layer without = Open(new TarBuilder().File("./.wh..wh..opq").End());
        Assert.True(IsOpaque(with.Root) && with.HasRootMetadata && with.Root.Permissions == 0x1C0);
        Assert.True(IsOpaque(without.Root) && !without.HasRootMetadata);
    }

    [Fact]
    public void Pitfall_8_names_near_the_opaque_mark_are_not_it()
    {
        using Layer layer = Open(new TarBuilder().File("a/.wh..opq").File("b/.wh..wh..opqx").File("c/.wh..wh.opq")
            .File("d/..wh..wh..opq").End());
        Assert.Equal("a a/.opq b c d d/..wh..wh..opq", Names(layer));
        Assert.True(At(layer, "a/.opq").IsWhiteout);
        Assert.All(Paths(layer).Values, node => Assert.False(IsOpaque(node)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Pitfall_8_a_mark_and_the_same_name_in_one_layer_hide_only_what_is_below(bool markFirst)
    {
        TarBuilder marks = new TarBuilder().File(".wh.file").File(".wh.dir").File(".wh.implied");
        TarBuilder files = new TarBuilder().File("file", "kept").Directory("dir", 0x1C0).File("dir/x").File("implied/x");
        using Layer layer = Open(new TarBuilder().Raw((markFirst ? marks : files).ToArray()).Raw((markFirst ? files : marks)
            .ToArray()).End());
        Assert.Equal("dir dir/x file implied implied/x", Names(layer));
        Assert.Equal("kept", Text(layer, "file"));
        Assert.True(IsOpaque(At(layer, "dir")) && IsOpaque(At(layer, "implied")));
        Assert.DoesNotContain(At(layer, "implied"), layer.Implied);    // what it would borrow from is hidden
        Assert.Equal(0x1C0, At(layer, "dir").Permissions);
    }

    [Fact]
    public void An_opaque_directory_keeps_its_other_attributes()
    {
        using Layer layer = Open(new TarBuilder().Pax(("SCHILY.xattr.user.a", "1"), ("SCHILY.xattr.trusted.overlay.opaque", "n"))
            .Directory("d").File("d/.wh..wh..opq").End());
        Assert.True(IsOpaque(At(layer, "d")));
        Assert.Equal(2, At(layer, "d").Xattrs.Items.Length);
    }

    [Fact]
    public void Bookkeeping_of_AUFS_is_dropped_though_hard_links_may_go_to_it()
    {
        using Layer layer = Open(new TarBuilder().Directory(".wh..wh.plnk").File(".wh..wh.plnk/12.34", "data")
            .File(".wh..wh.aufs")
            .Link("a", ".wh..wh.plnk/12.34").Link("b", "a").Directory("d/.wh..wh.orph").End());
        Assert.Equal("a b d", Names(layer));
        Assert.Equal("data", Text(layer, "b"));
    }

    [Theory]
    [InlineData(".wh.")]
    [InlineData("d/.wh..")]
    [InlineData("d/.wh...")]
    [InlineData(".wh.gone/below")]
    [InlineData(".wh.gone/.wh..wh..opq")]
    public void Marks_that_cannot_be_are_refused(string name) =>
        Assert.Contains("entry " + name, Corrupt(new TarBuilder().File(name)).Message);

    [Theory]
    [InlineData(WhiteoutRules.Oci)]
    [InlineData(WhiteoutRules.Overlay)]
    public void Devices_0_0_are_whiteouts_under_both_rules_also_hard_linked(WhiteoutRules rules)
    {
        using Layer layer = Open(new TarBuilder().Device('3', "w", 0, 0).Link("w2", "w").Device('3', "null", 1, 3)
            .Device('4', "b", 0, 0).End(), rules);
        Assert.Equal(["w", "w2"], Paths(layer).Where(pair => pair.Value.IsWhiteout).Select(pair => pair.Key));
    }

    [Theory]
    [InlineData(WhiteoutRules.Overlay)]
    [InlineData(WhiteoutRules.Cpio)]
    public void Under_other_rules_the_names_are_ordinary(WhiteoutRules rules)
    {
        using Layer layer = Open(new TarBuilder().File(".wh.a", "1").File("d/.wh..wh..opq").File(".wh..wh.plnk/x").End(), rules);
        Assert.Equal(".wh..wh.plnk .wh..wh.plnk/x .wh.a d d/.wh..wh..opq", Names(layer));
        Assert.Equal(rules, layer.Rules);
        Assert.Equal("1", Text(layer, ".wh.a"));
    }

    [Fact]
    public void The_data_of_a_mark_is_passed_over()
    {
        using Layer layer = Open(new TarBuilder().File(".wh.a", "unexpected").File("b", "x").End());
        Assert.Equal("a b", Names(layer));
        Assert.Equal("x", Encoding.UTF8.GetString(Bytes(At(layer, "b"))));
    }
}
