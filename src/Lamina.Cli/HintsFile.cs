using System.Globalization;
using Lamina.Building;
using Lamina.Compression;

namespace Lamina.Cli;

/// <summary>
/// A file that says how files of some paths are encoded, as mkfs.erofs takes it. A line is <c>BYTES [CODEC] PATTERN</c>: the
/// largest cluster, 0 for none; the number of a codec of <c>-z</c>, or its name; a regular expression for the path.
/// </summary>
internal static class HintsFile
{
    /// <summary>Reads one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="codecs">The codecs that were named, by number.</param>
    /// <param name="usual">The size that counts where a size is none that clusters can have; null to refuse such a line.</param>
    public static IReadOnlyList<EncodeHint> Read(
        string path, IReadOnlyList<(Codec? Codec, int? Level)> codecs, int? usual = null)
    {
        List<EncodeHint> hints = [];
        string[] lines = TextLines.Read(path);
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            if (line.Length > 0 && line[0] != '#')
                hints.Add(Parse(line, codecs, usual) ?? throw new UsageException($"{path}, line {i + 1}: \"{line}\" is no hint",
                    "A hint is BYTES [CODEC] PATTERN, such as: 65536 lz4hc \\.so$"));
        }
        return hints;
    }

    private static EncodeHint? Parse(string line, IReadOnlyList<(Codec? Codec, int? Level)> codecs, int? usual)
    {
        string[] words = line.Split((char[])[' ', '\t'], 3, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 2 || SizeText.Parse(words[0]) is not { } size)
            return null;
        if (size != 0 && !EncodeArguments.IsClusterSize(size))
        {
            if (usual is null)
                return null;
            size = usual.Value;
        }
        (Codec? Codec, int? Level) codec = default;
        bool hasCodec = words.Length == 3;
        if (hasCodec && int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out int number))
        {
            if (number >= codecs.Count)
                return null;
            codec = codecs[number];
        }
        else if (hasCodec)
        {
            if (EncodeArguments.ParseCodec(words[1], out _) is { } named)
                codec = named;
            else
                hasCodec = false;
        }
        string pattern = hasCodec ? words[2] : line[line.IndexOf(words[1], words[0].Length, StringComparison.Ordinal)..];
        return PathRegex.Parse(pattern) is { } regex
            ? new EncodeHint(regex.IsMatch, (int)size, codec.Codec, codec.Level) : null;
    }
}
