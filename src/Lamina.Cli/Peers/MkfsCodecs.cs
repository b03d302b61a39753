using System.Globalization;
using Lamina.Compression;

namespace Lamina.Cli.Peers;

/// <summary>What mkfs.erofs's <c>-z</c> names: codecs with their levels, behind one another with colons between.</summary>
internal static class MkfsCodecs
{
    private const int Extreme = 100;

    /// <summary>A codec of mkfs.erofs.</summary>
    /// <param name="Codec">Ours.</param>
    /// <param name="Most">The highest level; 0 for a codec without.</param>
    /// <param name="Usual">The level where none is named, as ours.</param>
    private readonly record struct Kind(Codec Codec, int Most, int Usual);

    private static readonly Dictionary<string, Kind> s_kinds = new()
    {
        ["lz4"] = new(Codec.Lz4, 0, 0),
        ["lz4hc"] = new(Codec.Lz4, 12, 9),
        ["lzma"] = new(Codec.Lzma, 9, 6),
        ["deflate"] = new(Codec.Deflate, 9, 1),
        ["libdeflate"] = new(Codec.Deflate, 12, 1),
        ["zstd"] = new(Codec.Zstd, 22, 3),
    };

    /// <summary>Reads the codecs, the first of which is for all files.</summary>
    public static IReadOnlyList<(Codec? Codec, int? Level)> Parse(string text, Action<string> warn) =>
        [.. text.Split(':').Select(one => ParseOne(one, warn))];

    private static (Codec? Codec, int? Level) ParseOne(string text, Action<string> warn)
    {
        string[] parts = text.Split(',');
        if (!s_kinds.TryGetValue(parts[0], out Kind kind))
            throw new PeerException($"Cannot find a valid compressor {parts[0]}; there are {string.Join(", ", s_kinds.Keys)}");
        int level = kind.Usual;
        foreach (string part in parts[1..])
        {
            string[] sides = part.Split('=', 2);
            if (sides.Length == 1 || sides[0] == "level")
                level = Level(parts[0], kind, sides[^1]);
            else if (sides[0] == "dictsize" && SizeText.Parse(sides[1]) is not null)
                warn($"{part} changes nothing: the window follows from the size of clusters");
            else
                throw new PeerException($"-z{text}: {part} is not supported");
        }
        return (kind.Codec, level);
    }

    private static int Level(string name, Kind kind, string text)
    {
        bool isNumber = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int level);
        if (name == "lzma" && level is >= Extreme and <= Extreme + 9)
            level -= Extreme;
        if (!isNumber || kind.Most == 0 || level > kind.Most)
            throw new PeerException($"compression level {text} is not supported for {name}");
        (int least, int most, _) = ClusterEncoders.LevelsOf(kind.Codec);
        return level == 0 ? Math.Max(kind.Usual, least) : Math.Min(level, most);
    }
}
