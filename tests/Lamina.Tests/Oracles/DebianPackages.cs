using System.Text.RegularExpressions;

namespace Lamina.Tests.Oracles;

/// <summary>
/// Packages as test inputs: fetched by apt from where this machine gets its own Debian, of whatever suite, with a package state
/// of its own in a folder that git ignores. Nothing of the system's own state is touched.
/// </summary>
internal static partial class DebianPackages
{
    /// <summary>The architecture of this machine, whichever that is.</summary>
    private const string Own = "";

    private static readonly Dictionary<string, string?> s_obstacles = [];
    private static readonly Lock s_lock = new();

    /// <summary>Where inputs are kept from run to run.</summary>
    internal static string Cache => Path.Combine(TidyTests.FindRoot(), ".cache");

    /// <summary>
    /// Has inputs made, once: <paramref name="fetch"/> gets apt's options and says what is in the way, or makes
    /// <paramref name="result"/>. Skips the test, visibly, where they cannot be had.
    /// </summary>
    internal static void Require(string result, Func<string[], string?> fetch, string architecture = Own)
    {
        lock (s_lock)
        {
            if (File.Exists(result))
                return;
            if (!s_obstacles.TryGetValue(result, out string? obstacle))
                s_obstacles.Add(result, obstacle = TryFetch(fetch, architecture));
            Assert.SkipUnless(obstacle is null, $"{Path.GetRelativePath(Cache, result)} cannot be had: {obstacle}");
        }
    }

    /// <summary>Unpacks all packages of a folder.</summary>
    internal static void Unpack(string packages, string folder)
    {
        foreach (string package in Directory.GetFiles(packages, "*.deb").Order(StringComparer.Ordinal))
            Tools.Run("dpkg-deb", "-x", package, folder).MustSucceed();
    }

    private static string? TryFetch(Func<string[], string?> fetch, string architecture)
    {
        string? missing = Array.Find(["apt-get", "apt-cache", "dpkg-deb"], tool => Tools.Find(tool) is null);
        if (missing is not null)
            return $"{missing} is not installed";
        string? source = DebianSource();
        if (source is null)
            return "the machine's package sources name no Debian";
        // Lists that were fetched some time ago name packages that are gone: once more with new ones.
        string? obstacle = fetch(PrepareApt(source, architecture, isNew: false));
        return obstacle is null ? null : fetch(PrepareApt(source, architecture, isNew: true));
    }

    /// <summary>Apt with a state of its own: sources, lists and cache lie in the cache folder.</summary>
    private static string[] PrepareApt(string debian, string architecture, bool isNew)
    {
        bool isOwn = architecture == Own;
        string state = Directory.CreateDirectory(Path.Combine(Cache, isOwn ? "apt" : $"apt-{architecture}")).FullName;
        foreach (string folder in (string[])["lists/partial", "cache/archives/partial"])
            Directory.CreateDirectory(Path.Combine(state, folder));
        string sources = Path.Combine(state, "sources.list"), status = Path.Combine(state, "status");
        string done = Path.Combine(state, "updated");
        string[] options =
        [
            "-o", $"Dir::Etc::SourceList={sources}", "-o", "Dir::Etc::SourceParts=/dev/null",
            "-o", $"Dir::State::Lists={state}/lists", "-o", $"Dir::Cache={state}/cache", "-o", $"Dir::State::status={status}",
            "-o", "APT::Sandbox::User=root",
            .. isOwn ? (string[])[] : ["-o", $"APT::Architecture={architecture}", "-o", $"APT::Architectures={architecture}"],
        ];
        if (isNew || !File.Exists(done))
        {
            // The suites in which the inputs are, whichever Debian this machine has.
            File.WriteAllText(sources, string.Concat(
                ((string[])["bookworm", "bookworm-backports", "unstable"]).Select(suite => $"deb {debian} {suite} main\n")));
            File.WriteAllText(status, "");
            if (Tools.Run("apt-get", [.. options, "-qq", "update"]).ExitCode == 0)
                File.WriteAllText(done, "");
        }
        return options;
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

    [GeneratedRegex(@"^deb\s+(\[[^\]]*\])?\s*(\S+/debian/?)\s", RegexOptions.Multiline)]
    private static partial Regex OneLine();

    [GeneratedRegex(@"^URIs:\s*(\S+/debian/?)\s*$", RegexOptions.Multiline)]
    private static partial Regex AddressField();

    [GeneratedRegex(@"^Signed-By:\s*(/\S+)\s*$", RegexOptions.Multiline)]
    private static partial Regex KeyField();
}
