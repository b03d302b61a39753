namespace Lamina.Tests.Oracles;

/// <summary>The oracles are believed by all other tests, so they are held against the recorded truth first.</summary>
public class OracleTests
{
    public static TheoryData<string> Images => [.. Corpus.Images.Select(row => row.Name)];

    [Fact]
    public void The_corpus_has_images_truths_and_layers()
    {
        Assert.Equal(55, Corpus.Images.Count);
        Assert.All(Corpus.Images, row => Assert.NotEmpty(Corpus.Truth(row.Name)));
        Assert.All(Corpus.LayerNames, name => Assert.All(Corpus.Layouts, layout => Corpus.Layer(name, layout)));
        Assert.Equal(156, Corpus.MergedTruth().Length);
    }

    [Theory]
    [MemberData(nameof(Images))]
    public void The_kernel_shows_what_was_recorded(string image)
    {
        CorpusRow row = Corpus.Row(image);
        using KernelMount mount = KernelMount.Erofs(row.ImagePath, row.DevicePaths);
        Assert.Equal(Corpus.Truth(image), mount.Manifest());
    }

    [Theory]
    [InlineData("tar-index.erofs")]
    [InlineData("blob.erofs")]
    [InlineData("lz4-512.erofs")]
    public void Loop_devices_show_the_same_as_files(string image)
    {
        CorpusRow row = Corpus.Row(image);
        using KernelMount mount = KernelMount.ErofsByLoop(row.ImagePath, row.DevicePaths);
        Assert.Equal(Corpus.Truth(image), mount.Manifest());
    }

    [Theory]
    [InlineData("inline")]
    [InlineData("zstd-frag")]
    public void Overlayfs_shows_the_recorded_merge(string layout)
    {
        using KernelMount mount = KernelMount.OverlayOfImages([.. Corpus.LayerNames.Select(name => Corpus.Layer(name, layout))]);
        Assert.Equal(Corpus.MergedTruth(), mount.Manifest(noLinkCounts: true));
    }

    [Fact]
    public void An_overlay_of_more_directories_than_a_page_of_options_holds_can_be_mounted()
    {
        KernelMount.SkipUnlessOverlayIsPossible();
        List<string> folders = [];
        for (int i = 0; i < 120; i++)
        {
            folders.Add(Scratch.NewFolder("a-long-name-for-a-layer-of-an-overlay"));
            File.WriteAllText(Path.Combine(folders[i], $"file-{i}"), "");
        }
        using KernelMount mount = KernelMount.Overlay(folders);
        Assert.Equal(folders.Count, Directory.GetFiles(mount.Path).Length);
    }

    [Fact]
    public void A_program_that_fails_says_so()
    {
        ToolResult result = Tools.Run("tar", "--no-such-option");
        Assert.NotEqual(0, result.ExitCode);
        Assert.NotEmpty(result.Error);
    }

    [Fact]
    public void The_version_of_a_tool_is_understood()
    {
        Assert.Equal(Tools.Find("fsck.erofs"), Tools.RequireErofs("fsck.erofs", new Version(1, 0)));
    }
}
