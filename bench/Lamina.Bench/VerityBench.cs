namespace Lamina.Bench;

/// <summary>dm-verity trees against veritysetup, and what a tree adds to a merge.</summary>
internal static class VerityBench
{
    public static void Run(Setting setting)
    {
        int layers = setting.IsQuick ? 5 : 20, files = setting.IsQuick ? 2_000 : 10_000;
        string small = $"{layers} layers of {files} files of 0 to 8 KiB";
        Workload workload = Workload.SmallFiles(setting.Scratch, layers, files, FileTimes.Various);
        string image = setting.Output("verity.erofs"), tree = setting.Output("verity.tree");
        Runner.Start(setting.Lamina, ["merge", "--force", "--no-digest", "-o", image, .. workload.Layers]);
        foreach ((string algorithm, string salt) in ((string, string)[])[("sha256", "none"), ("sha256", "0123456789abcdef"),
            ("sha512", "none")])
        {
            Compare(setting, $"Tree of {small} in one image, {algorithm}, salt {salt}",
                new Contender("veritysetup format", "veritysetup",
                    ["format", image, tree, $"--hash={algorithm}", $"--salt={(salt == "none" ? "-" : salt)}"], tree),
                new Contender("lamina verity format", setting.Lamina,
                    ["verity", "format", image, "--hash-file", tree, "--algorithm", algorithm, "--salt", salt], tree));
        }
        string output = setting.Output("verity-merged.erofs");
        string[] merge = ["merge", "--no-digest", "-o", output, .. workload.Layers];
        string[] digests = ["merge", "-o", output, .. workload.Layers];
        Compare(setting, $"Merging {small} to a flat image",
            new Contender("lamina merge, no digests", setting.Lamina, merge, output),
            new Contender("lamina merge, no digests, --verity", setting.Lamina, [.. merge, "--verity"], output),
            new Contender("lamina merge", setting.Lamina, digests, output),
            new Contender("lamina merge --verity", setting.Lamina, [.. digests, "--verity"], output));
        File.Delete(image);
    }

    private static void Compare(Setting setting, string title, params Contender[] contenders)
    {
        if (!setting.Wants(title))
            return;
        MarkdownTable table = new(title, "", "wall s", "of the first's", "CPU s", "peak MB");
        Outcome[] outcomes = Comparison.Run(contenders, setting.Runs);
        foreach (Outcome one in outcomes)
        {
            table.Row(one.Contender.Name, MarkdownTable.Seconds(one.Median.Wall),
                MarkdownTable.Percent(outcomes[0].Median.Wall, one.Median.Wall), MarkdownTable.Seconds(one.Median.Cpu),
                MarkdownTable.Megabytes(one.Median.PeakMegabytes));
        }
    }
}
