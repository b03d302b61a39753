using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;

namespace Lamina.Cli;

/// <summary>
/// Finds what is wrong with a command line, and says it in our words. Words that begin with a dash are options: one that is not
/// known is refused with the nearest that is, and never taken for the name of a file. Behind <c>--</c> everything is a name.
/// </summary>
internal static partial class Misuse
{
    /// <summary>What is wrong; nothing if all is well.</summary>
    public static IReadOnlyList<string> Find(ParseResult result)
    {
        Command command = result.CommandResult.Command;
        // Behind a verb that is not known no option is.
        if (command.Subcommands.Count > 0 && result.UnmatchedTokens is [{ } verbWord, ..] && !verbWord.StartsWith('-'))
            return [UnknownVerb(command, verbWord)];
        List<string> unknown = [.. UnknownOptions(result).Select(word => UnknownOption(command, word))];
        if (unknown.Count > 0)
            return [unknown[0]];
        if (command.Subcommands.Count > 0 && result.UnmatchedTokens.Count > 0)
            return [UnknownVerb(command, result.UnmatchedTokens[0])];
        if (command.Subcommands.Count > 0 && result.Errors.Count > 0)
            return [$"a verb is missing: {string.Join(", ", command.Subcommands.Select(verb => verb.Name))}"];
        if (result.Errors.Count > 0)
            return [.. result.Errors.Select(error => Describe(error, result)).Distinct()];
        return command is Verb verb && verb.FindUseless(result) is { } useless ? [useless] : [];
    }

    /// <summary>Words in front of <c>--</c> that look like options and are none, wherever the parser has put them.</summary>
    private static IEnumerable<string> UnknownOptions(ParseResult result)
    {
        bool takesValue = false;
        foreach (Token token in result.Tokens)
        {
            switch (token.Type)
            {
                case TokenType.DoubleDash:
                    yield break;
                case TokenType.Option:
                    // The word behind an option with one value is that value; lists end where the next option begins.
                    takesValue = Known(result).FirstOrDefault(option => Names(option).Contains(token.Value)) is
                    { AllowMultipleArgumentsPerToken: false, Arity.MaximumNumberOfValues: > 0 } option
                        && option.ValueType != typeof(bool);
                    continue;
                case TokenType.Argument when !takesValue && token.Value.Length > 1 && token.Value[0] == '-':
                    yield return token.Value;
                    break;
            }
            takesValue = false;
        }
    }

    private static IEnumerable<Option> Known(ParseResult result)
    {
        for (CommandResult? at = result.CommandResult; at is not null; at = at.Parent as CommandResult)
        {
            foreach (Option option in at.Command.Options)
            {
                if (at == result.CommandResult || option.Recursive)
                    yield return option;
            }
        }
    }

    private static IEnumerable<string> Names(Option option) => option.Aliases.Append(option.Name);

    private static string UnknownOption(Command command, string word)
    {
        string name = word.Split('=')[0];
        string? nearest = Nearest(name, CommandText.OptionsOf(command).SelectMany(Names));
        return $"there is no option {NameText.Shown(name)}" + (nearest is null ? "" : $"; did you mean {nearest}?") +
            (nearest is null ? $"; a file of that name is ./{NameText.Shown(name)}" : "");
    }

    internal static string UnknownVerb(Command command, string word)
    {
        string? nearest = command is RootCommand ? ForeignVerbs.Find(word) : null;
        nearest ??= Nearest(word, command.Subcommands.Select(verb => verb.Name));
        return $"there is no verb {NameText.Shown(word)}" + (nearest is null ? "" : $"; did you mean {nearest}?");
    }

