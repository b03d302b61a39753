namespace Lamina.Cli;

/// <summary>What other programs call what is a verb here, and no count of letters would find.</summary>
internal static class ForeignVerbs
{
    private static readonly Dictionary<string, string> s_verbs = new()
    {
        ["list"] = "ls",
        ["dir"] = "ls",
        ["find"] = "ls -R",
        ["unmount"] = "umount",
        ["info"] = "inspect",
        ["show"] = "inspect",
        ["history"] = "inspect",
        ["create"] = "build",
        ["make"] = "build",
        ["pack"] = "build",
        ["compress"] = "build",
        ["squash"] = "build",
        ["mkfs.squashfs"] = "build",
        ["mksquashfs"] = "build",
        ["combine"] = "merge",
        ["join"] = "merge",
        ["union"] = "merge",
        ["overlay"] = "merge",
        ["stack"] = "merge",
        ["add"] = "append",
        ["unpack"] = "extract",
        ["unsquashfs"] = "extract",
        ["untar"] = "extract",
        ["cp"] = "extract",
        ["copy"] = "extract",
        ["tar"] = "export",
        ["cpio"] = "export",
        ["save"] = "export",
        ["convert"] = "export",
        ["verify"] = "check",
        ["validate"] = "check",
        ["test"] = "check",
        ["compare"] = "diff",
        ["cmp"] = "diff",
        ["hash"] = "verity format",
        ["veritysetup"] = "verity format",
        ["sign"] = "verity sign",
        ["digest"] = "verity digest",
        ["fsverity"] = "verity digest",
        ["initramfs"] = "initrd",
        ["initrd.img"] = "initrd",
        ["dracut"] = "initrd",
        ["mkinitramfs"] = "initrd",
        ["efi"] = "uki",
        ["ukify"] = "uki",
        ["hexdump"] = "dump",
        ["print"] = "cat",
        ["read"] = "cat",
        ["manual"] = "man",
        ["usage"] = "help",
        ["version"] = "--version",
    };

    /// <summary>All of them, with what they are here.</summary>
    public static IReadOnlyDictionary<string, string> All => s_verbs;

    /// <summary>What a verb of others is called here; null if it is none that is known.</summary>
    public static string? Find(string word) => s_verbs.GetValueOrDefault(word);
}
