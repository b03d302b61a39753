using System.Formats.Tar;
using System.IO.Compression;
using ZstdSharp;

namespace Lamina.Tests.Oracles;

/// <summary>
/// The golden corpus: images made by mkfs.erofs and what a kernel showed of each. Fixtures/README.md describes it. It is unpacked
/// once in a test run, on first use.
/// </summary>
internal static class Corpus
{
    private static readonly Lazy<string> s_folder = new(Unpack);
    private static readonly Lazy<IReadOnlyList<CorpusRow>> s_rows = new(ReadRows);

    /// <summary>Layouts in which each of the three layers to merge is there: layer-LAYER-LAYOUT.erofs.</summary>
    internal static readonly string[] Layouts = ["plain", "inline", "lz4hc", "zstd-frag", "lzma", "chunk"];

    /// <summary>The layers to merge, lowest first.</summary>
    internal static readonly string[] LayerNames = ["base", "app", "config"];

    /// <summary>The rows of corpus.tsv without MERGED, which is no image.</summary>
    internal static IReadOnlyList<CorpusRow> Images => [.. s_rows.Value.Where(row => row.Name != "MERGED")];

    /// <summary>The path of a file of the corpus.</summary>
    internal static string PathOf(string name)
    {
        string path = Path.Combine(s_folder.Value, name);
        Assert.True(File.Exists(path), $"the corpus has no {name}");
        return path;
    }

    /// <summary>The path of one of the layers to merge.</summary>
    internal static string Layer(string name, string layout) => PathOf($"layer-{name}-{layout}.erofs");

    /// <summary>The row of an image.</summary>
    internal static CorpusRow Row(string image) => s_rows.Value.Single(row => row.Name == image);

    /// <summary>What the kernel shows of an image: manifest rows, sorted by path.</summary>
    internal static string[] Truth(string image) => ReadTruth(Row(image).TruthFile);

    /// <summary>What overlayfs shows of the three layers, whatever their layouts. Link counts are not recorded.</summary>
    internal static string[] MergedTruth() => Truth("MERGED");

    private static string[] ReadTruth(string file)
    {
        using GZipStream stream = new(File.OpenRead(PathOf(file)), CompressionMode.Decompress);
        using StreamReader reader = new(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static string Unpack()
    {
        string folder = Scratch.NewFolder("corpus");
        using FileStream file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Fixtures", "corpus.tar.zst"));
        using DecompressionStream stream = new(file);
        TarFile.ExtractToDirectory(stream, folder, overwriteFiles: false);
        return folder;
    }

    private static IReadOnlyList<CorpusRow> ReadRows() =>
        [.. File.ReadAllLines(PathOf("corpus.tsv"))
            .Select(line => line.Split('\t'))
            .Select(cells => new CorpusRow(cells[0], cells[1], cells[2]))];
}

/// <summary>A line of corpus.tsv.</summary>
/// <param name="Name">The image's file name.</param>
/// <param name="TruthFile">The file with what the kernel shows of it.</param>
/// <param name="Command">The command that made it.</param>
internal sealed record CorpusRow(string Name, string TruthFile, string Command)
{
    /// <summary>The file name of the one further device that the image needs, if it needs one.</summary>
    internal string? DeviceName =>
        Command.Contains("device=", StringComparison.Ordinal) ? Command[(Command.LastIndexOf('=') + 1)..] : null;

    /// <summary>The image's path.</summary>
    internal string ImagePath => Corpus.PathOf(Name);

    /// <summary>The paths of its further devices.</summary>
    internal string[] DevicePaths => DeviceName is null ? [] : [Corpus.PathOf(DeviceName)];

    public override string ToString() => Name;
}
