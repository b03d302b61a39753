using Lamina.Merging;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Merging;

/// <summary>
/// What hides what, in every combination of what three layers can have under a name. overlayfs of the same images is the truth.
/// </summary>
public class WhiteoutTests
{
    private static readonly MergeOptions s_keep = new() { KeepWhiteouts = true };

    /// <summary>What a layer can have under a name. Names in directories differ by layer, but for one that all have.</summary>
    private static readonly (string Name, Func<int, Node?> Make)[] s_kinds =
    [
        ("none", _ => null),
        ("file", layer => Grow.File($"data of {layer}")),
        ("link", layer => Grow.Link($"target-{layer}")),
        ("whiteout", _ => Grow.Whiteout()),
        ("marked", _ => Grow.XattrWhiteout()),
        ("empty", layer => Grow.Directory(new Traits { UserId = (uint)layer })),
        ("directory", layer => Grow.Directory(new Traits { UserId = (uint)layer }, Children(layer))),
        ("opaque", layer => Grow.Opaque(Children(layer))),
        ("hiding", Hiding),
        ("marking", Marking),
    ];

    /// <summary>A directory that hides what the other layers have in it.</summary>
    private static Node Hiding(int layer)
    {
        string others = $"own-{(layer + 1) % 3}", another = $"own-{(layer + 2) % 3}";
        return Grow.Directory([.. Children(layer), (others, Grow.Whiteout()), (another, Grow.Whiteout()),
            ("nobody", Grow.Whiteout())]);
    }

    /// <summary>A directory that says it has marked files, and has one.</summary>
    private static Node Marking(int layer)
    {
        Traits traits = Traits.With(("trusted.overlay.opaque", "x"));
        return Grow.Directory(traits, ($"own-{(layer + 2) % 3}", Grow.XattrWhiteout()), ($"own-{layer}", Grow.File("x")));
    }

    private static (string Name, Node Node)[] Children(int layer) => layer switch
    {
        0 => [("own-0", Grow.File("0")), ("both", Grow.Directory(("deep-0", Grow.Fifo()))), ("turns", Grow.File("was a file"))],
        1 => [("own-1", Grow.File("1")), ("both", Grow.Directory(("deep-1", Grow.Fifo()))),
            ("turns", Grow.Directory(("in", Grow.File("1"))))],
        _ => [("own-2", Grow.File("2")), ("both", Grow.Directory(("deep-0", Grow.Whiteout()), ("deep-2", Grow.Fifo()))),
            ("turns", Grow.Link("a"))],
    };

    /// <summary>Three layers with a name for each combination.</summary>
    private static Node[] Combinations()
    {
        List<(string, Node)>[] entries = [[], [], []];
        foreach ((string lowName, Func<int, Node?> low) in s_kinds)
        {
            foreach ((string middleName, Func<int, Node?> middle) in s_kinds)
            {
                foreach ((string highName, Func<int, Node?> high) in s_kinds)
                {
                    Func<int, Node?>[] makers = [low, middle, high];
                    for (int layer = 0; layer < 3; layer++)
                    {
                        if (makers[layer](layer) is { } node)
                            entries[layer].Add(($"{lowName}-{middleName}-{highName}", node));
                    }
                }
            }
        }
        // Once in the root, once in a directory that all have, once below one that is opaque in the middle.
        return
        [
            .. entries.Select((list, layer) => Grow.Directory([.. list, ("common", Grow.Directory([.. list])),
                ("closed", layer == 1 ? Grow.Opaque([.. list]) : Grow.Directory([.. list]))])),
        ];
    }

    [Fact]
    public void Every_combination_of_what_three_layers_have_under_a_name_merges_as_overlayfs_does()
    {
        ImageFile[] layers = [.. Combinations().Select(root => TestImages.Of(root))];
        string[] expected = TestImages.Overlaid(layers);
        Assert.True(expected.Length > 3000);
        Assert.Equal(expected, TestImages.Shown(TestImages.Merge(TestImages.Full, layers)));
        Assert.Equal(expected, TestImages.Shown(TestImages.Merge(TestImages.Index, layers)));
    }

    [Fact]
    public void Kept_whiteouts_hide_below_what_they_hid_before_the_merge()
    {
        ImageFile[] layers = [.. Combinations().Select(root => TestImages.Of(root))];
        ImageFile kept = TestImages.MergeAs(TestImages.Full, s_keep, layers[1], layers[2]);
        Assert.Equal(TestImages.Overlaid(layers), TestImages.Overlaid(layers[0], kept));
        Assert.Equal(TestImages.Overlaid(layers), TestImages.Shown(TestImages.Merge(TestImages.Full, layers[0], kept)));
        ImageFile lower = TestImages.MergeAs(TestImages.Full, s_keep, layers[0], layers[1]);
        Assert.Equal(TestImages.Overlaid(layers), TestImages.Overlaid(lower, layers[2]));
    }

