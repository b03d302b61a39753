using Lamina.Boot;

namespace Lamina.Bench;

/// <summary>An initramfs to boot.</summary>
/// <param name="Name">What the table calls it.</param>
/// <param name="Path">The file.</param>
/// <param name="CommandLine">What the kernel is told besides the usual.</param>
internal sealed record BootArchive(string Name, string Path, string CommandLine)
{
    public long Length => new FileInfo(Path).Length;
}

/// <summary>Makes one system as an initramfs in all the ways that are compared.</summary>
internal sealed class BootArchives(Setting setting, DebianRoot root, string kernelModules)
{
    private const string Uuid = "-U00000000-0000-4000-8000-000000000000";
    private const string Stacked = "squashfs zstd in a cpio, loop, overlayfs";
    private const string First = "first", AsRoot = $"rdinit=/{First}", AsInit = $"init=/{First}";

    /// <summary>What mkfs.erofs is told for each codec.</summary>
    private static readonly (string Codec, string[] Options)[] s_codecs =
    [
        ("lz4hc", ["-zlz4hc", "-C65536"]),
        ("zstd", ["-zzstd,level=15", "-C65536", "-Eall-fragments"]),
    ];

    private static readonly (string Name, string Suffix, string Command)[] s_cpios =
    [
        ("cpio", "", "cat"),
        ("cpio.zst -15", ".zst", "zstd -q -15 -T0"),
        ("cpio.xz", ".xz", "xz --check=crc32 -T0"),
    ];

    private static readonly (string Option, InitrdForm Form, bool HasIndex, string CommandLine)[] s_forms =
    [
        ("files", InitrdForm.Files, true, AsInit),
        ("in place", InitrdForm.InPlace, true, $"{AsInit} {InitrdBuilder.RetainOption}"),
        ("in place, merged at boot", InitrdForm.InPlace, false, $"{AsInit} {InitrdBuilder.RetainOption}"),
    ];

    /// <summary>
    /// Those that are wanted, each made when it is asked for. What is there from a former run is used again, but for those that
    /// hold /init.
    /// </summary>
    public IEnumerable<BootArchive> Make()
    {
        Compile(First, System.IO.Path.Combine(root.Folder, First));
        foreach ((string name, string suffix, string command) in s_cpios.Where(one => setting.Wants(one.Name)))
        {
            string path = Keep($"boot-root.cpio{suffix}", path => Shell($"{command} < '{MakeCpio()}' > '{path}'"));
            yield return new(name, path, AsRoot);
        }
        if (setting.Wants(Stacked))
            yield return new(Stacked, Keep("boot-squashfs.cpio", MakeStacked), "");
        foreach (int count in (int[])[1, 3, 10])
        {
            foreach ((string codec, string[] options) in s_codecs)
            {
                string what = $"{codec}, {count} {(count == 1 ? "layer" : "layers")}";
                foreach ((string form, InitrdForm kind, bool hasIndex, string commandLine) in s_forms)
                {
                    string name = $"Lamina, {form}, {what}";
                    if (setting.Wants(name) && (hasIndex || count > 1))
                        yield return MakeLamina(name, kind, hasIndex && count > 1, MakeLayers(count, codec, options),
                            commandLine);
                }
            }
        }
    }

    private string[] MakeLayers(int count, string codec, string[] options) => [.. root.Split(count).Select((folder, i) =>
        Keep($"boot-{codec}-{i + 1}-of-{count}.erofs", path =>
            Runner.Start("mkfs.erofs", ["--quiet", "-T0", Uuid, .. options, path, folder])))];

    private string MakeCpio() => Keep("boot-root.plain", path => Shell(
        $"cd '{root.Folder}' && find . -mindepth 1 | LC_ALL=C sort | cpio -o -H newc --quiet > '{path}'"));

    private BootArchive MakeLamina(string name, InitrdForm form, bool hasIndex, string[] layers, string commandLine)
    {
        string path = setting.Output($"boot-{name.Replace("Lamina, ", "").Replace(", ", "-").Replace(' ', '-')}.img");
        InitrdBuilder.Build([.. layers.Select(layer => new InitrdLayer(layer))], path, new InitrdOptions
        {
            Form = form,
            Init = setting.Init,
            KernelModules = [kernelModules],
            HasIndex = hasIndex,
            Overwrite = true,
        });
        return new BootArchive(name, path, commandLine);
    }

    /// <summary>A squashfs with the modules and an init that mounts it.</summary>
    private void MakeStacked(string path)
    {
        string folder = setting.Output("boot-squashfs");
        if (Directory.Exists(folder))
            Directory.Delete(folder, true);
        string modules = Directory.CreateDirectory(System.IO.Path.Combine(folder, "modules")).FullName;
        Directory.CreateDirectory(System.IO.Path.Combine(folder, "dev"));
        IReadOnlyList<ModuleFile> files = KernelModules.Open(kernelModules).Resolve(["squashfs", "loop", "overlay"]);
        foreach (ModuleFile file in files)
            File.WriteAllBytes(System.IO.Path.Combine(modules, $"{file.Name}.ko"), file.Read());
        File.WriteAllLines(System.IO.Path.Combine(modules, "order"), files.Select(file => file.Name));
        Compile("stacked", System.IO.Path.Combine(folder, "init"));
        Runner.Start("mksquashfs", [root.Folder, System.IO.Path.Combine(folder, "root.squashfs"), "-comp", "zstd", "-noappend",
            "-quiet", "-no-progress"]);
        Runner.Start("mknod", ["-m", "600", System.IO.Path.Combine(folder, "dev", "console"), "c", "5", "1"]);
        Shell($"cd '{folder}' && find . -mindepth 1 | LC_ALL=C sort | cpio -o -H newc --quiet > '{path}'");
    }

    private static void Compile(string name, string program) => Runner.Start("gcc",
        ["-static", "-Os", "-s", "-o", program, System.IO.Path.Combine(AppContext.BaseDirectory, "Guest", $"{name}.c")]);

    private static void Shell(string command) => Runner.Start("sh", ["-c", command]);

    /// <summary>Makes a file unless it is there.</summary>
    private string Keep(string name, Action<string> make)
    {
        string path = setting.Output(name), partial = $"{path}.partial";
        if (File.Exists(path))
            return path;
        Console.Error.WriteLine($"making {name}");
        File.Delete(partial);
        make(partial);
        File.Move(partial, path);
        return path;
    }
}
