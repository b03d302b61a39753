using Lamina.Checking;
using Lamina.Reading;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Writing;

namespace Lamina.Tests.Reading;

/// <summary>The check passes on sound images, whoever made them.</summary>
public class ImageCheckerTests
{
    public static TheoryData<string> Images => [.. Corpus.Images.Select(row => row.Name)];

    [Theory]
    [MemberData(nameof(Images))]
    public void An_image_of_the_corpus_has_no_fault(string name)
    {
        CorpusRow row = Corpus.Row(name);
        CheckReport report = ImageChecker.Check(row.ImagePath, row.DevicePaths);
        Assert.Empty(report.Faults);
        Assert.True(report.IsComplete && report.IsSound);
        string[] truth = Corpus.Truth(name);
        Assert.Equal(truth.Count(line => line.Contains("\"type\": \"d\"")), report.DirectoryCount);
        Assert.InRange(report.FileCount, report.DirectoryCount, truth.Length);
    }

    [Theory]
    [InlineData(OutputMode.Flat, "6.1")]
    [InlineData(OutputMode.Index, "6.12")]
    [InlineData(OutputMode.Full, "6.12")]
    [InlineData(OutputMode.Flat, "6.15")]
    [InlineData(OutputMode.Full, "6.15")]
    public void An_image_that_lamina_writes_has_no_fault(OutputMode mode, string kernel)
    {
        Assert.True(KernelProfile.TryParse(kernel, out KernelProfile profile));
        string[] layers = [Corpus.Layer("base", "zstd-frag"), Corpus.Layer("app", "lz4hc"), Corpus.Layer("config", "chunk")];
        WriteResult result = Merge.ToFile(layers, new WriteOptions { Mode = mode, Kernel = profile });
        Assert.Empty(ImageChecker.Check(result.Path, result.Devices).Faults);
    }

    [Fact]
    public void A_medium_that_fails_is_no_fault_of_the_image()
    {
        byte[] bytes = File.ReadAllBytes(Corpus.PathOf("plain.erofs"));
        using ErofsImage image = ErofsImage.Open(new FailingSource(bytes, bytes.Length / 2));
        IOException failure = Assert.Throws<IOException>(() => ImageChecker.Check(image, new CheckOptions { Threads = 2 }));
        Assert.Equal("the medium fails", failure.Message);
    }

    /// <summary>A loop device has whole sectors only: the inode in the rest of the file would be read as zeros.</summary>
    [Fact]
    public void What_lies_behind_the_last_whole_sector_is_a_fault()
    {
        const int length = 353_927, compat = 1024 + 8, blocks = 1024 + 36;
        byte[] bytes = File.ReadAllBytes(Corpus.PathOf("two-algs.erofs"))[..length];
        bytes[compat] &= 0xFE;                                          // no checksum
        BitConverter.GetBytes(length / 4096).CopyTo(bytes, blocks);
        string image = Scratch.NewPath("cut.erofs");
        File.WriteAllBytes(image, bytes);
        const string what = "lies past the end of the image (353792 bytes)";
        Assert.Contains(ImageChecker.Check(image).Faults, fault => fault.Message == what);
        File.WriteAllBytes(image, [.. bytes, .. new byte[-length & 511]]);
        Assert.DoesNotContain(ImageChecker.Check(image).Faults, fault => fault.Message == what);
    }

    [Fact]
    public void A_check_can_be_stopped()
    {
        using CancellationTokenSource stop = new();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() =>
            ImageChecker.Check(Corpus.PathOf("plain.erofs"), null, new CheckOptions { Cancellation = stop.Token }));
    }

    private sealed class FailingSource(byte[] bytes, int limit) : ByteSource
    {
        public override string Name => "failing";

        public override long Length => bytes.Length;

        public override int Read(long offset, Span<byte> destination)
        {
            int count = (int)Math.Min(destination.Length, bytes.Length - offset);
            if (offset + count > limit && count > 4096)
                throw new IOException("the medium fails");
            bytes.AsSpan((int)offset, count).CopyTo(destination);
            return count;
        }
    }
}
