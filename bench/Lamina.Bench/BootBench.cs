namespace Lamina.Bench;

/// <summary>Memory and time of booting one system as an initramfs in several forms.</summary>
internal static class BootBench
{
    /// <summary>In MiB: what the smallest is looked for below of, and what time and memory left are measured with.</summary>
    private const int Enough = 1536, Usual = 1024;

    public static void Run(Setting setting)
    {
        string kernels = Path.Combine(setting.Repository, ".cache", "kernels", "6.12"), image = Path.Combine(kernels, "vmlinuz");
        if (!File.Exists(image))
            throw new BenchException($"{image} is not there; ./check, or the boot tests alone, fetch it");
        string modules = Directory.GetDirectories(Path.Combine(kernels, "lib", "modules")).Single();
        BootMachine machine = new(image);
        BootArchives archives = new(setting, DebianRoot.Make(setting.Scratch), modules);
        MarkdownTable table = new($"Booting, Linux {Path.GetFileName(modules)}, {Usual} MiB, software emulation", "initramfs",
            "size, MB", "boots from, MiB", "available, MiB", "after a shell and Python, MiB", "to the first program, s",
            "merging, ms");
        foreach (BootArchive archive in archives.MakeAll().Where(archive => setting.Wants(archive.Name)))
        {
            BootRun[] runs = [.. Enumerable.Range(0, setting.Runs).Select(_ => machine.Boot(archive, Usual))];
            if (!Array.TrueForAll(runs, run => run.Succeeded))
                throw new BenchException($"{archive.Name} does not boot with {Usual} MiB");
            double merge = Median(runs, run => run.Merge);
            table.Row(archive.Name, MarkdownTable.Megabytes(archive.Length / 1e6),
                $"{machine.SmallestMemory(archive, Enough)}", MarkdownTable.Megabytes(Median(runs, run => run.Available)),
                MarkdownTable.Megabytes(Median(runs, run => run.Later)), MarkdownTable.Seconds(Median(runs, run => run.First)),
                merge > 0 ? MarkdownTable.Megabytes(merge) : "");
        }
    }

    private static double Median(BootRun[] runs, Func<BootRun, double> value)
    {
        double[] values = [.. runs.Select(value).Order()];
        return values[values.Length / 2];
    }
}
