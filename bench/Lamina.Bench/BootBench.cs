namespace Lamina.Bench;

/// <summary>Memory and time of booting one system as an initramfs in several forms.</summary>
internal static class BootBench
{
    /// <summary>In MiB: what the smallest is looked for below of, and what time and memory left are measured with.</summary>
    private const int Usual = 1024;

    public static void Run(Setting setting)
    {
        string kernels = Path.Combine(setting.Repository, ".cache", "kernels", "6.12"), image = Path.Combine(kernels, "vmlinuz");
        if (!File.Exists(image))
            throw new BenchException($"{image} is not there; ./check, or the boot tests alone, fetch it");
        string modules = Directory.GetDirectories(Path.Combine(kernels, "lib", "modules")).Single();
        BootMachine machine = new(image);
        BootArchive[] archives = [.. new BootArchives(setting, DebianRoot.MakeSmall(setting.Scratch), modules).Make()];
        BootRun[][] runs = Measure(machine, archives, setting.Runs);
        MarkdownTable table = new($"Booting, Linux {Path.GetFileName(modules)}, {Usual} MiB, software emulation", "initramfs",
            "size, MB", "boots from, MiB", "available, MiB", "after a shell and Python, MiB", "to the first program, s",
            "merging, ms");
        for (int i = 0; i < archives.Length; i++)
        {
            double merge = Median(runs[i], run => run.Merge);
            table.Row(archives[i].Name, MarkdownTable.Megabytes(archives[i].Length / 1e6),
                $"{machine.SmallestMemory(archives[i], Usual)}",
                MarkdownTable.Megabytes(Median(runs[i], run => run.Available)),
                MarkdownTable.Megabytes(Median(runs[i], run => run.Later)),
                MarkdownTable.Seconds(Median(runs[i], run => run.First)), merge > 0 ? MarkdownTable.Megabytes(merge) : "");
        }
    }

    /// <summary>Boots all by turns, so that what else the machine does hits all alike.</summary>
    private static BootRun[][] Measure(BootMachine machine, BootArchive[] archives, int rounds)
    {
        BootRun[][] runs = [.. archives.Select(_ => new BootRun[rounds])];
        for (int round = 0; round < rounds; round++)
        {
            for (int turn = 0; turn < archives.Length; turn++)
            {
                int at = (turn + round) % archives.Length;
                BootRun run = machine.Boot(archives[at], Usual);
                if (!run.Succeeded)
                    throw new BenchException($"{archives[at].Name} does not boot with {Usual} MiB");
                Console.Error.WriteLine($"{archives[at].Name}: {run}");
                runs[at][round] = run;
            }
        }
        return runs;
    }

    private static double Median(BootRun[] runs, Func<BootRun, double> value)
    {
        double[] values = [.. runs.Select(value).Order()];
        return values[values.Length / 2];
    }
}
