namespace Lamina.Tests.Oracles;

/// <summary>A small Debian that systemd starts: made of packages, as an EROFS image.</summary>
internal static class SystemdRoot
{
    /// <summary>What a boot does not need and would only make the image larger.</summary>
    private static readonly string[] s_unneeded = ["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info"];

    /// <summary>The image; skips the test, visibly, where it cannot be had.</summary>
    internal static string Require()
    {
        _ = Tools.Require("mkfs.erofs");
        string image = Path.Combine(DebianPackages.Cache, "systemd.erofs");
        DebianPackages.Require(image, options => TryMake(image, options));
        return image;
    }

    private static string? TryMake(string image, string[] options)
    {
        string packages = Scratch.NewFolder("packages"), root = Scratch.NewFolder("systemd");
        Directory.CreateDirectory(Path.Combine(packages, "partial"));
        // The package state is empty, so this fetches all that is needed down to the C library.
        ToolResult fetched = Tools.Run("apt-get", [.. options, "-qq", "-y", "--no-install-recommends", "--download-only",
            "-o", $"Dir::Cache::archives={packages}", "-t", "bookworm", "install", "systemd-sysv", "dash", "coreutils"]);
        if (fetched.ExitCode != 0)
            return fetched.Error.Trim();
        DebianPackages.Unpack(packages, root);
        foreach (string folder in s_unneeded.Select(folder => Path.Combine(root, folder)).Where(Directory.Exists))
            Directory.Delete(folder, recursive: true);
        foreach (string folder in (string[])["dev", "proc", "sys", "run", "tmp", "root"])
            Directory.CreateDirectory(Path.Combine(root, folder));
        string partial = image + ".partial";
        File.Delete(partial);
        Tools.Run("mkfs.erofs", "-zlz4hc", "-C65536", "-T0", "--all-root", partial, root).MustSucceed();
        File.Move(partial, image);
        return null;
    }
}
