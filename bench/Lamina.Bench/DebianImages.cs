namespace Lamina.Bench;

/// <summary>A large Debian root as an image of each codec: what extraction is for. Made once, and kept in the scratch
/// folder.</summary>
internal static class DebianImages
{
    /// <summary>A form of the root: as an EROFS image and as a squashfs of the same codec.</summary>
    /// <param name="Name">What tables call it.</param>
    /// <param name="Erofs">How mkfs.erofs is told.</param>
    /// <param name="Squashfs">How mksquashfs is told.</param>
    public sealed record Form(string Name, string[] Erofs, string[] Squashfs)
    {
        public string Image(Setting setting) => setting.Output($"debian-{Name}.erofs");

        public string Squash(Setting setting) => setting.Output($"debian-{Name}.squashfs");
    }

    /// <summary>All forms; clusters and blocks of 64 KiB.</summary>
    public static readonly Form[] Forms =
    [
        new("none", [], ["-noI", "-noD", "-noF", "-noX"]),
        new("lz4hc", ["-zlz4hc", "-C65536"], ["-comp", "lz4", "-Xhc"]),
        new("zstd", ["-zzstd", "-C65536"], ["-comp", "zstd"]),
        new("lzma", ["-zlzma", "-C65536"], ["-comp", "xz"]),
    ];

    /// <summary>Makes what is not there yet.</summary>
    public static void Prepare(Setting setting, Form form)
    {
        string root = DebianRoot.MakeLarge(setting.Scratch).Folder;
        Once(form.Image(setting), path => Runner.Start("mkfs.erofs", ["--quiet", .. form.Erofs, path, root]));
        Once(form.Squash(setting), path => Runner.Start("mksquashfs",
            [root, path, "-quiet", "-no-progress", "-b", "65536", .. form.Squashfs]));
    }

    /// <summary>Makes something under another name first, so that a half one is never taken for it.</summary>
    private static void Once(string path, Action<string> make)
    {
        if (Path.Exists(path))
            return;
        string begun = path + ".begun";
        Runner.Start("rm", ["-rf", begun]);
        make(begun);
        Runner.Start("mv", [begun, path]);
    }
}
