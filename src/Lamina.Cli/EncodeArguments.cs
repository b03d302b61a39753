using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Lamina.Building;
using Lamina.Compression;

namespace Lamina.Cli;

/// <summary>The options that say how data is encoded.</summary>
internal sealed class EncodeArguments
{
    private const string None = "none";

    private static readonly Dictionary<string, (Codec? Codec, int? Level)> s_codecs = new()
    {
        [None] = (null, null),
        ["lz4"] = (Codec.Lz4, 0),
        ["lz4hc"] = (Codec.Lz4, 9),
        ["deflate"] = (Codec.Deflate, null),
        ["lzma"] = (Codec.Lzma, null),
        ["zstd"] = (Codec.Zstd, null),
    };

    /// <summary>What data can be encoded with, as the option has it.</summary>
    public static IEnumerable<string> CodecNames => s_codecs.Keys.Where(name => name != None);

    private readonly Option<string> _codec;
    private readonly Option<string> _cluster = new("--cluster-size", "-C")
    {
        Description = "The largest compressed cluster: 4096 to 1048576 bytes, a power of two (64K)",
        HelpName = "BYTES",
    };

    private readonly Option<string> _fragments = new Option<string>("--fragments")
    {
        Description = "What shares clusters with other files, in the packed file: all (small files and ends of large ones), " +
            "tails (what fills no cluster), none",
        HelpName = "WHAT",
    }.AcceptOnlyFromAmong("all", "tails", None);

    private readonly Option<bool> _noInline = new("--no-inline") { Description = "Keep no ends of files beside inodes" };

    private readonly Option<bool> _packed = new("--packed")
    {
        Description = "Let clusters begin at any byte, as --kernel 7.2 does. From Linux 6.15 on, where the kernel has the fix " +
            "of 2026 for such clusters",
    };

    private readonly Option<bool> _dedupe = new("--dedupe")
    {
        Description = "Store equal runs of large files once, wherever they are; equal files are in any case",
    };

    private readonly Option<string> _hints = new("--compress-hints")
    {
        Description = "How files of some paths are encoded, a line each: BYTES [CODEC] PATTERN; " +
            "0 bytes to leave them as they are",
        HelpName = "FILE",
    };

    private readonly Option<string> _sort = new("--sort")
    {
        Description = "Paths whose data comes first, a line each: what is read first lies together then",
        HelpName = "FILE",
    };

    private readonly Option<bool> _all = new("--recompress-all")
    {
        Description = "Encode anew what a layer has compressed already; without, that stays as it is",
    };

    /// <summary>Adds the options to a verb.</summary>
    /// <param name="verb">The verb.</param>
    /// <param name="name">What the option for the codec is called.</param>
    /// <param name="isRequired">Whether the other options need it.</param>
    public EncodeArguments(Verb verb, string name, bool isRequired)
    {
        _codec = new Option<string>(name, "-z")
        {
            Description = "zstd, lz4, lz4hc, deflate, lzma or none; a level behind a comma: zstd,9. " +
                "Further ones behind colons are for --compress-hints",
            HelpName = "CODEC[,LEVEL]",
        };
        _codec.CompletionSources.Add([.. s_codecs.Keys]);
        _codec.Validators.Add(CheckCodec);
        _cluster.CompletionSources.Add("4K", "16K", "64K", "256K", "1M");
        _cluster.Validators.Add(CheckCluster);
        verb.Add(_codec);
        foreach (Option option in Details)
            verb.Add(option);
        if (isRequired)
            verb.OnlyWith(_codec, Details);
    }

    private Option[] Details => [_cluster, _fragments, _noInline, _packed, _dedupe, _hints, _sort, _all];

    /// <summary>The first of the options that is on the command line; null if there is none.</summary>
    public string? FirstGiven(ParseResult arguments) =>
        Details.Prepend(_codec).FirstOrDefault(option => arguments.GetResult(option) is { Implicit: false })?.Name;

    /// <summary>Whether a codec was named.</summary>
    public bool IsAsked(ParseResult arguments) => arguments.GetValue(_codec) is not null;

    /// <summary>How to encode.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="usual">The codec where none is named.</param>
    public EncodeOptions Encoding(ParseResult arguments, string usual = "zstd")
    {
        (Codec? Codec, int? Level)[] codecs = [.. (arguments.GetValue(_codec) ?? usual).Split(':')
            .Select(text => ParseCodec(text, out _)!.Value)];
        (Codec? codec, int? level) = codecs[0];
        return new EncodeOptions
        {
            Codec = codec,
            Level = level,
            ClusterSize = (int)(SizeText.Parse(arguments.GetValue(_cluster) ?? "64K") ?? 0),
            Fragments = arguments.GetValue(_fragments) switch
            {
                "tails" => FragmentUse.Tails,
                None => FragmentUse.None,
                _ => FragmentUse.All,
            },
            HasInlineTails = !arguments.GetValue(_noInline),
            IsPacked = arguments.GetValue(_packed) ? true : null,
            Dedupes = arguments.GetValue(_dedupe),
            Hints = arguments.GetValue(_hints) is { } hints ? HintsFile.Read(hints, codecs) : [],
            First = arguments.GetValue(_sort) is { } first ? TextLines.ReadPaths(first) : [],
            EncodesAll = arguments.GetValue(_all),
        };
    }

    /// <summary>Whether clusters may be so large, in bytes.</summary>
    public static bool IsClusterSize(long size) => size is >= 4096 and <= 1 << 20 && long.IsPow2(size);

    private static void CheckCodec(OptionResult result)
    {
        foreach (string codec in (result.Tokens.Count > 0 ? result.Tokens[0].Value : "").Split(':'))
        {
            if (ParseCodec(codec, out string? fault) is null)
                result.AddError(fault!);
        }
    }

    private static void CheckCluster(OptionResult result)
    {
        string text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
        if (SizeText.Parse(text) is not { } size || !IsClusterSize(size))
            result.AddError($"{ShownName(result)} {text}: a power of two from 4096 to 1048576 is needed, such as 64K");
    }

    private static string ShownName(OptionResult result) => result.IdentifierToken?.Value ?? "-C";

    /// <summary>Reads a codec with its level; null for what is none.</summary>
    public static (Codec? Codec, int? Level)? ParseCodec(string text, out string? fault)
    {
        string[] parts = text.Split(',');
        if (!s_codecs.TryGetValue(parts[0], out (Codec? Codec, int? Level) chosen))
        {
            fault = $"{text}: no such codec; there are {string.Join(", ", s_codecs.Keys)}" +
                $"{Misuse.Suggest(parts[0], s_codecs.Keys)}";
            return null;
        }
        fault = null;
        foreach (string part in parts[1..])
        {
            string number = part.StartsWith("level=", StringComparison.Ordinal) ? part[6..] : part;
            (int least, int most, _) = chosen.Codec is { } codec ? ClusterEncoders.LevelsOf(codec) : default;
            if (parts[0] == "lz4hc")
                least = 1;
            if (chosen.Codec is null || parts[0] == "lz4"
                || !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int level)
                || level < least || level > most)
            {
                fault = chosen.Codec is null || parts[0] == "lz4" ? $"{text}: {parts[0]} has no levels"
                    : $"{text}: levels of {parts[0]} are {least} to {most}";
                return null;
            }
            chosen.Level = level;
        }
        return chosen;
    }
}