    [Fact]
    public void Whiteouts_are_consumed_and_hide_nothing_that_is_not_there()
    {
        ImageFile merged = TestImages.AssertMergesAsOverlay(
            Grow.Directory(("kept", Grow.File("a")), ("gone", Grow.File("b"))),
            Grow.Directory(("gone", Grow.Whiteout()), ("never-there", Grow.Whiteout())));
        Assert.Equal(["/", "/kept"], Trees.Paths(merged));
    }

    [Fact]
    public void A_link_to_a_directory_replaces_the_directory_and_is_not_followed()
    {
        ImageFile merged = TestImages.AssertMergesAsOverlay(
            Grow.Directory(("lib", Grow.Directory(("libc", Grow.File("old")))),
                ("usr", Grow.Directory(("lib", Grow.Directory())))),
            Grow.Directory(("lib", Grow.Link("usr/lib")),
                ("usr", Grow.Directory(("lib", Grow.Directory(("libc", Grow.File("new"))))))));
        Assert.Equal(["/", "/lib", "/usr", "/usr/lib", "/usr/lib/libc"], Trees.Paths(merged));
    }

    [Fact]
    public void A_file_that_replaces_a_directory_hides_its_children_and_a_directory_a_files_data()
    {
        ImageFile merged = TestImages.AssertMergesAsOverlay(
            Grow.Directory(("a", Grow.Directory(("child", Grow.File("1")))), ("b", Grow.File(new byte[9000]))),
            Grow.Directory(("a", Grow.File("2")), ("b", Grow.Directory())),
            Grow.Directory(("a", Grow.Directory(("other", Grow.File("3"))))));
        Assert.Equal(["/", "/a", "/a/other", "/b"], Trees.Paths(merged));
    }

    [Fact]
    public void An_opaque_root_of_an_image_hides_nothing_as_overlayfs_always_joins_roots()
    {
        ImageFile merged = TestImages.AssertMergesAsOverlay(Grow.Directory(("low", Grow.File("a"))),
            Grow.Opaque(("high", Grow.File("b"))));
        Assert.Equal(["/", "/high", "/low"], Trees.Paths(merged));
    }

    [Fact]
    public void An_opaque_root_of_an_oci_layer_hides_all_layers_below()
    {
        string tar = Scratch.NewPath("layer.tar");
        File.WriteAllBytes(tar, new TarBuilder().Directory("./").File(".wh..wh..opq").File("high", "b").End().ToArray());
        ImageFile low = TestImages.Of(Grow.Directory(("low", Grow.File("a"))));
        ImageFile top = TestImages.Of(Grow.Directory(("top", Grow.File("c"))));
        Assert.Equal(["/", "/high", "/top"], Trees.Paths(TestImages.MergeAs(TestImages.Full, null, low, tar, top)));
        UnsupportedImageException fault = Assert.Throws<UnsupportedImageException>(() => TestImages.MergeAs(TestImages.Full,
            s_keep, low, tar, top));
        Assert.Contains("its root hides all that is below", fault.Message);
    }

    [Fact]
    public void An_opaque_mark_with_another_value_marks_nothing()
    {
        TestImages.AssertMergesAsOverlay(
            Grow.Directory(("a", Grow.Directory(("low", Grow.Fifo()))), ("b", Grow.Directory(("low", Grow.Fifo()))),
                ("c", Grow.Directory(("low", Grow.Fifo())))),
            Grow.Directory(("a", Grow.Directory(Traits.With(("trusted.overlay.opaque", "yy")))),
                ("b", Grow.Directory(Traits.With(("trusted.overlay.opaque", "")))),
                ("c", Grow.Directory(Traits.With(("trusted.overlay.opaque", "n"))))));
    }

    [Theory]
    [InlineData("trusted.overlay.redirect", "overlay.redirect")]
    [InlineData("user.overlay.redirect", "overlay.redirect")]
    [InlineData("trusted.overlay.metacopy", "overlay.metacopy")]
    public void What_cannot_be_merged_yet_is_refused_by_name(string xattr, string feature)
    {
        ImageFile low = TestImages.Of(Grow.Directory(("old", Grow.Directory())));
        ImageFile high = TestImages.Of(Grow.Directory(("new", Grow.Directory(Traits.With((xattr, "/old"))))));
        MergeOptions options = new() { UserXattr = xattr.StartsWith("user.", StringComparison.Ordinal) };
        UnsupportedImageException fault = Assert.Throws<UnsupportedImageException>(() =>
            TestImages.MergeAs(TestImages.Full, options, low, high));
        Assert.Contains($"{high.Path}: /new: {feature}", fault.Message);
        Assert.NotNull(fault.Advice);
    }
}