    private static string Describe(ParseError error, ParseResult result)
    {
        if (result.UnmatchedTokens.Count > 0 && error.SymbolResult is CommandResult)
            return $"{NameText.Shown(result.UnmatchedTokens[0])} is one word too many";
        switch (error.SymbolResult)
        {
            case OptionResult { Option: { } option, Tokens.Count: 0 }
                when error.Message.Contains("missing", StringComparison.Ordinal):
                return $"{option.Name} needs a value: {option.HelpName ?? "VALUE"}";
            case OptionResult { Option: { } option, Tokens.Count: > 1 }
                when error.Message.Contains("single argument", StringComparison.Ordinal):
                return $"{option.Name} is there more than once";
            case OptionResult { Option: { } option, Tokens: { Count: > 0 } tokens }
                when error.Message.Contains("as expected type", StringComparison.Ordinal):
                return $"{option.Name} {NameText.Shown(tokens[0].Value)}: {Expected(option.ValueType)} is expected";
            case OptionResult { Option: { } option, Tokens: { Count: > 0 } tokens }
                when Choices().Match(error.Message) is { Success: true } choices:
                return $"{option.Name} {OneOf(tokens[0].Value, choices)}";
            case ArgumentResult { Argument: { } argument, Tokens: { Count: > 0 } tokens }
                when Choices().Match(error.Message) is { Success: true } choices:
                return $"{argument.Name} {OneOf(tokens[0].Value, choices)}";
            case OptionResult { Option: { } option } when error.Message.Contains("is required", StringComparison.Ordinal):
                return $"{option.Aliases.FirstOrDefault(option.Name)} {option.HelpName ?? "VALUE"} is missing";
            case CommandResult when Required().Match(error.Message) is { Success: true } required:
                return $"{required.Groups[1].Value} is missing";
            case ArgumentResult { Argument: { } argument, Tokens.Count: 0 }:
                return $"{argument.Name} is missing";
            default:
                return NameText.Shown(error.Message.ReplaceLineEndings(" "));
        }
    }

    private static string OneOf(string value, Match choices)
    {
        string[] words = [.. Quoted().Matches(choices.Groups[1].Value).Select(match => match.Groups[1].Value)];
        return $"{NameText.Shown(value)}: one of {string.Join(", ", words)} is expected{Suggest(value, words)}";
    }

    /// <summary>The end of a message about a word that is not known: the nearest that is, if one is near.</summary>
    internal static string Suggest(string word, IEnumerable<string> known) =>
        Nearest(word, known) is { } nearest ? $"; did you mean {nearest}?" : "";

    private static string Expected(Type type) => (Nullable.GetUnderlyingType(type) ?? type) switch
    {
        { } number when number == typeof(int) || number == typeof(long) => "a whole number",
        _ => "another value",
    };

    /// <summary>The word that was probably meant; null if none is near.</summary>
    internal static string? Nearest(string word, IEnumerable<string> words)
    {
        (string? Word, int Distance) best = (null, Math.Max(2, word.Length / 3) + 1);
        foreach (string candidate in words)
        {
            // A start of a word, or an option that another verb has with a word in front of it (--salt, --verity-salt).
            bool isPart = (candidate.Length > 2 && candidate.StartsWith(word, StringComparison.Ordinal))
                || IsEnd(word, candidate) || IsEnd(candidate, word);
            int distance = isPart ? 1 : Distance(word, candidate);
            if (distance < best.Distance && distance < candidate.TrimStart('-').Length)
                best = (candidate, distance);
        }
        return best.Word;
    }

    /// <summary>Whether the words of an option are the last ones of another.</summary>
    private static bool IsEnd(string option, string longer) => option.Length > 4 &&
        option.StartsWith("--", StringComparison.Ordinal) && longer.StartsWith("--", StringComparison.Ordinal) &&
        longer.EndsWith(option[1..], StringComparison.Ordinal);

    /// <summary>How many letters have to be changed, added, left out or swapped with the next.</summary>
    private static int Distance(string a, string b)
    {
        int[,] costs = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    costs[i, j] = i + j;
                    continue;
                }
                int change = costs[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                costs[i, j] = Math.Min(change, Math.Min(costs[i - 1, j], costs[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    costs[i, j] = Math.Min(costs[i, j], costs[i - 2, j - 2] + 1);
            }
        }
        return costs[a.Length, b.Length];
    }

    [GeneratedRegex("'([^']+)'")]
    private static partial Regex Quoted();

    [GeneratedRegex("Must be one of:(.*)$", RegexOptions.Singleline)]
    private static partial Regex Choices();

    [GeneratedRegex("^Required argument '([^']+)'")]
    private static partial Regex Required();
}
