using System.CommandLine;

namespace Lamina.Cli.Manual;

/// <summary>Completion for fish: a line for each option of each verb.</summary>
internal static class FishScript
{
    public static void Write(TextWriter output, RootCommand root)
    {
        string endings = string.Join(' ', ValueKinds.LayerEndings
            .SelectMany(ending => ValueKinds.PackedEndings.Select(packed => $".{ending}.{packed}").Prepend($".{ending}")));
        output.Write($$"""
            # Completion of lamina for fish, made by: lamina completion fish

            # Whether the verb on the command line is this one.
            function __lamina_at
                set -l words (commandline -opc)
                set -e words[1]
                set -l found (string match -v -- '-*' $words)
                test (count $found) -ge (count $argv); or return 1
                for i in (seq (count $argv))
                    test "$found[$i]" = "$argv[$i]"; or return 1
                end
            end

            # Whether a verb is still to come behind these words.
            function __lamina_before
                set -l words (commandline -opc)
                set -e words[1]
                set -l found (string match -v -- '-*' $words)
                test "$found" = "$argv"
            end

            function __lamina_layers
                __fish_complete_suffix {{endings}}
            end

            complete -c lamina -f

            """.ReplaceLineEndings("\n"));
        foreach (Command command in CommandText.All(root))
        {
            output.WriteLine();
            string words = string.Join(' ', CommandText.WordsOf(command));
            foreach (Command verb in command.Subcommands)
                output.WriteLine($"complete -c lamina -n {Quoted($"__lamina_before {words}".TrimEnd())} -a {verb.Name} " +
                    $"-d {Quoted(CommandText.FirstSentence(verb.Description!))}");
            string condition = words.Length > 0 ? $"__lamina_at {words}" : "__lamina_before";
            string at = $"complete -c lamina -n {Quoted(condition)}";
            foreach (string action in command.Arguments.Select(Action).Where(action => action.Length > 0).Distinct())
                output.WriteLine($"{at}{action}");
            foreach (Option option in CommandText.OptionsOf(command))
            {
                string names = string.Concat(CommandText.NamesOf(option).Select(name =>
                    name.StartsWith("--", StringComparison.Ordinal) ? $" -l {name[2..]}" : $" -s {name[1..]}"));
                string value = !CommandText.TakesValue(option) ? ""
                    : $" {(CommandText.IsValueOptional(option) ? "" : "-r")}{Action(option)}";
                output.WriteLine($"{at}{names}{value} -d {Quoted(CommandText.FirstSentence(option.Description!))}");
            }
        }
    }

    private static string Action(Symbol symbol) => ValueKinds.Of(symbol) switch
    {
        ValueKind.Word => $" -f -a {Quoted(string.Join(' ', CommandText.WordsFor(symbol)))}",
        ValueKind.Layer => " -k -a '(__lamina_layers)'",
        ValueKind.File => " -F",
        ValueKind.Directory => " -f -a '(__fish_complete_directories)'",
        _ => "",
    };

    private static string Quoted(string text) => $"'{text.Replace("\\", "\\\\").Replace("'", "\\'")}'";
}
