using System.CommandLine;

namespace Lamina.Cli;

/// <summary>What options are about: the groups that help and manual show them in.</summary>
internal static class OptionGroups
{
    private const string General = "General options";

    /// <summary>The groups, in order, each with its options; a test holds that each option of each verb is in one.</summary>
    private static readonly (string Title, string[] Names)[] s_groups =
    [
        ("What is written", ["--output", "--mode", "--kernel", "--format", "--form", "--block-size", "--label", "--vmdk",
            "--layers", "--config", "--keep-whiteouts", "--xattr-inode-digest", "--no-digest", "--force", "--arch", "--all",
            "--keep"]),
        ("How data is encoded", ["--compress", "--recompress", "--dax", "--cluster-size", "--fragments", "--no-inline",
            "--packed", "--dedupe", "--compress-hints", "--sort", "--recompress-all"]),
        ("What is taken of the layers", ["--from", "--split", "--split-by", "--layer-only", "--optional", "--rules",
            "--any-extension", "--userxattr", "--owner", "--map-owner", "--exclude", "--exclude-from", "--one-file-system",
            "--ignore-unreadable", "--platform", "--max-size"]),
        ("Booting", ["--init", "--kernel-modules", "--module", "--microcode", "--no-index", "--first", "--rescue-shell",
            "--initrd", "--cmdline", "--os-release", "--uname", "--stub"]),
        ("Trust", ["--verity", "--verity-algorithm", "--verity-salt", "--algorithm", "--salt", "--root-hash", "--hash-file",
            "--hash-offset", "--fs-verity", "--sign", "--key", "--certificate", "--password-file", "--signature", "--no-verify"]),
        ("What is done", ["--against", "--ignore", "--no-compare", "--loop", "--options", "--no-owner", "--no-devices"]),
        ("What is shown", ["--long", "--recursive", "--extents", "--no-links", "--explain", "--dry-run", "--json", "--text"]),
        (General, ["--threads", "--progress", "--quiet", "--verbose", "--help", "--version"]),
    ];

    /// <summary>Whether a group is known for an option.</summary>
    public static bool Knows(Option option) => s_groups.Any(group => group.Names.Contains(option.Name));

    /// <summary>The options of a command by group, in the order in which the command has them. What is in none is
    /// general.</summary>
    public static IEnumerable<(string Title, Option[] Options)> Of(Command command)
    {
        Option[] all = [.. CommandText.OptionsOf(command)];
        foreach ((string title, string[] names) in s_groups)
        {
            Option[] options = [.. all.Where(option => title == General ? names.Contains(option.Name) || !Knows(option)
                : names.Contains(option.Name))];
            if (options.Length > 0)
                yield return (title, options);
        }
    }
}
