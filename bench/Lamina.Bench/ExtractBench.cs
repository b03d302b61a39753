namespace Lamina.Bench;

/// <summary>Extracting and checking a Debian root against the tools that others have.</summary>
internal static class ExtractBench
{
    public static void Run(Setting setting)
    {
        // Files are written to memory, so that no disk is measured.
        string target = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : setting.Scratch, "lamina-bench-extracted");
        try
        {
            foreach (DebianImages.Form form in DebianImages.Forms.Where(form => setting.Wants(form.Name)))
            {
                DebianImages.Prepare(setting, form);
                string image = form.Image(setting), squash = form.Squash(setting);
                Print($"extract a Debian root, {form.Name}", Comparison.Run(
                [
                    new("fsck.erofs --extract=DIR", "fsck.erofs", [$"--extract={target}", image], null),
                    new("unsquashfs", "unsquashfs", ["-quiet", "-no-progress", "-d", target, squash], null),
                    new("lamina extract", setting.Lamina, ["extract", image, target], null),
                ], setting.Runs, () => Runner.Start("rm", ["-rf", target])));
                Print($"check a Debian root, {form.Name}", Comparison.Run(
                [
                    new("fsck.erofs --extract", "fsck.erofs", ["--extract", image], null),
                    new("lamina check", setting.Lamina, ["check", image], null),
                ], setting.Runs));
            }
        }
        finally
        {
            Runner.Start("rm", ["-rf", target]);
        }
    }

    private static void Print(string title, Outcome[] outcomes)
    {
        MarkdownTable table = new(title, "", "wall s", "of fsck.erofs's", "CPU s", "peak MB");
        Measurement peer = outcomes[0].Median;
        foreach (Outcome one in outcomes)
        {
            table.Row(one.Contender.Name, MarkdownTable.Seconds(one.Median.Wall),
                MarkdownTable.Percent(peer.Wall, one.Median.Wall),
                MarkdownTable.Seconds(one.Median.Cpu), MarkdownTable.Megabytes(one.Median.PeakMegabytes));
        }
    }
}
