using Lamina.Images;
using Lamina.Tests.Oracles;
using Lamina.Trust;
using Lamina.Writing;

namespace Lamina.Tests.Images;

/// <summary>What everything that takes its time can be told.</summary>
public class WorkOptionsTests
{
    private sealed class Last : IProgress<Progress>
    {
        public Progress Value { get; private set; }

        public void Report(Progress value) => Value = value;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_merge_says_how_far_it_is_and_gives_the_same_bytes_with_any_number_of_threads(int threads)
    {
        string[] layers = [Corpus.Layer("base", "zstd-frag"), Corpus.PathOf("app.tar")];
        string image = Scratch.NewPath("image"), usual = Scratch.NewPath("usual");
        Last progress = new();
        MergedImage.Create(layers, image,
            new WriteOptions { Progress = progress, Threads = threads, Verity = new VerityOptions() });
        MergedImage.Create(layers, usual, new WriteOptions { Verity = new VerityOptions() });
        Assert.Equal(File.ReadAllBytes(usual), File.ReadAllBytes(image));
        Assert.Equal(progress.Value.Total, progress.Value.Done);
        Assert.InRange(progress.Value.Done, 1, new FileInfo(image).Length);
    }

    [Fact]
    public void What_was_cancelled_leaves_nothing()
    {
        string[] layers = [Corpus.Layer("base", "plain")];
        CancellationToken cancelled = new(canceled: true);
        string image = Scratch.NewPath("image");
        Assert.Throws<OperationCanceledException>(() =>
            MergedImage.Create(layers, image, new WriteOptions { Cancellation = cancelled }));
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(image)!));
        MergedImage.Create(layers, image);
        Assert.Throws<OperationCanceledException>(() =>
            VerityImage.Format(image, new VerityFormatOptions { Cancellation = cancelled }));
        Assert.Null(VerityImage.Find(image));
    }
}
