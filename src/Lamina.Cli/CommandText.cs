using System.CommandLine;
using System.CommandLine.Completions;

namespace Lamina.Cli;

/// <summary>A command in words, the same in its help, its manual page and the scripts of shells.</summary>
internal static class CommandText
{
    /// <summary>The program's name and the verbs that lead to a command.</summary>
    public static string PathOf(Command command) => command is RootCommand ? "lamina"
        : $"{command.Parents.OfType<Command>().Select(PathOf).First()} {command.Name}";

    /// <summary>The words that lead to a command, without the program's name.</summary>
    public static string[] WordsOf(Command command) => PathOf(command).Split(' ')[1..];

    /// <summary>A command and all below it, as they are listed.</summary>
    public static IEnumerable<Command> All(Command command) => command.Subcommands.SelectMany(All).Prepend(command);

    /// <summary>The options that a command understands: its own, and those of the program.</summary>
    public static IEnumerable<Option> OptionsOf(Command command) => command.Parents.OfType<Command>()
        .SelectMany(OptionsOf).Where(option => option.Recursive).Concat(command.Options).Where(option => !option.Hidden);

    /// <summary>How an option can be written, the short form first. "-?" and "/h" are understood, but need not be
    /// known.</summary>
    public static string[] NamesOf(Option option) => [.. option.Aliases.Append(option.Name)
        .Where(name => name != "-?" && name.StartsWith('-')).Distinct().OrderBy(name => name.Length)];

    /// <summary>Whether a value follows the option.</summary>
    public static bool TakesValue(Option option) =>
        option.ValueType != typeof(bool) && option.Arity.MaximumNumberOfValues > 0;

    /// <summary>Whether the option may stand without its value.</summary>
    public static bool IsValueOptional(Option option) => option.Arity.MinimumNumberOfValues == 0;

    /// <summary>The name of an option's value; nothing if it has none.</summary>
    public static string ValueOf(Option option) => TakesValue(option) ? option.HelpName ?? "VALUE" : "";

    /// <summary>An argument as it stands in a line that says how a verb is called.</summary>
    public static string Placeholder(Argument argument) =>
        (argument.Arity.MinimumNumberOfValues == 0 ? $"[{argument.Name}]" : argument.Name) +
        (argument.Arity.MaximumNumberOfValues > 1 ? "..." : "");

    /// <summary>What an option is for, and what is the case without it.</summary>
    public static string Describe(Option option)
    {
        object? value = option.HasDefaultValue && option.ValueType != typeof(bool) ? option.GetDefaultValue() : null;
        return value is null or "" ? option.Description! : $"{option.Description}. Without: {value}";
    }

    /// <summary>The words that a value can be; nothing if it is no matter of words.</summary>
    public static string[] WordsFor(Symbol symbol) => symbol switch
    {
        Option { ValueType: var type } when type == typeof(bool) => [],
        Argument { Name: "VERB" } => [.. RootOf(symbol).Subcommands.Select(verb => verb.Name)],
        _ => [.. symbol.GetCompletions(CompletionContext.Empty).Select(item => item.Label).Distinct()],
    };

    private static Command RootOf(Symbol symbol) =>
        symbol.Parents.OfType<Command>().Select(RootOf).FirstOrDefault((symbol as Command)!);

    public static string FirstSentence(string text)
    {
        int end = text.IndexOf(". ", StringComparison.Ordinal);
        return (end < 0 ? text : text[..end]).TrimEnd('.');
    }

    /// <summary>An example without what is said of it, and that.</summary>
    public static (string Line, string Comment) Example(string text)
    {
        int at = text.IndexOf(" # ", StringComparison.Ordinal);
        return at < 0 ? (text, "") : (text[..at].TrimEnd(), text[(at + 3)..].Trim());
    }
}
