using System.Text;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Layers;

public sealed class DirectoryLayerTests
{
    [Fact]
    public void A_merged_directory_is_the_directory_with_links_holes_and_nanoseconds()
    {
        string folder = NewTree();
        string image = Scratch.NewPath("directory.erofs");
        MergedImage.Create([folder], image);
        Assert.True(MergedImage.Compare(image, [folder]).AreSame);
        using Layer layer = LayerOpener.Open(image);
        Assert.Equal("one", Read(layer, "a/file"));
        Assert.Equal("../file"u8.ToArray(), layer.Root.Get("a/b/link").Target);
        Assert.Equal(123456700u, layer.Root.Get("a/file").Modified.Nanoseconds);
        Assert.True(new FileInfo(image).Length < 4 << 20);              // 16 MiB of hole are not in it
    }

    [Fact]
    public void Names_of_one_file_stay_names_of_one_file()
    {
        string folder = NewTree();
        Assert.Equal(0, Tools.Run("ln", $"{folder}/a/file", $"{folder}/a/b/twin").ExitCode);
        using Layer layer = LayerOpener.Open(folder);
        Assert.Same(layer.Root.Get("a/file"), layer.Root.Get("a/b/twin"));
    }

    [Theory]
    [InlineData("file", "a/b a/b/link sparse")]                          // a name at any depth
    [InlineData("/a/file", "a/b a/b/link sparse")]
    [InlineData("a/*", "sparse")]
    [InlineData("*/", "sparse")]
    [InlineData("**/link", "a/b a/file sparse")]
    [InlineData("spars[!a-d]", "a/b a/b/link a/file")]
    [InlineData("b/link", "a/b a/b/link a/file sparse")]                 // with a slash: from the directory on
    [InlineData("li?k", "a/b a/file sparse")]
    public void Patterns_leave_out_what_they_say(string pattern, string kept)
    {
        using Layer layer = LayerOpener.Open(NewTree(), new LayerOptions { Excludes = [pattern] });
        string[] all = ["a/b", "a/b/link", "a/file", "sparse"];
        Assert.Equal(kept, string.Join(' ', all.Where(path => layer.Root.Find(path) is not null)));
    }

    [Theory]
    [InlineData("!a")]
    [InlineData("[a")]
    [InlineData("/")]
    public void What_is_no_pattern_is_refused(string pattern) => Assert.Throws<ArgumentException>(
        () => LayerOpener.Open(NewTree(), new LayerOptions { Excludes = [pattern] }));

    [Fact]
    public void A_file_that_changes_before_it_is_read_is_an_error_with_its_path()
    {
        string folder = NewTree();
        using Layer layer = LayerOpener.Open(folder);
        File.WriteAllText($"{folder}/a/file", "two");                    // as long as before
        IOException failure = Assert.Throws<IOException>(() => Read(layer, "a/file"));
        Assert.Contains($"{folder}/a/file: changed while it was read", failure.Message, StringComparison.Ordinal);
        File.Delete($"{folder}/sparse");
        failure = Assert.Throws<IOException>(() => Read(layer, "sparse"));
        Assert.Contains($"{folder}/sparse: vanished", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_exchanged_for_a_link_is_not_followed()
    {
        string folder = NewTree(), other = NewTree();
        for (int i = 0; i < 200; i++)
            File.WriteAllText($"{folder}/f{i}", "x");
        using Layer layer = LayerOpener.Open(folder);
        for (int i = 0; i < 200; i++)                                   // so that the descriptor of a is closed
            Assert.Equal("x", Read(layer, $"f{i}"));
        Directory.Move($"{folder}/a", $"{folder}/was");
        File.CreateSymbolicLink($"{folder}/a", $"{other}/a");
        Assert.Throws<IOException>(() => Read(layer, "a/file"));
    }

    [Fact]
    public void Of_more_files_than_descriptors_all_are_read()
    {
        string folder = Scratch.NewFolder("many");
        for (int i = 0; i < 3000; i++)
            File.WriteAllText($"{folder}/{i:d4}", $"{i}");
        int before = Directory.GetFiles("/proc/self/fd").Length;
        using Layer layer = LayerOpener.Open(folder);
        for (int i = 0; i < 3000; i++)
            Assert.Equal($"{i}", Read(layer, $"{i:d4}"));
        Assert.InRange(Directory.GetFiles("/proc/self/fd").Length - before, 0, 500);
    }

    [Fact]
    public void The_image_in_the_directory_is_not_taken_into_itself()
    {
        string folder = NewTree(), image = $"{folder}/out.erofs";
        MergedImage.Create([folder], image);
        MergedImage.Create([folder], image, new Lamina.Writing.WriteOptions { Overwrite = true });
        using Layer layer = LayerOpener.Open(image);
        Assert.Null(layer.Root.Find("out.erofs"));
        Assert.NotNull(layer.Root.Find("sparse"));
    }

    [Fact]
    public void Owners_are_mapped_and_marks_of_oci_are_translated()
    {
        string folder = NewTree();
        File.WriteAllText($"{folder}/a/.wh.gone", "");
        using Layer layer = LayerOpener.Open(folder,
            new LayerOptions { Rules = WhiteoutRules.Oci, MapUser = _ => 7, MapGroup = group => group + 9 });
        Assert.True(layer.Root.Get("a/gone").IsWhiteout);
        Assert.Null(layer.Root.Find("a/.wh.gone"));
        Assert.Equal(7u, layer.Root.Get("a/file").UserId);
        using Layer plain = LayerOpener.Open(folder);
        Assert.Equal(plain.Root.Get("a/file").GroupId + 9, layer.Root.Get("a/file").GroupId);
        Assert.NotNull(plain.Root.Find("a/.wh.gone"));
    }

    private static string NewTree()
    {
        string folder = Scratch.NewFolder("source");
        Directory.CreateDirectory($"{folder}/a/b");
        File.WriteAllText($"{folder}/a/file", "one");
        File.SetLastWriteTimeUtc($"{folder}/a/file", DateTime.UnixEpoch.AddTicks(10_001_234_567));
        File.CreateSymbolicLink($"{folder}/a/b/link", "../file");
        using FileStream sparse = File.Create($"{folder}/sparse");
        sparse.Position = 16 << 20;
        sparse.Write("end"u8);
        return folder;
    }

    private static string Read(Layer layer, string path)
    {
        using StreamReader reader = new(layer.Root.Get(path).OpenRead(), Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
