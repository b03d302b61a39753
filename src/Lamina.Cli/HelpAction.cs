using System.CommandLine;
using System.CommandLine.Invocation;


namespace Lamina.Cli;

/// <summary>Writes the help: of the program its verbs, of a verb its arguments, options and examples.</summary>
internal sealed class HelpAction : SynchronousCommandLineAction
{
    /// <summary>Columns, the same on every terminal and in files.</summary>
    private const int Width = 100;

    /// <summary>The widest left column; what is wider has its text on the next line.</summary>
    private const int LeftWidth = 26;

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        Write(parseResult.CommandResult.Command, parseResult.InvocationConfiguration.Output);
        return ExitCodes.Done;
    }

    public static void Write(Command command, TextWriter output)
    {
        output.WriteLine($"Usage: {Usage(command)}");
        output.WriteLine();
        WriteWrapped(output, command.Description ?? "", 0);
        WriteRows(output, "Verbs:", command.Subcommands.Select(verb => (verb.Name, FirstSentence(verb.Description!))));
        WriteRows(output, "Arguments:", command.Arguments.Select(argument => (argument.Name, argument.Description!)));
        WriteRows(output, "Options:", command.Options.Select(option => (Names(option), Describe(option))));
        if (command is Verb { Examples: { Count: > 0 } examples })
        {
            output.WriteLine();
            output.WriteLine("Examples:");
            foreach (string example in examples)
                output.WriteLine($"  {example}");
        }
        if (command is RootCommand)
        {
            output.WriteLine();
            output.WriteLine("lamina VERB --help says more of a verb. Exit codes: 0 done, 1 the answer is no, 2 wrong usage,");
            output.WriteLine("3 a corrupt or unsupported input, 4 the system refused.");
        }
    }

    private static string Usage(Command command)
    {
        if (command.Subcommands.Count > 0)
            return $"{PathOf(command)} VERB ...";
        IEnumerable<string> arguments = command.Arguments.Select(argument =>
            (argument.Arity.MinimumNumberOfValues == 0 ? $"[{argument.Name}]" : argument.Name) +
            (argument.Arity.MaximumNumberOfValues > 1 ? "..." : ""));
        IEnumerable<string> required = command.Options.Where(option => option.Required)
            .Select(option => $"{option.Aliases.FirstOrDefault(option.Name)} {option.HelpName}");
        return string.Join(' ', [PathOf(command), .. arguments, .. required, "[OPTION...]"]);
    }

    /// <summary>The program's name and the verbs that lead to a command.</summary>
    public static string PathOf(Command command) => command is RootCommand ? "lamina"
        : $"{command.Parents.OfType<Command>().Select(PathOf).First()} {command.Name}";

    private static string Names(Option option)
    {
        // "-?" and "/h" are understood, but need not be known.
        IEnumerable<string> names = option.Aliases.Append(option.Name).Where(name => name != "-?" && name.StartsWith('-'));
        string value = option.ValueType == typeof(bool) || option.Arity.MaximumNumberOfValues == 0
            ? "" : $" {option.HelpName ?? "VALUE"}";
        return string.Join(", ", names.Distinct().OrderBy(name => name.Length)) + value;
    }

    private static string Describe(Option option)
    {
        object? value = option.HasDefaultValue && option.ValueType != typeof(bool) ? option.GetDefaultValue() : null;
        return value is null ? option.Description! : $"{option.Description}. Without: {value}";
    }

    private static string FirstSentence(string text)
    {
        int end = text.IndexOf(". ", StringComparison.Ordinal);
        return (end < 0 ? text : text[..end]).TrimEnd('.');
    }

    private static void WriteRows(TextWriter output, string title, IEnumerable<(string Left, string Right)> rows)
    {
        (string Left, string Right)[] all = [.. rows];
        if (all.Length == 0)
            return;
        output.WriteLine();
        output.WriteLine(title);
        int width = all.Select(row => row.Left.Length).Where(length => length <= LeftWidth).DefaultIfEmpty(LeftWidth).Max();
        foreach ((string left, string right) in all)
        {
            output.Write($"  {left.PadRight(width)}  ");
            if (left.Length > width)
                output.Write($"\n{new string(' ', width + 4)}");
            WriteWrapped(output, right, width + 4);
        }
    }

    /// <summary>Writes text whose first line begins at a column, breaking lines between words.</summary>
    private static void WriteWrapped(TextWriter output, string text, int indent)
    {
        int at = indent;
        foreach (string word in text.Split(' '))
        {
            if (at > indent && at + 1 + word.Length > Width)
            {
                output.Write($"\n{new string(' ', indent)}");
                at = indent;
            }
            if (at > indent)
                output.Write(' ');
            output.Write(word);
            at += word.Length + (at > indent ? 1 : 0);
        }
        output.WriteLine();
    }
}
