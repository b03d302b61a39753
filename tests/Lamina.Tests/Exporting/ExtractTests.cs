using Lamina.Compression;
using Lamina.Exporting;
using Lamina.Platform;
using Lamina.Reading;
using Lamina.Tests.Compression;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Exporting;

/// <summary>What extraction makes of trees, and what it does when it cannot.</summary>
public class ExtractTests
{
    [Fact]
    public void Files_links_and_names_come_out_with_their_times_and_permissions()
    {
        Node shared = Trees.Shared("shared");
        Node root = Trees.Root(
            Trees.File("file", "hello", 0x124), Trees.Link("link", "file"), new Entry(Trees.Bytes("one"), shared),
            Trees.Directory("sub", new Entry(Trees.Bytes("two"), shared), Trees.Special("pipe", NodeType.Fifo)));
        string folder = Scratch.NewPath("new");
        ExtractResult result = Trees.Extract(root, folder);
        Assert.Equal((2, 2, 2, 1, 11), (result.Files, result.Directories, result.Others, result.Links, result.Bytes));
        Assert.Equal("hello", File.ReadAllText(Path.Combine(folder, "link")));
        Assert.Equal((UnixFileMode)0x124, File.GetUnixFileMode(Path.Combine(folder, "file")));
        Assert.Equal(
            RawFiles.Status(Trees.Bytes(Path.Combine(folder, "one"))).Inode,
            RawFiles.Status(Trees.Bytes(Path.Combine(folder, "sub/two"))).Inode);
        Assert.All(Directory.GetFileSystemEntries(folder, "*", SearchOption.AllDirectories).Append(folder), path =>
        {
            Lamina.Platform.FileStatus status = RawFiles.Status(Trees.Bytes(path));
            Assert.Equal(Trees.Time, new Timestamp(status.ModifiedSeconds, status.ModifiedNanoseconds));
        });
    }

