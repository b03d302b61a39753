using System.Text.RegularExpressions;

namespace Lamina.Tests.Oracles;

/// <summary>A kernel to boot: its image, its modules, its release.</summary>
internal sealed record TestKernel(string Image, string Modules, string Release);

/// <summary>
/// Debian's own kernels, cloud flavour, as test inputs: fetched as packages into a folder that git ignores, once. The sources are
/// those of the machine's own Debian, with other suites; nothing of the system's own package state is touched.
/// </summary>
internal static partial class KernelPackages
{
    private static readonly string s_cache = Path.Combine(Root, ".cache", "kernels");
    private static readonly Dictionary<string, string?> s_obstacles = [];
    private static readonly Lock s_lock = new();

    /// <summary>The packages of each kernel: a pattern for the newest of a version, as POSIX has them.</summary>
    private static readonly Dictionary<string, string[]> s_packages = new()
    {
        ["6.1"] = ["^linux-image-6[.]1[.][0-9]+-[0-9]+-cloud-amd64$"],
        ["6.12"] = ["^linux-image-6[.]12[.][0-9]+[+]deb12-cloud-amd64$"],
        ["7.2"] =
        [
            "^linux-binary-7[.]2[.][0-9]+[+]deb[0-9]+-cloud-amd64$",
            "^linux-modules-7[.]2[.][0-9]+[+]deb[0-9]+-cloud-amd64$",
        ],
    };

    /// <summary>A kernel of this version; skips the test, visibly, where it cannot be had.</summary>
    internal static TestKernel Require(string version)
    {
        lock (s_lock)
        {
            string folder = Path.Combine(s_cache, version);
            if (!File.Exists(Path.Combine(folder, "vmlinuz")))
            {
                if (!s_obstacles.TryGetValue(version, out string? obstacle))
                    s_obstacles.Add(version, obstacle = TryFetch(version, folder));
                Assert.SkipUnless(obstacle is null, $"kernel {version} cannot be had: {obstacle}");
            }
            string modules = Directory.GetDirectories(Path.Combine(folder, "lib", "modules")).Single();
            return new TestKernel(Path.Combine(folder, "vmlinuz"), modules, Path.GetFileName(modules));
        }
    }

    private static string? TryFetch(string version, string folder)
    {
        foreach (string tool in (string[])["apt-get", "apt-cache", "dpkg-deb", "depmod"])
        {
            if (Tools.Find(tool) is null)
                return $"{tool} is not installed";
        }
        string? source = DebianSource();
        if (source is null)
            return "the machine's package sources name no Debian";
        // Lists that were fetched some time ago name packages that are gone: once more with new ones.
        string? obstacle = TryFetch(s_packages[version], folder, PrepareApt(source, isNew: false));
        return obstacle is null ? null : TryFetch(s_packages[version], folder, PrepareApt(source, isNew: true));
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
        Unpack(Directory.GetFiles(packages, "*.deb"), folder);
        return null;
    }

    /// <summary>Apt with a state of its own: sources, lists and cache lie in the cache folder.</summary>
    private static string[] PrepareApt(string debian, bool isNew)
    {
        string state = Directory.CreateDirectory(Path.Combine(s_cache, "apt")).FullName;
        foreach (string folder in (string[])["lists/partial", "cache/archives/partial"])
            Directory.CreateDirectory(Path.Combine(state, folder));
        string sources = Path.Combine(state, "sources.list"), status = Path.Combine(state, "status"), done =
            Path.Combine(state, "updated");
        string[] options =
        [
            "-o", $"Dir::Etc::SourceList={sources}", "-o", "Dir::Etc::SourceParts=/dev/null", "-o",
                $"Dir::State::Lists={state}/lists",
            "-o", $"Dir::Cache={state}/cache", "-o", $"Dir::State::status={status}", "-o", "APT::Sandbox::User=root",
        ];
        if (isNew || !File.Exists(done))
        {
            // The suites in which these versions are, whichever Debian this machine has.
            File.WriteAllText(sources, string.Concat(
                ((string[])["bookworm", "bookworm-backports", "unstable"]).Select(suite => $"deb {debian} {suite} main\n")));
            File.WriteAllText(status, "");
            if (Tools.Run("apt-get", [.. options, "-qq", "update"]).ExitCode == 0)
                File.WriteAllText(done, "");
        }
        return options;
    }

    private static void Unpack(string[] packages, string folder)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);      // of a run that was interrupted
        string work = Scratch.NewFolder("kernel");
        foreach (string package in packages)
            Tools.Run("dpkg-deb", "-x", package, work).MustSucceed();
        string modules = ((string[])["lib/modules", "usr/lib/modules"]).Select(name =>
            Path.Combine(work, name)).First(Directory.Exists);
        string release = Path.GetFileName(Directory.GetDirectories(modules).Single());
        Directory.CreateDirectory(Path.Combine(folder, "lib", "modules"));
        string target = Path.Combine(folder, "lib", "modules", release);
        Tools.Run("cp", "-r", "--no-preserve=ownership", Path.Combine(modules, release), target).MustSucceed();
        Tools.Run("depmod", "-b", folder, release).MustSucceed();
        string image = ((string[])[Path.Combine(work, "boot", $"vmlinuz-{release}"), Path.Combine(target, "vmlinuz")]).First(
            File.Exists);
        File.Copy(image, Path.Combine(folder, "vmlinuz"), overwrite: true);       // last: its presence says that all is there
    }

    /// <summary>
    /// Where the machine gets Debian itself from, with the options that say whom it trusts: <c>[signed-by=...] URI</c>.
    /// </summary>
    private static string? DebianSource()
    {
        foreach (string path in Sources())
        {
            string text = File.ReadAllText(path);
            Match line = OneLine().Match(text), address = AddressField().Match(text), key = KeyField().Match(text);
            if (line.Success)
                return $"{line.Groups[1].Value} {line.Groups[2].Value}".Trim();
            if (address.Success)
                return $"{(key.Success ? $"[signed-by={key.Groups[1].Value}]" : "")} {address.Groups[1].Value}".Trim();
        }
        return null;
    }

    private static IEnumerable<string> Sources()
    {
        const string list = "/etc/apt/sources.list", parts = "/etc/apt/sources.list.d";
        string[] more = Directory.Exists(parts) ? Directory.GetFiles(parts) : [];
        return more.Order(StringComparer.Ordinal).Prepend(list).Where(File.Exists);
    }

    private static long VersionIn(string name) => Numbers().Matches(name).Take(4)
        .Aggregate(0L, (sum, number) => sum * 1000 + long.Parse(number.Value, System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>The folder of the sources.</summary>
    internal static string Root => FindRoot();

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Lamina.slnx")))
            folder = folder.Parent;
        return folder?.FullName ?? AppContext.BaseDirectory;
    }

    [GeneratedRegex(@"^deb\s+(\[[^\]]*\])?\s*(\S+/debian/?)\s", RegexOptions.Multiline)]
    private static partial Regex OneLine();

    [GeneratedRegex(@"^URIs:\s*(\S+/debian/?)\s*$", RegexOptions.Multiline)]
    private static partial Regex AddressField();

    [GeneratedRegex(@"^Signed-By:\s*(/\S+)\s*$", RegexOptions.Multiline)]
    private static partial Regex KeyField();

    [GeneratedRegex(@"\d+")]
    private static partial Regex Numbers();
}
