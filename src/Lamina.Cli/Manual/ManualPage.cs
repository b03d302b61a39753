using System.CommandLine;
using System.Text;

namespace Lamina.Cli.Manual;

/// <summary>
/// The manual page of a command, in roff with the man macros. It says what the help says, and the same program gives the same
/// bytes: there is no date in it.
/// </summary>
internal static class ManualPage
{
    private static readonly (string Code, string Meaning)[] s_exitCodes =
    [
        ("0", "It is done; what was asked is so."),
        ("1", "The answer is no, such as a check that found faults or trees that differ, or something had to be left out."),
        ("2", "Wrong usage: nothing was done."),
        ("3", "An input is corrupt, or uses what is not supported."),
        ("4", "The system refused: a missing file, permission, space."),
        ("130, 143", "Interrupted by a signal."),
    ];

    /// <summary>The name of a command's page, without the section.</summary>
    public static string NameOf(Command command) => CommandText.PathOf(command).Replace(' ', '-');

    public static void Write(TextWriter output, Command command, string version)
    {
        string name = NameOf(command);
        output.WriteLine($".\\\" Made by: lamina man {string.Join(' ', CommandText.WordsOf(command))}".TrimEnd());
        output.WriteLine($".TH {Roff(name.ToUpperInvariant())} 1 \"\" \"lamina {version}\" \"Lamina\"");
        output.WriteLine(".SH NAME");
        output.WriteLine($"{Roff(name)} \\- {Line(Lowered(CommandText.FirstSentence(command.Description!)))}");
        output.WriteLine(".SH SYNOPSIS");
        WriteSynopsis(output, command);
        output.WriteLine(".SH DESCRIPTION");
        WriteText(output, command.Description!);
        if (command.Subcommands.Count > 0)
        {
            foreach ((string title, Command[] verbs) in VerbGroups.Of(command))
            {
                output.WriteLine(title.Length > 0 ? $".SS {Line(title)}" : ".SS Verbs");
                foreach (Command verb in verbs)
                    WriteItem(output, $"\\fB{Roff(NameOf(verb))}\\fR(1)", CommandText.FirstSentence(verb.Description!));
            }
        }
        if (command.Arguments.Count > 0)
        {
            output.WriteLine(".SS Arguments");
            foreach (Argument argument in command.Arguments)
                WriteItem(output, $"\\fI{Roff(argument.Name)}\\fR", argument.Description!);
        }
        output.WriteLine(".SH OPTIONS");
        foreach ((string title, Option[] options) in OptionGroups.Of(command))
        {
            output.WriteLine($".SS {Line(title)}");
            foreach (Option option in options)
                WriteItem(output, Names(option), CommandText.Describe(option));
        }
        WriteExamples(output, command);
        output.WriteLine(".SH EXIT STATUS");
        foreach ((string code, string meaning) in s_exitCodes)
            WriteItem(output, code, meaning);
        output.WriteLine(".SH SEE ALSO");
        WriteSeeAlso(output, command);
    }

    private static void WriteSynopsis(TextWriter output, Command command)
    {
        StringBuilder line = new($"\\fB{Roff(CommandText.PathOf(command))}\\fR");
        if (command.Subcommands.Count > 0)
            line.Append(" \\fIVERB\\fR ...");
        foreach (Argument argument in command.Arguments)
        {
            string name = Roff(argument.Name);
            line.Append($" {Roff(CommandText.Placeholder(argument)).Replace(name, $"\\fI{name}\\fR")}");
        }
        foreach (Option option in command.Options.Where(option => option.Required))
            line.Append($" \\fB{Roff(CommandText.NamesOf(option)[0])}\\fR \\fI{Roff(CommandText.ValueOf(option))}\\fR");
        output.WriteLine($"{line} [\\fIOPTION\\fR...]");
    }

