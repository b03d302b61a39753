using System.CommandLine;

namespace Lamina.Cli.Manual;

/// <summary>Completion for bash. It needs nothing but bash itself.</summary>
internal static class BashScript
{
    public static void Write(TextWriter output, RootCommand root)
    {
        string endings = string.Join('|', ValueKinds.LayerEndings), packed = string.Join('|', ValueKinds.PackedEndings);
        output.WriteLine("# Completion of lamina for bash, made by: lamina completion bash");
        output.WriteLine();
        output.WriteLine("# What belongs to a verb: its verbs, its options, those with a value, those with many, its arguments.");
        output.WriteLine("_lamina_verb() {");
        output.WriteLine("    verbs='' options='' valued='' listed='' places=()");
        output.WriteLine("    case $1 in");
        foreach (Command command in CommandText.All(root))
            WriteVerb(output, command);
        output.WriteLine("    *) return 1 ;;");
        output.WriteLine("    esac");
        output.WriteLine("}");
        output.WriteLine();
        output.WriteLine("# What the value of an option can be.");
        output.WriteLine("_lamina_value() {");
        output.WriteLine("    case $1 in");
        foreach (Command command in CommandText.All(root))
            WriteValues(output, command);
        output.WriteLine("    esac");
        output.WriteLine("}");
        output.Write($$"""

            # Offers what there is of a kind and begins with $2; what can be a layer is all files if none is named like one.
            _lamina_offer() {
                local name found=()
                case $1 in
                layer | file | directory)
                    compopt -o filenames 2> /dev/null
                    while IFS= read -r name; do
                        if [[ -d ${name/#\~/$HOME} || $1 == file ||
                            ( $1 == layer && $name =~ \.({{endings}})(\.({{packed}}))?$ ) ]]; then
                            COMPREPLY+=("$name")
                        fi
                        found+=("$name")
                    done < <(compgen -f -- "$2")
                    [[ $1 == layer && ${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=("${found[@]}")
                    ;;
                text) ;;
                *) while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen -W "$1" -- "$2") ;;
                esac
                return 0
            }

            _lamina() {
                local verbs options valued listed places
                local cur=${COMP_WORDS[COMP_CWORD]} line=() joins='' word verb='' expected='' list='' only='' count=0 i
                COMPREPLY=()
                # Bash takes "=", ":" and "@" for words of their own: put what they are in together again.
                for ((i = 1; i <= COMP_CWORD; i++)); do
                    word=${COMP_WORDS[i]}
                    if [[ $word =~ ^[=:@]+$ && ${#line[@]} -gt 0 ]]; then
                        line[${#line[@]}-1]+=$word joins=1
                    elif [[ $joins ]]; then
                        line[${#line[@]}-1]+=$word joins=''
                    else
                        line+=("$word")
                    fi
                done
                [[ $cur =~ ^[=:@]+$ ]] && cur=''
                local whole=${line[${#line[@]}-1]} piece=${cur##*[=@]}
                local front=${cur%"$piece"}
                _lamina_verb ''
                for ((i = 0; i < ${#line[@]} - 1; i++)); do
                    word=${line[i]}
                    if [[ $expected ]]; then
                        expected=''
                    elif [[ ! $only && $word == -- ]]; then
                        only=1 list=''
                    elif [[ ! $only && $word == -?* ]]; then
                        list=''
                        if [[ $word != *=* && " $listed " == *" $word "* ]]; then
                            list=$word
                        elif [[ $word != *=* && " $valued " == *" $word "* ]]; then
                            expected=$word
                        fi
                    elif [[ " $verbs " == *" $word "* ]]; then
                        verb=${verb:+$verb }$word
                        _lamina_verb "$verb"
                    elif [[ ! $list ]]; then
                        ((++count))
                    fi
                done
                if [[ $expected ]]; then
                    _lamina_offer "$(_lamina_value "$verb $expected")" "$piece"
                elif [[ ! $only && $whole == -*=* ]]; then
                    _lamina_offer "$(_lamina_value "$verb ${whole%%=*}")" "$piece"
                elif [[ ! $only && $whole == -* ]]; then
                    _lamina_offer "$options" "$piece"
                elif [[ $list ]]; then
                    _lamina_offer "$(_lamina_value "$verb $list")" "$piece"
                elif [[ $verbs ]]; then
                    _lamina_offer "$verbs" "$piece"
                elif ((${#places[@]} > 0)); then
                    # The last argument may be there several times; one that may not is followed by "text".
                    ((count >= ${#places[@]})) && count=$((${#places[@]} - 1))
                    _lamina_offer "${places[count]}" "$piece"
                fi
                [[ $front ]] && COMPREPLY=("${COMPREPLY[@]/#/$front}")
                return 0
            }

            complete -F _lamina lamina

            """.ReplaceLineEndings("\n"));
    }

    private static void WriteVerb(TextWriter output, Command command)
    {
        Option[] options = [.. CommandText.OptionsOf(command)];
        Option[] listed = [.. options.Where(option => option.AllowMultipleArgumentsPerToken)];
        Option[] valued = [.. options.Where(option => CommandText.TakesValue(option) && !listed.Contains(option)
            && !CommandText.IsValueOptional(option))];
        output.WriteLine($"    '{string.Join(' ', CommandText.WordsOf(command))}')");
        if (command.Subcommands.Count > 0)
            output.WriteLine($"        verbs='{string.Join(' ', command.Subcommands.Select(verb => verb.Name))}'");
        output.WriteLine($"        options='{Names(options)}'");
        if (valued.Length > 0)
            output.WriteLine($"        valued='{Names(valued)}'");
        if (listed.Length > 0)
            output.WriteLine($"        listed='{Names(listed)}'");
        if (command.Arguments.Count > 0)
        {
            IEnumerable<string> places = command.Arguments.Select(Word);
            if (command.Arguments[^1].Arity.MaximumNumberOfValues <= 1)
                places = places.Append("text");
            output.WriteLine($"        places=({string.Join(' ', places.Select(place => $"'{place}'"))})");
        }
        output.WriteLine("        ;;");
    }

    private static void WriteValues(TextWriter output, Command command)
    {
        string verb = string.Join(' ', CommandText.WordsOf(command));
        foreach (Option option in CommandText.OptionsOf(command).Where(CommandText.TakesValue))
        {
            string patterns = string.Join(" | ", CommandText.NamesOf(option).Select(name => $"'{verb} {name}'"));
            output.WriteLine($"    {patterns}) printf %s '{Word(option)}' ;;");
        }
    }

    private static string Names(IEnumerable<Option> options) => string.Join(' ', options.SelectMany(CommandText.NamesOf));

    /// <summary>The kind of a value, or the words themselves.</summary>
    private static string Word(Symbol symbol) => ValueKinds.Of(symbol) switch
    {
        ValueKind.Word => string.Join(' ', CommandText.WordsFor(symbol)),
        ValueKind.Layer => "layer",
        ValueKind.File => "file",
        ValueKind.Directory => "directory",
        _ => "text",
    };
}
