using System.Globalization;
using System.Text.RegularExpressions;

namespace Lamina.Tests.Oracles;

/// <summary>A kernel to boot: its image, its modules, its release.</summary>
internal sealed record TestKernel(string Image, string Modules, string Release);

/// <summary>Debian's own kernels, cloud flavour.</summary>
internal static partial class KernelPackages
{
    /// <summary>The packages of each kernel: a pattern for the newest of a version, as POSIX has them.</summary>
    private static readonly Dictionary<string, string[]> s_packages = new()
    {
        ["6.1"] = ["^linux-image-6[.]1[.][0-9]+-[0-9]+-cloud-amd64$"],
        ["6.12"] = ["^linux-image-6[.]12[.][0-9]+[+]deb12-cloud-amd64$"],
        ["7.2"] =
        [
            "^linux-binary-7[.]2[.][0-9]+[+]deb[0-9]+-cloud-amd64$",
            "^linux-base-7[.]2[.][0-9]+[+]deb[0-9]+-cloud-amd64$",
            "^linux-modules-7[.]2[.][0-9]+[+]deb[0-9]+-cloud-amd64$",
        ],
    };

    /// <summary>A kernel of this version for PCs; skips the test, visibly, where it cannot be had.</summary>
    internal static TestKernel Require(string version)
    {
        string folder = Path.Combine(DebianPackages.Cache, "kernels", version), image = Path.Combine(folder, "vmlinuz");
        _ = Tools.Require("depmod");
        DebianPackages.Require(image, options => TryFetch(s_packages[version], folder, options));
        return In(folder, image);
    }

    /// <summary>The same for machines with 64-bit ARM processors.</summary>
    internal static TestKernel RequireArm(string version)
    {
        string folder = Path.Combine(DebianPackages.Cache, "kernels", $"{version}-arm64");
        string image = Path.Combine(folder, "vmlinuz");
        _ = Tools.Require("depmod");
        string[] packages = [.. s_packages[version].Select(pattern => pattern.Replace("amd64", "arm64"))];
        DebianPackages.Require(image, options => TryFetch(packages, folder, options), "arm64");
        return In(folder, image);
    }

    private static TestKernel In(string folder, string image)
    {
        string modules = Directory.GetDirectories(Path.Combine(folder, "lib", "modules")).Single();
        return new TestKernel(image, modules, Path.GetFileName(modules));
    }

    private static string? TryFetch(string[] patterns, string folder, string[] options)
    {
        string packages = Scratch.NewFolder("packages");
        foreach (string pattern in patterns)
        {
            ToolResult found = Tools.Run("apt-cache", [.. options, "search", "--names-only", pattern]);
            string? name = found.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[0])
                .OrderBy(name => VersionIn(name)).LastOrDefault();
            if (name is null)
                return $"no package {pattern}";
            ToolResult fetched = Tools.RunIn(packages, "apt-get", [.. options, "download", name]);
            if (fetched.ExitCode != 0)
                return fetched.Error.Trim();
        }
        Unpack(packages, folder);
        return null;
    }

    private static void Unpack(string packages, string folder)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);      // of a run that was interrupted
        string work = Scratch.NewFolder("kernel");
        DebianPackages.Unpack(packages, work);
        string modules = ((string[])["lib/modules", "usr/lib/modules"]).Select(name =>
            Path.Combine(work, name)).First(Directory.Exists);
        string release = Path.GetFileName(Directory.GetDirectories(modules).Single());
        Directory.CreateDirectory(Path.Combine(folder, "lib", "modules"));
        string target = Path.Combine(folder, "lib", "modules", release);
        Tools.Run("cp", "-r", "--no-preserve=ownership", Path.Combine(modules, release), target).MustSucceed();
        Tools.Run("depmod", "-b", folder, release).MustSucceed();
        string image = ((string[])[Path.Combine(work, "boot", $"vmlinuz-{release}"), Path.Combine(target, "vmlinuz")]).First(
            File.Exists);
        string partial = Path.Combine(folder, "vmlinuz.partial");
        File.Copy(image, partial, overwrite: true);
        File.Move(partial, Path.Combine(folder, "vmlinuz"));       // last: its presence says that all is there
    }

    private static long VersionIn(string name) => Numbers().Matches(name).Take(4)
        .Aggregate(0L, (sum, number) => sum * 1000 + long.Parse(number.Value, CultureInfo.InvariantCulture));

    [GeneratedRegex(@"\d+")]
    private static partial Regex Numbers();
}
