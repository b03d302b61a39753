namespace Lamina.Cli.Peers;

/// <summary>Whether an option of erofs-utils has a value.</summary>
internal enum PeerValue
{
    None,
    Required,

    /// <summary>Only behind an equals sign.</summary>
    Optional,
}

/// <summary>An option of a program of erofs-utils.</summary>
/// <param name="Name">As it is written: <c>-z</c> or <c>--tar</c>.</param>
/// <param name="Value">Whether it has a value.</param>
/// <param name="Help">What it does, for the help.</param>
internal sealed record PeerOption(string Name, PeerValue Value, string Help)
{
    /// <summary>Why it is refused; null for one that is not.</summary>
    public string? Refusal { get; init; }

    /// <summary>The name with its value, as the help shows it.</summary>
    public string Shown => Name.Length == 2
        ? Name + (Value == PeerValue.None ? "" : "#")
        : Name + Value switch { PeerValue.None => "", PeerValue.Optional => "[=X]", _ => "=X" };
}

/// <summary>An option on a command line, with its value if it has one.</summary>
internal readonly record struct PeerSetting(string Name, string? Value);

/// <summary>
/// A command line as getopt_long(3) reads it: options before and behind operands, several letters behind one dash, values behind
/// a letter or in the next word, long names shortened as far as they stay clear, and operands alone behind <c>--</c>.
/// </summary>
internal sealed class PeerLine
{
    /// <summary>The options, in order.</summary>
    public List<PeerSetting> Settings { get; } = [];

    /// <summary>The words that are no options.</summary>
    public List<string> Operands { get; } = [];

    /// <summary>Whether an option was given.</summary>
    public bool Has(string name) => Settings.Exists(setting => setting.Name == name);

    /// <summary>The last value of an option; null without it.</summary>
    public string? ValueOf(string name) => Settings.FindLast(setting => setting.Name == name).Value;

    /// <summary>Reads a command line.</summary>
    /// <exception cref="PeerException">An option is not known, refused, or lacks its value.</exception>
    public static PeerLine Parse(IReadOnlyList<PeerOption> options, IReadOnlyList<string> words)
    {
        PeerLine line = new();
        for (int i = 0; i < words.Count; i++)
        {
            string word = words[i];
            if (word == "--")
            {
                line.Operands.AddRange(words.Skip(i + 1));
                break;
            }
            if (word.StartsWith("--", StringComparison.Ordinal))
                line.AddLong(options, words, ref i);
            else if (word.Length > 1 && word[0] == '-')
                line.AddLetters(options, words, ref i);
            else
                line.Operands.Add(word);
        }
        return line;
    }

    private void AddLong(IReadOnlyList<PeerOption> options, IReadOnlyList<string> words, ref int at)
    {
        string word = words[at];
        int equals = word.IndexOf('=');
        string name = equals < 0 ? word : word[..equals];
        string? value = equals < 0 ? null : word[(equals + 1)..];
        PeerOption[] found = [.. options.Where(option => option.Name == name)];
        if (found.Length == 0)
        {
            found = [.. options.Where(option => option.Name.Length > 2
                && option.Name.StartsWith(name, StringComparison.Ordinal))];
        }
        if (found.Length == 0)
            throw new PeerException($"unrecognized option '{word}'");
        if (found.Length > 1)
        {
            throw new PeerException($"option '{name}' is ambiguous; possibilities: " +
                string.Join(" ", found.Select(option => $"'{option.Name}'")));
        }
        if (found[0].Value == PeerValue.None && value is not null)
            throw new PeerException($"option '{found[0].Name}' doesn't allow an argument");
        if (found[0].Value == PeerValue.Required && value is null)
            value = Next(words, ref at) ?? throw new PeerException($"option '{found[0].Name}' requires an argument");
        Add(found[0], value);
    }

    private void AddLetters(IReadOnlyList<PeerOption> options, IReadOnlyList<string> words, ref int at)
    {
        string word = words[at];
        for (int i = 1; i < word.Length; i++)
        {
            string name = $"-{word[i]}";
            PeerOption option = options.FirstOrDefault(option => option.Name == name)
                ?? throw new PeerException($"invalid option -- '{word[i]}'");
            if (option.Value == PeerValue.None)
            {
                Add(option, null);
                continue;
            }
            string? value = i + 1 < word.Length ? word[(i + 1)..] : Next(words, ref at);
            Add(option, value ?? throw new PeerException($"option requires an argument -- '{word[i]}'"));
            return;
        }
    }

    private static string? Next(IReadOnlyList<string> words, ref int at) => at + 1 < words.Count ? words[++at] : null;

    private void Add(PeerOption option, string? value)
    {
        if (option.Refusal is { } why)
            throw new PeerException($"{option.Name}: {why}");
        Settings.Add(new PeerSetting(option.Name, value));
    }
}