    [Fact]
    public void Only_the_paths_asked_for_come_out_with_what_leads_to_them()
    {
        Node root = Trees.Root(
            Trees.Directory("a", Trees.Directory("b", Trees.File("c"), Trees.File("d")), Trees.File("e")), Trees.File("f"),
                Trees.File("g"));
        string folder = Scratch.NewPath("new");
        Trees.Extract(root, folder, new ExtractOptions { Paths = [Trees.Bytes("/a/b"), Trees.Bytes("f")] });
        string[] found = Directory.GetFileSystemEntries(folder, "*", SearchOption.AllDirectories);
        Assert.Equal(["a", "a/b", "a/b/c", "a/b/d", "f"],
            found.Select(path => Path.GetRelativePath(folder, path)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_path_that_is_not_there_is_told_before_anything_is_made()
    {
        string folder = Scratch.NewPath("new");
        Assert.Throws<FileNotFoundException>(() =>
            Trees.Extract(Trees.Root(Trees.File("a")), folder, new ExtractOptions { Paths = [Trees.Bytes("b")] }));
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public void A_file_that_the_tree_is_read_from_is_not_replaced_by_what_is_in_it()
    {
        string folder = Scratch.NewFolder("inputs"), image = Path.Combine(folder, "image"), link = Path.Combine(folder, "link");
        File.WriteAllText(image, "precious");
        File.CreateSymbolicLink(link, "image");
        using ByteSource input = ByteSource.OpenFile(image);
        ExtractOptions options = new() { Overwrite = true, Inputs = [input] };
        foreach (Entry entry in (Entry[])[Trees.File("image", "new"), Trees.Link("image", "elsewhere"), Trees.Directory("image")])
        {
            string message = Assert.Throws<ArgumentException>(() => Trees.Extract(Trees.Root(entry), folder, options)).Message;
            Assert.Contains("is an input", message);
            Assert.Equal("precious", File.ReadAllText(image));
        }
        Trees.Extract(Trees.Root(Trees.File("link", "new")), folder, options);      // a link to it is only a link
        Assert.Equal(("new", "precious"), (File.ReadAllText(link), File.ReadAllText(image)));
    }

    [Fact]
    public void Zeros_are_not_written_and_large_files_come_out_whole()
    {
        byte[] data = new byte[(40 << 20) + 123];
        new Random(5).NextBytes(data.AsSpan(3 << 20, 20 << 20));
        data[^1] = 1;
        Original original = new(ByteSource.FromMemory("data", data), OriginalKind.Device);
        Node placed = Trees.FileNode(new PlacedContent(data.Length, new PlacedExtent(0, original, 0, data.Length), 4096));
        Node small = Trees.FileNode(new BytesContent(new byte[300_000]));
        string folder = Scratch.NewPath("new");
        Trees.Extract(Trees.Root(new Entry(Trees.Bytes("large"), placed), new Entry(Trees.Bytes("zeros"), small)), folder);
        Assert.True(data.AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(folder, "large"))));
        Assert.Equal(new byte[300_000], File.ReadAllBytes(Path.Combine(folder, "zeros")));
        Assert.InRange(Blocks(Path.Combine(folder, "large")), 1, (21 << 20) / 512);
        Assert.Equal(0, Blocks(Path.Combine(folder, "zeros")));
    }

    [Fact]
    public void A_failure_in_the_middle_leaves_nothing_behind()
    {
        byte[] noise = new byte[1000];
        new Random(1).NextBytes(noise);
        Node broken = Trees.FileNode(new FakeEncoded(1 << 16, 1, Codec.Lz4, noise));
        Entry[] many = [.. Enumerable.Range(0, 500).Select(i => Trees.File($"f{i:d3}"))];
        Node root = Trees.Root(
            Trees.Directory("many", many), Trees.Link("link", "many"),
                Trees.Directory("z", new Entry(Trees.Bytes("broken"), broken)));
        string made = Scratch.NewPath("new"), empty = Scratch.NewFolder("empty");
        Assert.Throws<CorruptImageException>(() => Trees.Extract(root, made));
        Assert.False(Directory.Exists(made));
        Assert.Throws<CorruptImageException>(() => Trees.Extract(root, empty));
        Assert.Empty(Directory.GetFileSystemEntries(empty));
    }

    [Fact]
    public void An_interruption_leaves_nothing_behind()
    {
        string folder = Scratch.NewPath("new");
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() =>
            Trees.Extract(Trees.Root(Trees.File("a")), folder, new ExtractOptions { Cancellation = cancelled.Token }));
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public void A_directory_that_holds_files_is_refused_and_stays_as_it_is()
    {
        string folder = Scratch.NewFolder("full");
        File.WriteAllText(Path.Combine(folder, "mine"), "mine");
        string[] before = Trees.Snapshot(folder);
        Assert.Throws<IOException>(() => Trees.Extract(Trees.Root(Trees.File("a")), folder));
        Assert.Equal(before, Trees.Snapshot(folder));
    }

    [Fact]
    public void With_force_files_in_the_way_are_replaced_and_others_stay()
    {
        string folder = Scratch.NewFolder("full");
        File.WriteAllText(Path.Combine(folder, "mine"), "mine");
        File.WriteAllText(Path.Combine(folder, "a"), "old");
        Directory.CreateDirectory(Path.Combine(folder, "d"));
        Trees.Extract(Trees.Root(Trees.File("a", "new"), Trees.Directory("d", Trees.File("x")), Trees.Link("l", "a")), folder,
            new ExtractOptions { Overwrite = true, SetsOwners = false });
        Trees.Extract(Trees.Root(Trees.File("d2"), Trees.Link("l", "mine")), folder,
            new ExtractOptions { Overwrite = true, SetsOwners = false });
        Assert.Equal("new", File.ReadAllText(Path.Combine(folder, "a")));
        Assert.Equal("mine", File.ReadAllText(Path.Combine(folder, "l")));
        Assert.True(File.Exists(Path.Combine(folder, "d/x")));
    }

    [Fact]
    public void Paths_as_deep_as_can_be_come_out_with_few_descriptors()
    {
        Node root = Trees.Root(Trees.File("end"));
        for (int i = 0; i < TreeWalk.MaxDepth - 1; i++)
            root = Trees.Root(new Entry(Trees.Bytes("d"), root), Trees.File("f"));
        string folder = Scratch.NewPath("deep");
        ExtractResult result = Trees.Extract(root, folder);
        Assert.Equal(TreeWalk.MaxDepth, result.Directories);
        Tools.Run("rm", "-rf", folder).MustSucceed();
    }

    internal static long Blocks(string path) => long.Parse(Tools.Run("stat", "-c", "%b", path).MustSucceed().Output);
}

/// <summary>An encoded file of clusters that all decode the same bytes.</summary>
internal sealed class FakeEncoded(int clusterLength, int count, Codec codec, byte[] cluster) : EncodedContent
{
    public override long Size => (long)clusterLength * count;

    public override int BlockSize => 4096;

    public override ContentSource Open(string name = "file") => new EncodedSource(name, ReadMap());

    public override ClusterMap ReadMap()
    {
        Original original = new(ByteSource.FromMemory("fake", cluster), OriginalKind.Erofs);
        return new ClusterMap
        {
            Size = Size,
            BlockSize = 4096,
            Blocks = 1,
            FragmentStart = Size,
            Extents = [.. Enumerable.Range(0, count).Select(i => new ClusterExtent(
                (long)i * clusterLength, clusterLength, original, 0, cluster.Length, (ClusterEncoding)codec, false))],
        };
    }
}
