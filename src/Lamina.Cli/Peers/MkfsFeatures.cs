using Lamina.Building;

namespace Lamina.Cli.Peers;

/// <summary>What mkfs.erofs's <c>-E</c> names.</summary>
internal sealed class MkfsFeatures
{
    /// <summary>What changes nothing here, as it is so in any case or is decided by what is in files.</summary>
    private static readonly string[] s_chosen =
    [
        "force-inode-compact", "force-inode-blockmap", "force-chunk-indexes", "xattr-name-filter", "plain-xattr-prefixes",
        "dot-omitted", "fragdedupe",
    ];

    /// <summary>All names.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. s_chosen, "48bit", "all-fragments", "dedupe", "force-inode-extended", "fragments", "inline_data", "legacy-compress",
        "noinline_data", "nosbcrc", "ztailpacking",
    ];

    public FragmentUse Fragments { get; private set; } = FragmentUse.None;

    public bool IsPacked { get; private set; }

    public bool Dedupes { get; private set; }

    public bool IsExtended { get; private set; }

    public bool OmitsChecksum { get; private set; }

    /// <summary>Whether ends of uncompressed files stand with inodes.</summary>
    public bool HasInlineData { get; private set; } = true;

    /// <summary>Whether ends of compressed files do.</summary>
    public bool HasTailPacking { get; private set; }

    /// <summary>Takes features in.</summary>
    public void Add(string text, Action<string> warn)
    {
        foreach (string word in text.Split(','))
        {
            bool isOn = !word.StartsWith('^');
            string[] sides = word[(isOn ? 0 : 1)..].Split('=', 2);
            if (!Names.Contains(sides[0]))
                throw new PeerException($"unknown extended option {word}", $"There are {string.Join(", ", Names.Order())}.");
            Set(sides[0], isOn, warn);
            if (sides.Length > 1 && sides[0] == "fragments")
                warn($"{word}: clusters of fragments are as large as -C says");
            else if (sides.Length > 1 && sides[0] != "fragdedupe")
                throw new PeerException($"-E{word}: {sides[0]} has no value");
        }
    }

    private void Set(string name, bool isOn, Action<string> warn)
    {
        switch (name)
        {
            case "48bit":
                IsPacked = isOn;
                break;
            case "all-fragments":
                Fragments = isOn ? FragmentUse.All : FragmentUse.None;
                break;
            case "fragments":
                Fragments = isOn ? FragmentUse.Tails : FragmentUse.None;
                break;
            case "dedupe":
                Dedupes = isOn;
                break;
            case "force-inode-extended":
                IsExtended = isOn;
                break;
            case "force-inode-compact":
                IsExtended &= !isOn;
                break;
            case "inline_data":
                HasInlineData = isOn;
                break;
            case "noinline_data":
                HasInlineData = !isOn;
                break;
            case "nosbcrc":
                OmitsChecksum = isOn;
                break;
            case "ztailpacking":
                HasTailPacking = isOn;
                break;
            case "legacy-compress" when isOn:
                warn("legacy-compress: the layout of before Linux 5.4 is not written");
                break;
        }
    }
}
