namespace Lamina.Bench;

/// <summary>Whether cost grows with the size and no faster: each workload at sizes n, 2n and 4n.</summary>
internal static class ScaleBench
{
    public static void Run(Setting setting)
    {
        int unit = setting.IsQuick ? 500 : 5_000;
        Grow(setting, "Files in each of 10 layers", [unit, 2 * unit, 4 * unit],
            size => Workload.SmallFiles(setting.Scratch, 10, size, FileTimes.Various));
        unit = setting.IsQuick ? 2_500 : 25_000;
        Grow(setting, "Entries of one directory in each of 2 layers", [unit, 2 * unit, 4 * unit],
            size => Workload.HugeDirectory(setting.Scratch, 2, size));
        unit = setting.IsQuick ? 50 : 250;
        Grow(setting, "Layers of 10 files", [unit, 2 * unit, 4 * unit], size => Workload.ManyLayers(setting.Scratch, size));
    }

    private static void Grow(Setting setting, string title, int[] sizes, Func<int, Workload> make)
    {
        if (!setting.Wants(title))
            return;
        MarkdownTable table = new(title, "size", "mkfs.erofs s", "for each doubling", "lamina s", "for each doubling", "peak MB",
            "for each doubling");
        Outcome[]? before = null;
        foreach (int size in sizes)
        {
            Workload workload = make(size);
            Contender peer = MergeBench.Peer(setting, workload, false) with { Runs = 1 };
            Outcome[] now = Comparison.Run([peer, MergeBench.Lamina(setting, workload, "index", "6.15", false)], setting.Runs);
            table.Row($"{size}", MarkdownTable.Seconds(now[0].Median.Wall), Growth(0, one => one.Wall),
                MarkdownTable.Seconds(now[1].Median.Wall), Growth(1, one => one.Wall),
                MarkdownTable.Megabytes(now[1].Median.PeakMegabytes), Growth(1, one => one.PeakMegabytes));
            before = now;

            string Growth(int contender, Func<Measurement, double> value) => before is null ? ""
                : MarkdownTable.Times(value(now[contender].Median), value(before[contender].Median));
        }
    }
}