    private static string Names(Option option)
    {
        string names = string.Join(", ", CommandText.NamesOf(option).Select(name => $"\\fB{Roff(name)}\\fR"));
        string value = CommandText.ValueOf(option);
        return value.Length == 0 ? names : CommandText.IsValueOptional(option) ? $"{names} [\\fI{Roff(value)}\\fR]"
            : $"{names} \\fI{Roff(value)}\\fR";
    }

    private static void WriteItem(TextWriter output, string head, string text)
    {
        output.WriteLine(".TP");
        output.WriteLine(head);
        WriteText(output, text.EndsWith('.') ? text : $"{text}.");
    }

    private static void WriteExamples(TextWriter output, Command command)
    {
        string[] examples = [.. CommandText.All(command).Where(one => command.Subcommands.Count == 0 || one is Verb)
            .Take(command.Subcommands.Count == 0 ? 1 : int.MaxValue)
            .SelectMany(one => one is not Verb verb ? []
                : command.Subcommands.Count == 0 ? verb.Examples : verb.Examples.Take(1))];
        if (examples.Length == 0)
            return;
        output.WriteLine(".SH EXAMPLES");
        bool isFirst = true;
        foreach (string example in examples)
        {
            (string line, string comment) = CommandText.Example(example);
            if (!isFirst)
                output.WriteLine(".PP");
            isFirst = false;
            if (comment.Length > 0)
                WriteText(output, $"{char.ToUpperInvariant(comment[0])}{comment[1..]}:");
            output.WriteLine(".RS 4");
            output.WriteLine(".nf");
            output.WriteLine($"\\fB{Line(line)}\\fR");
            output.WriteLine(".fi");
            output.WriteLine(".RE");
        }
    }

    private static void WriteSeeAlso(TextWriter output, Command command)
    {
        List<string> pages = [.. command.Subcommands.Select(NameOf)];
        foreach (Command parent in command.Parents.OfType<Command>())
            pages.AddRange(parent.Subcommands.Where(verb => verb != command && parent is not RootCommand).Select(NameOf)
                .Prepend(NameOf(parent)));
        if (command.Parents.Any() && !pages.Contains("lamina"))
            pages.Add("lamina");
        // The manual pages of the system that go on where this one ends.
        pages.AddRange(command.Name switch
        {
            "mount" or "umount" => ["mount(8)"],
            "initrd" or "uki" => ["bootparam(7)", "systemd-stub(7)"],
            "verity" => ["veritysetup(8)"],
            _ => [],
        });
        string[] shown = [.. pages.Distinct().Select(page =>
        {
            string[] parts = page.TrimEnd(')').Split('(');
            return $"\\fB{Roff(parts[0])}\\fR({(parts.Length > 1 ? parts[1] : "1")})";
        })];
        output.WriteLine(string.Join(",\n", shown));
    }

    /// <summary>A text, each sentence on a line of its own.</summary>
    private static void WriteText(TextWriter output, string text)
    {
        foreach (string sentence in text.Split(". "))
        {
            bool isLast = text.EndsWith(sentence, StringComparison.Ordinal);
            output.WriteLine(Line(isLast ? sentence : $"{sentence}."));
        }
    }

    /// <summary>A line of text: no macro, whatever it begins with.</summary>
    private static string Line(string text) => text is ['.' or '\'', ..] ? $"\\&{Roff(text)}" : Roff(text);

    /// <summary>Text that roff shows as it is, dashes as they are typed.</summary>
    private static string Roff(string text)
    {
        StringBuilder shown = new(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            shown.Append(rune.Value switch
            {
                '\\' => "\\e",
                '-' => "\\-",
                '~' => "\\(ti",
                '^' => "\\(ha",
                '`' => "\\(ga",
                '\'' => "\\(aq",
                < 0x80 => $"{(char)rune.Value}",
                _ => $"\\[u{rune.Value:X4}]",
            });
        }
        return shown.ToString();
    }

    private static string Lowered(string text) => text.Length < 2 || char.IsUpper(text[1]) ? text
        : $"{char.ToLowerInvariant(text[0])}{text[1..]}";
}
