namespace Lamina.Bench;

/// <summary>Merging against mkfs.erofs in rebuild mode: time, memory, size.</summary>
internal static class MergeBench
{
    public static void Run(Setting setting)
    {
        bool isQuick = setting.IsQuick;
        int layers = isQuick ? 5 : 20, files = isQuick ? 2_000 : 10_000, entries = isQuick ? 5_000 : 100_000, many = isQuick
            ? 100 : 1_000;
        string small = $"{layers} layers of {files} files of 0 to 8 KiB, 10% overlap";
        Compare(setting, $"{small}, various times: index", () => SmallFiles(FileTimes.Various), "index");
        if (MemoryFolder() is { } memory)
            Compare(setting with { Scratch = memory }, $"{small}, various times: index, written to tmpfs", () =>
                SmallFiles(FileTimes.Various), "index");
        Compare(setting, $"{small}, one time for all: index", () => SmallFiles(FileTimes.Equal), "index");
        Compare(setting, $"{small}, various times: data in the same file", () => SmallFiles(FileTimes.Various), "full");
        Compare(setting, $"2 layers of one directory of {entries} entries: index", () =>
            Workload.HugeDirectory(setting.Scratch, 2, entries),
            "index", peerRuns: 1);
        Compare(setting, $"{many} layers of 10 files: index", () => Workload.ManyLayers(setting.Scratch, many), "index");

        Workload SmallFiles(FileTimes times) => Workload.SmallFiles(setting.Scratch, layers, files, times);
    }

    /// <summary>The peer, for an index or a full image. Its order is ours: lowest first.</summary>
    public static Contender Peer(Setting setting, Workload workload, bool isFull) => new(
        isFull ? "mkfs.erofs --clean=data" : "mkfs.erofs", "mkfs.erofs",
        ["--quiet", .. isFull ? (string[])["--clean=data"] : [], setting.Output("peer.erofs"), .. workload.Layers],
        setting.Output("peer.erofs"));

    /// <summary>Lamina in one of its ways.</summary>
    public static Contender Lamina(Setting setting, Workload workload, string mode, string kernel, bool hasDigests)
    {
        string output = setting.Output($"lamina-{mode}-{kernel}-{(hasDigests ? "digests" : "bare")}.erofs");
        string[] digests = hasDigests ? [] : ["--no-digest"];
        string name = $"lamina {mode}, Linux {kernel}{(hasDigests ? ", SHA-256 of all layers" : "")}";
        return new Contender(name, setting.Lamina,
            ["merge", "--mode", mode, "--kernel", kernel, .. digests, "-o", output, .. workload.Layers], output);
    }

    private static void Compare(Setting setting, string title, Func<Workload> make, string mode, int? peerRuns = null)
    {
        if (!setting.Wants(title))
            return;
        Workload workload = make();
        bool isFull = mode == "full";
        List<Contender> contenders =
        [
            Peer(setting, workload, isFull) with { Runs = peerRuns },
            Lamina(setting, workload, mode, "6.12", false),
            Lamina(setting, workload, mode, "6.15", false),
        ];
        if (!isFull)
            contenders.Add(Lamina(setting, workload, mode, "6.15", true));
        else
            contenders.Add(Lamina(setting, workload, "flat", "6.12", false));
        Print(title, Comparison.Run([.. contenders], setting.Runs));
    }

    /// <summary>Prints absolute medians, and beside each how it compares with the first.</summary>
    public static void Print(string title, Outcome[] outcomes)
    {
        MarkdownTable table = new(title, "", "wall s", "less", "CPU s", "peak MB", "of peer's", "output MB", "of peer's");
        Outcome peer = outcomes[0];
        foreach (Outcome one in outcomes)
        {
            double size = one.OutputLength / 1e6, peerSize = peer.OutputLength / 1e6;
            table.Row(one.Contender.Name,
                MarkdownTable.Seconds(one.Median.Wall), MarkdownTable.Times(peer.Median.Wall, one.Median.Wall),
                MarkdownTable.Seconds(one.Median.Cpu),
                MarkdownTable.Megabytes(one.Median.PeakMegabytes),
                    MarkdownTable.Percent(peer.Median.PeakMegabytes, one.Median.PeakMegabytes),
                MarkdownTable.Megabytes(size), MarkdownTable.Percent(peerSize, size));
        }
    }

    /// <summary>A folder in memory, where there is one: there nothing waits for a disk, and flushing costs nothing.</summary>
    private static string? MemoryFolder() => Directory.Exists("/dev/shm") ? "/dev/shm" : null;
}
