using System.CommandLine;
using Lamina.Layers;
using Lamina.Platform;

namespace Lamina.Cli;

/// <summary>How what is named as a layer is opened: the options of all verbs that make images of layers.</summary>
internal sealed class OpeningArguments
{
    private readonly Option<string> _platform = PlatformOption();
    private readonly Option<long?> _maxSize = new("--max-size")
    {
        Description = "The most bytes that one layer may decompress to. Without: any number that the disk has room for",
        HelpName = "BYTES",
    };

    private readonly Option<string>? _config;
    private ReadOnlyMemory<byte> _bytes;

    /// <summary>Adds the options to a verb.</summary>
    /// <param name="verb">The verb.</param>
    /// <param name="hasConfig">Whether it can write an image's config beside its output.</param>
    public OpeningArguments(Verb verb, bool hasConfig)
    {
        verb.Add(_platform);
        verb.Add(_maxSize);
        if (!hasConfig)
            return;
        _config = new Option<string>("--config")
        {
            Description = "Write the config of the container image here (of several, the uppermost): Env, Entrypoint, Labels",
            HelpName = "FILE",
        };
        verb.Add(_config);
    }

    /// <summary>Which image of several to take.</summary>
    public static Option<string> PlatformOption() => new("--platform")
    {
        Description = "Of a container image for several platforms: which one. Without: this machine's, or the only one there is",
        HelpName = "OS/ARCH",
    };

    /// <summary>How what is looked into is opened.</summary>
    public static LayerOptions Looking(ParseResult arguments, Option<string> platform) =>
        new() { Platform = arguments.GetValue(platform) };

    /// <summary>Adds to how sources become layers.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="reading">What other options say.</param>
    /// <param name="work">With how many threads, and what stops it.</param>
    public LayerOptions Add(ParseResult arguments, LayerOptions reading, WorkOptions work) => reading with
    {
        Platform = arguments.GetValue(_platform),
        MaxSize = arguments.GetValue(_maxSize) switch
        {
            null => 0,
            > 0 and long bytes => bytes,
            long bytes => throw new UsageException($"--max-size {bytes}: a number of bytes above 0 is needed"),
        },
        Work = work,
        TakeConfig = _config is not null && arguments.GetValue(_config) is not null ? bytes => _bytes = bytes : null,
    };

    /// <summary>Writes the config beside the output, where that was asked for.</summary>
    public void WriteConfig(ParseResult arguments, bool overwrites)
    {
        if (_config is null || arguments.GetValue(_config) is not { } path)
            return;
        using OutputFile output = new(path, overwrites);
        output.Write(_bytes.Span, 0);
        output.Commit();
    }
}
