using Lamina.Checking;
using Lamina.Exporting;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Reading;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Reading;

/// <summary>
/// A medium fails at its n-th read, for every n: whoever reads says so, blames no image, and leaves nothing. One that is slow at
/// its n-th read changes nothing.
/// </summary>
public class FailingMediumTests
{
    public static TheoryData<string> Files => ["layer-config-zstd-frag.erofs", "layer-config-inline.erofs", "config.tar"];

    [Theory]
    [MemberData(nameof(Files))]
    public void A_merge_fails_with_the_medium_and_leaves_no_file(string file)
    {
        byte[] upper = File.ReadAllBytes(Corpus.Layer("app", "lz4hc"));
        foreach (OutputMode mode in (OutputMode[])[OutputMode.Flat, OutputMode.Full])
        {
            byte[]? whole = null;
            AtEachRead(file, source =>
            {
                string path = Scratch.NewPath("merged.erofs");
                using Layer low = LayerOpener.Open(source, []);
                using Layer high = LayerOpener.Open(ByteSource.FromMemory("upper", upper), []);
                try
                {
                    ImageWriter.Write(Merger.Merge([low, high]), [low, high], path, new WriteOptions { Mode = mode });
                }
                catch
                {
                    Assert.Empty(Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(path)!));
                    throw;
                }
                byte[] written = File.ReadAllBytes(path);
                Assert.Equal(whole ??= written, written);
            });
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void An_extraction_fails_with_the_medium_and_leaves_nothing(string file) => AtEachRead(file, source =>
    {
        string folder = Path.Combine(Scratch.NewFolder("extract"), "tree");
        using Layer layer = LayerOpener.Open(source, []);
        try
        {
            ExtractOptions options = new() { SetsOwners = false, MakesDevices = false, Threads = 2 };
            Extractor.Extract("tree", layer.Root, folder, options);
        }
        catch
        {
            Assert.False(Directory.Exists(folder));
            throw;
        }
    });

    [Theory]
    [MemberData(nameof(Files))]
    public void Manifests_and_archives_fail_with_the_medium(string file)
    {
        byte[]? whole = null;
        AtEachRead(file, source =>
        {
            using Layer layer = LayerOpener.Open(source, []);
            using MemoryStream rows = new(), tar = new();
            Manifest.Write("tree", layer.Root, rows, new ManifestOptions { Threads = 2 });
            TarExport.Write("tree", layer.Root, tar);
            byte[] written = [.. rows.ToArray(), .. tar.ToArray()];
            Assert.Equal(whole ??= written, written);
        });
    }

    [Theory]
    [InlineData("layer-config-zstd-frag.erofs")]
    [InlineData("layer-config-inline.erofs")]
    public void A_check_fails_with_the_medium_and_finds_no_fault_in_the_image(string file) => AtEachRead(file, source =>
    {
        using ErofsImage image = ErofsImage.Open(source);
        Assert.True(ImageChecker.Check(image, new CheckOptions { Threads = 2 }).IsSound);
    });

    /// <summary>Does something with a sound medium, with one slow at some reads, and with one that fails at each.</summary>
    private static void AtEachRead(string file, Action<ByteSource> action)
    {
        byte[] bytes = File.ReadAllBytes(Corpus.PathOf(file));
        UnsureSource sound = new(bytes);
        action(sound);
        Assert.InRange(sound.Reads, 2, 5000);
        for (int read = 0; read < sound.Reads; read += Math.Max(1, sound.Reads / 5))
            action(new UnsureSource(bytes) { IsSlowAt = read });
        // Threads share reads in another way each time, so the last few need not be reached.
        for (int read = 0; read < sound.Reads * 9 / 10; read += read < 200 ? 1 : 7)
        {
            IOException failure = Assert.Throws<IOException>(() => action(new UnsureSource(bytes) { FailsAt = read }));
            Assert.Equal(UnsureSource.Complaint, failure.Message);
        }
    }
}
