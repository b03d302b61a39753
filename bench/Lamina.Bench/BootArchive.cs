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
    private const string First = "first", AsRoot = $"rdinit=/{First}", AsInit = $"init=/{First}";

    /// <summary>What mkfs.erofs is told for each codec.</summary>
    private static readonly (string Codec, string[] Options)[] s_codecs =
    [
        ("lz4hc", ["-zlz4hc", "-C65536"]),
        ("zstd", ["-zzstd", "-C65536", "-Eall-fragments"]),
    ];

    private static readonly (string Option, InitrdForm Form, string CommandLine)[] s_forms =
    [
        ("files", InitrdForm.Files, AsInit),
        ("in place", InitrdForm.InPlace, $"{AsInit} {InitrdBuilder.RetainOption}"),
    ];

    /// <summary>All of them; what is there from a former run is used again, but for those that hold /init.</summary>
    public IEnumerable<BootArchive> MakeAll()
    {
        Compile(First, System.IO.Path.Combine(root.Folder, First));
        string cpio = Keep("boot-root.cpio", path => Shell(
            $"cd '{root.Folder}' && find . -mindepth 1 | LC_ALL=C sort | cpio -o -H newc --quiet > '{path}'"));
        yield return new("cpio", cpio, AsRoot);
        string zstd = Keep("boot-root.cpio.zst", path => Shell($"zstd -q -15 -T0 -c '{cpio}' > '{path}'"));
        yield return new("cpio.zst -15", zstd, AsRoot);
        string xz = Keep("boot-root.cpio.xz", path => Shell($"xz --check=crc32 -T0 -c '{cpio}' > '{path}'"));
        yield return new("cpio.xz", xz, AsRoot);
        yield return new("squashfs zstd in a cpio, loop, overlayfs", Keep("boot-squashfs.cpio", MakeStacked), "");
        foreach (int count in (int[])[1, 3, 10])
        {
            string[] folders = root.Split(count);
            foreach ((string codec, string[] options) in s_codecs)
            {
                string[] layers = [.. folders.Select((folder, i) => Keep($"boot-{codec}-{i + 1}-of-{count}.erofs", path =>
                    Runner.Start("mkfs.erofs", ["--quiet", "-T0", Uuid, .. options, path, folder])))];
                string what = $"{codec}, {count} {(count == 1 ? "layer" : "layers")}";
                foreach ((string form, InitrdForm kind, string commandLine) in s_forms)
                    yield return MakeLamina($"Lamina, {form}, {what}", kind, layers, commandLine);
            }
        }
    }

    private BootArchive MakeLamina(string name, InitrdForm form, string[] layers, string commandLine)
    {
        string path = setting.Output($"boot-{name.Replace("Lamina, ", "").Replace(", ", "-").Replace(' ', '-')}.img");
        InitrdBuilder.Build([.. layers.Select(layer => new InitrdLayer(layer))], path, new InitrdOptions
        {
            Form = form,
            Init = setting.Init,
            KernelModules = [kernelModules],
            Overwrites = true,
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
