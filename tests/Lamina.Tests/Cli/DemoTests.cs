using Lamina.Cli;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Cli;

public class DemoTests
{
    [Fact]
    public void The_demonstration_succeeds_and_leaves_nothing_behind()
    {
        HashSet<string> before = [.. Directory.GetDirectories(Path.GetTempPath(), "lamina-demo-*")];
        CliRun run = CliRun.Of("demo").MustSucceed();
        Assert.Contains("Bit for bit.", run.Output);
        Assert.Contains(KernelMount.Obstacle is null ? "shows the same, bit for bit" : "Not mounted here:", run.Output);
        Assert.Contains("All is well. Nothing is left behind", run.Output);
        Assert.Empty(Directory.GetDirectories(Path.GetTempPath(), "lamina-demo-*").Except(before));
    }

    [Fact]
    public void Its_files_are_kept_if_asked_for()
    {
        CliRun run = CliRun.Of("demo", "--keep").MustSucceed();
        string folder = run.Output.Trim().Split(' ')[^1];
        Assert.True(File.Exists(Path.Combine(folder, "root.erofs")), folder);
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>The proof must fail where something is wrong: a tree of fewer layers, or of another order.</summary>
    [Theory]
    [InlineData("base.erofs", "app.erofs")]
    [InlineData("app.erofs", "base.erofs", "config.tar")]
    [InlineData("base.erofs", "config.tar", "app.erofs")]
    public void Its_check_finds_a_wrong_merge(params string[] order)
    {
        string folder = CliRun.NewFolderWithLayers(), image = Scratch.NewPath("wrong.erofs");
        MergedImage.Create([.. order.Select(name => Path.Combine(folder, name))], image);
        using Layer merged = LayerOpener.Open(image);
        Layer[] layers = [.. new[] { "base.erofs", "app.erofs", "config.tar" }
            .Select(name => LayerOpener.Open(Path.Combine(folder, name)))];
        Assert.Throws<NoException>(() => new DemoOracle(layers).Compare(merged.Root));
        Array.ForEach(layers, layer => layer.Dispose());
    }
}
