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
        if (command is Verb { Examples: { Count: > 0 } examples })
        {
            output.WriteLine();
            output.WriteLine("Examples:");
            foreach (string example in examples)
                output.WriteLine($"  {example}");
        }
        if (command.Subcommands.Count > 0)
        {
            foreach ((string title, Command[] verbs) in VerbGroups.Of(command))
            {
                WriteRows(output, title.Length > 0 ? title : "Verbs",
                    verbs.Select(verb => (verb.Name, CommandText.FirstSentence(verb.Description!))));
            }
        }
        WriteRows(output, "Arguments", command.Arguments.Select(argument => (argument.Name, argument.Description!)));
        foreach ((string title, Option[] options) in OptionGroups.Of(command))
            WriteRows(output, title, options.Select(option => (Names(option), CommandText.Describe(option))));
        if (command is RootCommand)
        {
            output.WriteLine();
            output.WriteLine("lamina help VERB says more of a verb, lamina man VERB is its manual page.");
            output.WriteLine("Exit codes: 0 done, 1 the answer is no, 2 wrong usage, 3 a corrupt or unsupported " +
                "input,\n4 the system refused.");
        }
    }

    private static string Usage(Command command)
    {
        if (command.Subcommands.Count > 0)
            return $"{CommandText.PathOf(command)} VERB ...";
        IEnumerable<string> required = command.Options.Where(option => option.Required)
            .Select(option => $"{CommandText.NamesOf(option)[0]} {CommandText.ValueOf(option)}");
        return string.Join(' ', [CommandText.PathOf(command), .. command.Arguments.Select(CommandText.Placeholder), .. required,
            "[OPTION...]"]);
    }

    private static string Names(Option option)
    {
        string value = CommandText.ValueOf(option);
        return string.Join(", ", CommandText.NamesOf(option)) +
            (value.Length == 0 ? "" : CommandText.IsValueOptional(option) ? $" [{value}]" : $" {value}");
    }

    private static void WriteRows(TextWriter output, string title, IEnumerable<(string Left, string Right)> rows)
    {
        (string Left, string Right)[] all = [.. rows];
        if (all.Length == 0)
            return;
        output.WriteLine();
        output.WriteLine($"{title}:");
        int width = all.Select(row => row.Left.Length).Where(length => length <= LeftWidth).DefaultIfEmpty(LeftWidth).Max();
        foreach ((string left, string right) in all)
        {
            output.Write(left.Length > width ? $"  {left}\n{new string(' ', width + 4)}" : $"  {left.PadRight(width)}  ");
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
