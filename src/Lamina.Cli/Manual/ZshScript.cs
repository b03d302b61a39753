using System.CommandLine;

namespace Lamina.Cli.Manual;

/// <summary>
/// Completion for zsh: a function for each verb, which names options and arguments to zsh's own <c>_arguments</c>.
/// </summary>
internal static class ZshScript
{
    public static void Write(TextWriter output, RootCommand root)
    {
        output.WriteLine("#compdef lamina");
        output.WriteLine("# Completion of lamina for zsh, made by: lamina completion zsh");
        output.WriteLine();
        output.WriteLine("_lamina_layers() {");
        output.WriteLine($"    _alternative 'layers:layer:_files -g \"*.({string.Join('|', ValueKinds.LayerEndings)})" +
            $"(|.({string.Join('|', ValueKinds.PackedEndings)}))(-.)\"' \\");
        output.WriteLine("        'directories:directory:_files -/' || _files");
        output.WriteLine("}");
        foreach (Command command in CommandText.All(root))
            WriteFunction(output, command);
        output.WriteLine();
        output.WriteLine("if [[ $zsh_eval_context[-1] == loadautofunc ]]; then");
        output.WriteLine("    _lamina \"$@\"");
        output.WriteLine("else");
        output.WriteLine("    compdef _lamina lamina");
        output.WriteLine("fi");
    }

    private static string FunctionOf(Command command) => string.Concat(CommandText.WordsOf(command)
        .Select(word => $"_{word.Replace('-', '_')}").Prepend("_lamina"));

    private static void WriteFunction(TextWriter output, Command command)
    {
        output.WriteLine();
        output.WriteLine($"{FunctionOf(command)}() {{");
        if (command.Subcommands.Count == 0)
        {
            WriteArguments(output, command, "    ", []);
            output.WriteLine("}");
            return;
        }
        output.WriteLine("    local curcontext=$curcontext state line");
        output.WriteLine("    typeset -A opt_args");
        WriteArguments(output, command, "    ", ["'1: :->verb'", "'*:: :->rest'"]);
        output.WriteLine("    case $state in");
        output.WriteLine("    verb)");
        output.WriteLine("        local -a verbs=(");
        foreach (Command verb in command.Subcommands)
            output.WriteLine($"            {Quoted($"{verb.Name}:{CommandText.FirstSentence(verb.Description!)}")}");
        output.WriteLine("        )");
        output.WriteLine("        _describe verb verbs");
        output.WriteLine("        ;;");
        output.WriteLine("    rest)");
        output.WriteLine("        case $line[1] in");
        foreach (Command verb in command.Subcommands)
            output.WriteLine($"        {verb.Name}) {FunctionOf(verb)} ;;");
        output.WriteLine("        esac");
        output.WriteLine("        ;;");
        output.WriteLine("    esac");
        output.WriteLine("}");
    }

    private static void WriteArguments(TextWriter output, Command command, string indent, string[] last)
    {
        IEnumerable<string> rows = CommandText.OptionsOf(command).Select(Row).Concat(Places(command)).Concat(last);
        output.Write($"{indent}_arguments -s {(last.Length > 0 ? "-C" : "-S")}");
        foreach (string row in rows)
            output.Write($" \\\n{indent}    {row}");
        output.WriteLine();
    }

    /// <summary>An option: its names, which exclude each other if it can be there once, its description, its value.</summary>
    private static string Row(Option option)
    {
        string[] names = CommandText.NamesOf(option);
        bool isList = option.AllowMultipleArgumentsPerToken, isOften = option.Arity.MaximumNumberOfValues > 1;
        string value = !CommandText.TakesValue(option) ? ""
            : $"{(isList ? "*" : "")}:{(CommandText.IsValueOptional(option) ? ":" : "")}" +
                $"{Plain(CommandText.ValueOf(option))}:{Action(option)}";
        string front = isOften ? "'*'" : names.Length > 1 ? $"'({string.Join(' ', names)})'" : "";
        string equals = CommandText.TakesValue(option) && !isList ? "=" : "";
        string spelled = names.Length > 1 ? $"{{{string.Join(',', names.Select(name => Spelled(name, equals)))}}}"
            : Spelled(names[0], equals);
        return $"{front}{spelled}{Quoted($"[{Plain(CommandText.FirstSentence(option.Description!))}]{value}")}";
    }

    /// <summary>A short option may have its value behind it at once, a long one behind an equals sign.</summary>
    private static string Spelled(string name, string equals) =>
        equals.Length == 0 ? name : name.StartsWith("--", StringComparison.Ordinal) ? $"{name}=" : $"{name}+";

    private static IEnumerable<string> Places(Command command)
    {
        foreach (Argument argument in command.Arguments)
        {
            string optional = argument.Arity.MinimumNumberOfValues == 0 ? ":" : "";
            string front = argument.Arity.MaximumNumberOfValues > 1 ? "*:" : $":{optional}";
            yield return Quoted($"{front}{Plain(argument.Name)}:{Action(argument)}");
        }
    }

    private static string Action(Symbol symbol) => ValueKinds.Of(symbol) switch
    {
        ValueKind.Word => $"({string.Join(' ', CommandText.WordsFor(symbol))})",
        ValueKind.Layer => "_lamina_layers",
        ValueKind.File => "_files",
        ValueKind.Directory => "_files -/",
        _ => " ",
    };

    /// <summary>What _arguments takes for no sign of its own.</summary>
    private static string Plain(string text) =>
        text.Replace("\\", "\\\\").Replace("[", "\\[").Replace("]", "\\]").Replace(":", "\\:");

    private static string Quoted(string text) => $"'{text.Replace("'", "'\\''")}'";
}
