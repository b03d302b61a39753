using Lamina.Mounting;
using Lamina.Platform;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Merging;

/// <summary>Hard links, for files of every type, and how many names each has in the merged tree.</summary>
public class LinkTests
{
    private static readonly (string Name, Func<Node> Make)[] s_types =
    [
        ("file", () => Grow.File("data")), ("large", () => Grow.File(new byte[20000])), ("link", () => Grow.Link("target")),
        ("fifo", () => Grow.Fifo()), ("socket", () => Grow.Socket()),
        ("char", () => Grow.Device(NodeType.CharacterDevice, 4, 64)), ("block", () => Grow.Device(NodeType.BlockDevice, 8, 1)),
        ("marked", () => Grow.File("x", Traits.With(("trusted.overlay.origin", "a"), ("user.note", "b")))),
    ];

    [Fact]
    public void Links_of_every_type_are_kept_and_counted_after_a_whiteout_hides_one_of_the_names()
    {
        KernelMount.SkipUnlessOverlayIsPossible();
        List<(string, Node)> lower = [], upper = [];
        foreach ((string name, Func<Node> make) in s_types)
        {
            Node node = make();
            lower.AddRange([($"{name}-1", node), ($"{name}-2", node), ($"{name}-3", node), ($"{name}-only", make())]);
            upper.Add(($"{name}-2", Grow.Whiteout()));
        }
        // The third name is replaced in a directory that only there is.
        Node[] trees = [Grow.Directory([.. lower, ("sub", Grow.Directory([.. lower]))]), Grow.Directory([.. upper])];
        ImageFile merged = TestImages.AssertMergesAsOverlay(trees);
        using KernelMount mount = merged.Mount();
        foreach ((string name, _) in s_types)
        {
            // Two names in the root and three in the other directory: the layer has them as one file.
            Assert.Equal(5u, Status(mount, $"{name}-1").Links);
            Assert.Equal(Inode(mount, $"{name}-1"), Inode(mount, $"{name}-3"));
            Assert.Equal(Inode(mount, $"{name}-1"), Inode(mount, $"sub/{name}-2"));
            Assert.NotEqual(Inode(mount, $"{name}-1"), Inode(mount, $"{name}-only"));
        }
        Assert.Equal(3u, Status(mount, "").Links);
    }

    [Fact]
    public void A_file_with_one_name_left_counts_one_link_and_joins_no_file_of_another_layer()
    {
        KernelMount.SkipUnlessOverlayIsPossible();
        Node low = Grow.File("a"), high = Grow.File("b");
        ImageFile merged = TestImages.AssertMergesAsOverlay(
            Grow.Directory(("a", low), ("b", low), ("c", low)), Grow.Directory(("b", high), ("c", Grow.Whiteout()), ("d", high)));
        using KernelMount mount = merged.Mount();
        Assert.Equal((1u, 2u, 2u), (Status(mount, "a").Links, Status(mount, "b").Links, Status(mount, "d").Links));
        Assert.Equal(Inode(mount, "b"), Inode(mount, "d"));
    }

    [Fact]
    public void More_links_than_sixteen_bits_hold_are_counted()
    {
        KernelMount.SkipUnlessPossible();
        Node node = Grow.File("x");
        Entry[] names = [.. Enumerable.Range(0, 70_000).Select(i => new Entry(Grow.Bytes($"{i:x}"), node))];
        ImageFile image = TestImages.Merge(TestImages.Full, TestImages.Of(Grow.DirectoryOf(new Traits(), names)),
            TestImages.Of(Grow.Directory(("0", Grow.Whiteout()))));
        using KernelMount mount = image.Mount();
        Assert.Equal(69_999u, Status(mount, "1").Links);
    }

    private static FileStatus Status(KernelMount mount, string path) => RawFiles.Status(Grow.Bytes($"{mount.Path}/{path}"));

    private static ulong Inode(KernelMount mount, string path) => Status(mount, path).Inode;
}
