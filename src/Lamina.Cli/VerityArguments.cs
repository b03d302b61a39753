using System.CommandLine;
using System.CommandLine.Parsing;
using Lamina.Trust;

namespace Lamina.Cli;

/// <summary>The options that say how a dm-verity tree is made, for all verbs that make one.</summary>
internal sealed class VerityArguments
{
    private readonly Option<string> _algorithm;
    private readonly Option<string> _salt;
    private readonly Option<int?>? _blockSize;

    /// <param name="verb">The verb that gets them.</param>
    /// <param name="prefix">What their names begin with where the verb has other things of these names.</param>
    public VerityArguments(Command verb, string prefix = "")
    {
        _algorithm = new Option<string>($"--{prefix}algorithm")
        {
            HelpName = "NAME",
            Description = "Hash function: sha256, sha512. Without: sha256",
        }.AcceptOnlyFromAmong("sha256", "sha512");
        _salt = new Option<string>($"--{prefix}salt")
        {
            HelpName = "HEX",
            Description = "Up to 256 bytes in hex digits that go in front of each block; none for nothing. Without: none",
        };
        _salt.Validators.Add(CheckSalt);
        verb.Add(_algorithm);
        verb.Add(_salt);
        if (prefix.Length > 0)
            return;
        _blockSize = new Option<int?>("--block-size")
        {
            HelpName = "BYTES",
            Description = "Size of blocks of data and tree, a power of two. Without: 4096",
        };
        verb.Add(_blockSize);
    }

    /// <summary>The options that only mean something where a tree is asked for.</summary>
    public Option[] All => [.. ((Option?[])[_algorithm, _salt, _blockSize]).OfType<Option>()];

    /// <summary>What was asked for; the rest is as in <paramref name="usual"/>.</summary>
    public VerityOptions Options(ParseResult arguments, VerityOptions? usual = null)
    {
        VerityOptions options = usual ?? new VerityOptions();
        if (arguments.GetValue(_algorithm) is { } name)
            options = options with { Algorithm = Algorithm(name) };
        if (arguments.GetValue(_salt) is { } salt)
            options = options with { Salt = ParseSalt(salt)! };
        if (_blockSize is not null && arguments.GetValue(_blockSize) is { } size)
            options = options with { BlockSize = size };
        return options;
    }

    public static VerityAlgorithm Algorithm(string name) =>
        name == "sha512" ? VerityAlgorithm.Sha512 : VerityAlgorithm.Sha256;

    /// <summary>An option that takes a root hash.</summary>
    public static Option<string> RootHash(string description, bool isRequired = false) =>
        new("--root-hash") { HelpName = "HEX", Description = description, Required = isRequired };

    /// <summary>A root hash as it was given.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static byte[] ParseRootHash(string text) => ParseHex(text) is { Length: 32 or 64 } rootHash ? rootHash
        : throw new UsageException($"--root-hash {text}: 64 hex digits are expected, or 128 for sha512");

    /// <summary>Bytes from hexadecimal digits; null if they are none.</summary>
    private static byte[]? ParseHex(string text) =>
        text.Length % 2 == 0 && text.All(char.IsAsciiHexDigit) ? Convert.FromHexString(text) : null;

    private static byte[]? ParseSalt(string text) => text is "none" or "-" ? [] : ParseHex(text);

    private static void CheckSalt(OptionResult result)
    {
        string text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
        if (ParseSalt(text) is not { Length: <= VerityOptions.MaxSaltLength } salt || (salt.Length == 0 && text.Length == 0))
            result.AddError($"{result.Option.Name} {text}: up to {VerityOptions.MaxSaltLength} bytes in hex digits, or none");
    }
}
