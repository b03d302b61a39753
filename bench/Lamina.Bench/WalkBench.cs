using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Lamina.Bench;

/// <summary>
/// Walking and reading the merged mount against overlayfs of the same layers. All are mounted from files, without loop devices;
/// it takes root and Linux 6.12.
/// </summary>
internal static partial class WalkBench
{
    private const int ReadOnly = 1, Detach = 2;

    private static readonly (string Name, string Command)[] s_walks =
    [
        ("find", "find . > /dev/null"),
        ("find with stat", "find . -printf '%s %T@ %n\\n' > /dev/null"),
        ("read all", "find . -type f -print0 | xargs -0 cat > /dev/null"),
    ];

    public static void Run(Setting setting)
    {
        int layers = setting.IsQuick ? 5 : 20, files = setting.IsQuick ? 2_000 : 10_000;
        Workload workload = Workload.SmallFiles(setting.Scratch, layers, files, FileTimes.Various);
        string mounts = Directory.CreateTempSubdirectory("lamina-walk-").FullName;
        Contender[] made =
        [
            MergeBench.Lamina(setting, workload, "flat", "6.12", false),
            MergeBench.Lamina(setting, workload, "index", "6.12", false),
            MergeBench.Lamina(setting, workload, "full", "6.12", false),
        ];
        List<string> mounted = [];
        try
        {
            foreach (Contender one in made)
            {
                File.Delete(one.Output!);
                Runner.Start(one.Program, one.Arguments);
            }
            Mount("overlayfs", Overlay(workload, mounts, mounted));
            Mount("lamina flat", made[0].Output!);
            Mount("lamina index", made[1].Output!, string.Join(',', workload.Layers.Select(layer => $"device={layer}")));
            Mount("lamina full", made[2].Output!);
            string[] names = ["overlayfs", "lamina flat", "lamina index", "lamina full"];
            Compare(setting, "page cache warm", names, mounts, null);
            Compare(setting, "page cache dropped before each run", names, mounts, DropCaches);
        }
        finally
        {
            for (int i = mounted.Count - 1; i >= 0; i--)
                _ = UnmountFolder(mounted[i], Detach);
            Directory.Delete(mounts, true);
            foreach (Contender one in made)
                File.Delete(one.Output!);
        }

        void Mount(string name, string source, string options = "") =>
            MountAt(Path.Combine(mounts, name), name == "overlayfs" ? "overlay" : "erofs", name == "overlayfs" ? "overlay"
                : source,
                name == "overlayfs" ? source : options, mounted);
    }

    private static void Compare(Setting setting, string state, string[] names, string mounts, Action? beforeEach)
    {
        string title = $"Walking the mount, {state}";
        if (!setting.Wants(title))
            return;
        MarkdownTable table = new(title, ["", .. names.Select(name => $"{name} s"),
            .. names[1..].Select(name => $"{name}: less")]);
        foreach ((string walk, string command) in s_walks)
        {
            Contender[] contenders = [.. names.Select(name =>
                new Contender(name, "sh", ["-c", $"cd '{Path.Combine(mounts, name)}' && {command}"], null))];
            Outcome[] outcomes = Comparison.Run(contenders, setting.Runs, beforeEach);
            table.Row([walk, .. outcomes.Select(one => MarkdownTable.Seconds(one.Median.Wall)),
                .. outcomes[1..].Select(one => MarkdownTable.Times(outcomes[0].Median.Wall, one.Median.Wall))]);
        }
    }

    /// <summary>Mounts every layer and gives overlayfs' option for them.</summary>
    private static string Overlay(Workload workload, string mounts, List<string> mounted)
    {
        // Short names in a folder of their own: all options of one mount have to fit into a page.
        List<string> lowers = [];
        for (int i = 0; i < workload.Layers.Length; i++)
        {
            string folder = Path.Combine(mounts, $"{i}");
            MountAt(folder, "erofs", workload.Layers[i], "", mounted);
            lowers.Add(folder);
        }
        lowers.Reverse();
        return $"lowerdir={string.Join(':', lowers)}";
    }

    private static void MountAt(string folder, string type, string source, string options, List<string> mounted)
    {
        Directory.CreateDirectory(folder);
        if (MountFolder(source, folder, type, ReadOnly, options) != 0)
            throw new BenchException(
                $"{source} cannot be mounted as {type}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        mounted.Add(folder);
    }

    private static void DropCaches() => File.WriteAllText("/proc/sys/vm/drop_caches", "3");

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MountFolder(string source, string folder, string type, nuint flags, string options);

    [LibraryImport("libc", EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int UnmountFolder(string folder, int flags);
}
