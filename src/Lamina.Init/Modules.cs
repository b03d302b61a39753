using Lamina.Boot;

namespace Lamina.Init;

/// <summary>Kernel modules: those that the archive brought for this kernel, in the order that it says.</summary>
internal static class Modules
{
    private const int Exists = 17;

    /// <summary>Loads them all.</summary>
    /// <param name="release">The running kernel.</param>
    public static void Load(string release)
    {
        string folder = $"/{BootFiles.Modules}/{release}", order = $"{folder}/{BootFiles.ModuleOrder}";
        if (!File.Exists(order))
        {
            string[] others = Directory.Exists($"/{BootFiles.Modules}")
                ? [.. Directory.GetDirectories($"/{BootFiles.Modules}").Select(path =>
                    Path.GetFileName(path)).Order(StringComparer.Ordinal)] : [];
            if (others.Length > 0)
                KernelLog.Warn($"the archive has modules for {string.Join(", ", others)}, but this kernel is {release}");
            return;
        }
        KernelLog.Say($"{LoadList(folder, order)} modules loaded for kernel {release}");
    }

    /// <summary>Loads what only some boots need, with all it needs itself; nothing if the archive has not brought it.</summary>
    public static void LoadRare(string name, string release)
    {
        string folder = $"/{BootFiles.Modules}/{release}", order = $"{folder}/{BootFiles.ModuleOrder}-{name}";
        if (File.Exists(order))
            KernelLog.Say($"{LoadList(folder, order)} modules loaded for {name}");
    }

    private static int LoadList(string folder, string order)
    {
        int count = 0;
        foreach (string line in File.ReadAllLines(order))
            count += LoadOne(folder, line.TrimStart('-'), isOptional: line.StartsWith('-')) ? 1 : 0;
        return count;
    }

    /// <summary>Makes sure that the kernel has a file system now.</summary>
    public static void Require(string fileSystem, string release)
    {
        if (!Has(fileSystem))
        {
            throw new BootFailure(
                $"kernel {release} has no {fileSystem}, and the archive brought no module {fileSystem} for it (lamina " +
                    $"initrd --kernel-modules)");
        }
    }

    private static bool Has(string fileSystem) => File.ReadAllLines("/proc/filesystems")
        .Any(line => line.EndsWith($"\t{fileSystem}", StringComparison.Ordinal));

    private static bool LoadOne(string folder, string name, bool isOptional)
    {
        string path = $"{folder}/{name}.ko";
        int descriptor = Native.Open(path, Native.CloseOnExec, 0);
        if (descriptor < 0)
            throw new BootFailure(
                $"module {name} is missing: the archive lists it, but {path} cannot be opened: {Native.LastError}");
        int errno = Native.LoadModule(descriptor);
        string said = Native.LastError;
        _ = Native.Close(descriptor);
        if (errno is 0 or Exists)
            return errno == 0;
        return isOptional ? false : throw new BootFailure($"module {name} cannot be loaded: {said}");
    }
}
