using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using Lamina.Layers;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Cli;

/// <summary>The options that say how sources become layers.</summary>
internal sealed class SourceArguments
{
    private readonly Option<string> _rules = new Option<string>("--rules")
    {
        HelpName = "RULES",
        Description = "How sources mark what they hide: oci (.wh.NAME), overlay (0:0 devices), cpio (not at all). " +
            "Without: oci for tars, overlay for directories, cpio for cpios",
    }.AcceptOnlyFromAmong("oci", "overlay", "cpio");

    private readonly Option<string> _owner = new("--owner")
    {
        Description = "Who owns all files of directories and archives, in numbers; UID: or :GID alone change one of both",
        HelpName = "UID:GID",
    };

    private readonly Option<string[]> _mapOwner = new("--map-owner")
    {
        Description = "Whose files of directories and archives become whose: FROM=TO or FROM-LAST=TO, with u: or g: in front " +
            "for users or groups alone; @FILE has a line for each. The first that fits counts: --map-owner 100000-165535=0",
        HelpName = "FROM=TO",
    };

    private readonly Option<string[]> _exclude = new("--exclude", "-x")
    {
        Description = "Leave files out of directories, with all below: a name at any depth, or with a slash in front or within " +
            "the path from the directory on; a slash behind means directories alone; *, ?, [a-z], ** over slashes",
        HelpName = "GLOB",
    };

    private readonly Option<string[]> _excludeFrom = new("--exclude-from")
    {
        Description = "A file with such patterns, a line each; lines with # in front are none",
        HelpName = "FILE",
    };

    private readonly Option<bool> _oneFileSystem = new("--one-file-system")
    {
        Description = "Leave out what is mounted in a directory; the mount point stays, empty",
    };

    private readonly Option<bool> _ignoreUnreadable = new("--ignore-unreadable")
    {
        Description = "Leave out what may not be read in a directory, a line each, and end with 1",
    };

    public SourceArguments(Verb verb)
    {
        _owner.Validators.Add(CheckOwner);
        foreach (Option option in All)
            verb.Add(option);
    }

    private Option[] All => [_rules, _owner, _mapOwner, _exclude, _excludeFrom, _oneFileSystem, _ignoreUnreadable];

    /// <summary>Whether one of the options is on the command line.</summary>
    public bool AreGiven(ParseResult arguments) => All.Any(option => arguments.GetResult(option) is { Implicit: false });

    /// <summary>How many files were left out because they could not be read: with one of them the verb ends with 1.</summary>
    public int UnreadableCount { get; private set; }

    /// <summary>How sources become layers.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="error">What takes a line for each file that is left out.</param>
    public LayerOptions Reading(ParseResult arguments, TextWriter error)
    {
        OwnerMap map = new();
        foreach (string text in arguments.GetValue(_mapOwner) ?? [])
            map.Add(text);
        (uint? user, uint? group) =
            arguments.GetValue(_owner) is { } owner && ParseOwner(owner) is { } both ? both : (null, null);
        return new LayerOptions
        {
            Rules = arguments.GetValue(_rules) is { } word ? ParseRules(word) : null,
            MapUser = user is { } all ? _ => all : map.IsEmpty ? null : map.User,
            MapGroup = group is { } common ? _ => common : map.IsEmpty ? null : map.Group,
            Excludes = [.. arguments.GetValue(_exclude) ?? [],
                .. (arguments.GetValue(_excludeFrom) ?? []).SelectMany(ReadPatterns)],
            OneFileSystem = arguments.GetValue(_oneFileSystem),
            OnUnreadable = !arguments.GetValue(_ignoreUnreadable) ? null : what =>
            {
                UnreadableCount++;
                error.WriteLine($"lamina: {what}; it is left out");
            },
        };
    }

    private static WhiteoutRules ParseRules(string word) => word switch
    {
        "overlay" => WhiteoutRules.Overlay,
        "cpio" => WhiteoutRules.Cpio,
        _ => WhiteoutRules.Oci,
    };

    private static IEnumerable<string> ReadPatterns(string path) => TextLines.Read(path)
        .Select(line => PathBytes.Decode(Encoding.Latin1.GetBytes(line.TrimEnd('\r'))))
        .Where(line => line.Length > 0 && line[0] != '#');

    private static (uint? User, uint? Group)? ParseOwner(string text)
    {
        string[] parts = text.Split(':');
        if (parts.Length != 2 || text == ":")
            return null;
        uint? user = OwnerMap.ParseNumber(parts[0]), group = OwnerMap.ParseNumber(parts[1]);
        return (user is null && parts[0].Length > 0) || (group is null && parts[1].Length > 0) ? null : (user, group);
    }

    private static void CheckOwner(OptionResult result)
    {
        string text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
        if (ParseOwner(text) is null)
            result.AddError($"--owner {text}: two numbers are needed, such as 0:0");
    }
}
