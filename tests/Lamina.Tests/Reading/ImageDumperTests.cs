using System.Globalization;
using System.Text.RegularExpressions;
using Lamina.Describing;
using Lamina.Reading;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Writing;

namespace Lamina.Tests.Reading;

/// <summary>A dump explains every byte; those of a few images are kept to be compared.</summary>
public partial class ImageDumperTests
{
    public static TheoryData<string> Images => [.. Corpus.Images.Select(row => row.Name)];

    [Theory]
    [MemberData(nameof(Images))]
    public void Every_byte_of_an_image_is_in_one_region_and_explained(string name)
    {
        using ErofsImage image = ReadingCorpusTests.Open(name);
        string text = Dump(image);
        AssertCovers(text, image.Primary.Length);
        Assert.DoesNotContain("faults:", text, StringComparison.Ordinal);
        // mkfs.erofs leaves what was in its memory behind some inodes, up to the next multiple of 32. Nothing else in an image is
        // unknown; in a device, what stands between the files of a tar is.
        IEnumerable<string> lines = text.Split("\n\ndevice ")[0].Split('\n');
        foreach (string line in lines.Where(line => line.EndsWith(": unreferenced", StringComparison.Ordinal)))
            Assert.InRange(long.Parse(Region().Match(line).Groups[3].ValueSpan, CultureInfo.InvariantCulture), 1, 31);
    }

    [Theory]
    [InlineData(OutputMode.Flat, "6.1", "config-inline", "config-lz4hc")]
    [InlineData(OutputMode.Full, "6.12", "app-lz4hc", "config-zstd-frag")]
    [InlineData(OutputMode.Full, "6.15", "app-zstd-frag", "config-lzma")]
    [InlineData(OutputMode.Index, "6.12", "config-plain", "config-chunk")]
    public void An_image_that_lamina_writes_is_dumped_as_before(OutputMode mode, string kernel, string lower, string upper)
    {
        Assert.True(KernelProfile.TryParse(kernel, out KernelProfile profile));
        string[] layers = [Corpus.PathOf($"layer-{lower}.erofs"), Corpus.PathOf($"layer-{upper}.erofs")];
        WriteResult result = Merge.ToFile(layers, new WriteOptions { Mode = mode, Kernel = profile });
        using ErofsImage image = ErofsImage.Open(result.Path, [.. result.Devices]);
        string text = Dump(image);
        AssertCovers(text, result.Length);
        Golden.AssertEqual($"Reading/Golden/{mode.ToString().ToLowerInvariant()}-{kernel}-{lower}-{upper}.txt", text);
    }

    [Theory]
    [InlineData("layer-config-zstd-frag.erofs")]
    [InlineData("layer-config-chunk.erofs")]
    public void An_image_of_mkfs_is_dumped_as_before(string name)
    {
        using ErofsImage image = ReadingCorpusTests.Open(name);
        Golden.AssertEqual($"Reading/Golden/{Path.ChangeExtension(name, "txt")}", Dump(image));
    }

    private static string Dump(ErofsImage image)
    {
        StringWriter writer = new();
        ImageDumper.Dump(image, writer);
        return writer.ToString();
    }

    /// <summary>Regions follow one another from the first byte to the last, in each file that is described.</summary>
    private static void AssertCovers(string text, long length)
    {
        long end = -1, expected = -1;
        List<long> lengths = [];
        foreach (string line in text.Split('\n'))
        {
            if (Title().Match(line) is { Success: true } title)
            {
                Assert.Equal(expected, end);
                (end, expected) = (0, long.Parse(title.Groups[1].ValueSpan, CultureInfo.InvariantCulture));
                lengths.Add(expected);
            }
            else if (Region().Match(line) is { Success: true } region)
            {
                Assert.Equal(end, long.Parse(region.Groups[1].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                long next = long.Parse(region.Groups[2].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                Assert.Equal(next - end, long.Parse(region.Groups[3].ValueSpan, CultureInfo.InvariantCulture));
                end = next;
            }
        }
        Assert.Equal(expected, end);
        Assert.Equal(length, lengths[0]);
    }

    [GeneratedRegex(@"^(?:image|metabox, decoded|packed file, decoded|device \d+): (\d+) bytes$")]
    private static partial Regex Title();

    [GeneratedRegex(@"^\[([0-9a-f]+), ([0-9a-f]+)\) (\d+) bytes: ")]
    private static partial Regex Region();
}
