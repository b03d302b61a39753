using System.Diagnostics;
using System.Globalization;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Bench;

/// <summary>Reading files of a Debian root through the library's streams: speed, and what each read allocates.</summary>
internal static class ReadBench
{
    private const int PageSize = 4096, StepSize = 128 << 10;

    public static void Run(Setting setting)
    {
        MarkdownTable table = new("read the largest files of a Debian root with OpenRead", "", "sequential MB/s",
            "random 4 KiB, MB/s", "reads/s", "bytes allocated a read", "garbage collections");
        foreach (DebianImages.Form form in DebianImages.Forms.Where(form => setting.Wants(form.Name)))
        {
            DebianImages.Prepare(setting, form);
            using ErofsImage image = ErofsImage.Open(form.Image(setting));
            Stream[] files = [.. Walk(image.Root).Where(entry => entry.Type == NodeType.RegularFile)
                .OrderByDescending(entry => entry.Size).Take(8).Select(entry => entry.OpenRead())];
            double sequential = Enumerable.Range(0, setting.Runs).Max(_ => Sequential(files));
            int count = setting.IsQuick ? 2_000 : 20_000;
            Random dice = new(1);
            AtRandom(files, count, dice);                               // warms caches and pools
            double random = 0;
            long before = GC.GetAllocatedBytesForCurrentThread(), collections = GC.CollectionCount(0);
            for (int run = 0; run < setting.Runs; run++)
                random = Math.Max(random, AtRandom(files, count, dice));
            double allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / ((double)count * setting.Runs);
            collections = GC.CollectionCount(0) - collections;
            table.Row(form.Name, MarkdownTable.Megabytes(sequential), MarkdownTable.Megabytes(random * PageSize / 1e6),
                random.ToString("0", CultureInfo.InvariantCulture), allocated.ToString("0.00", CultureInfo.InvariantCulture),
                collections.ToString(CultureInfo.InvariantCulture));
            Array.ForEach(files, file => file.Dispose());
        }
    }

    /// <summary>Megabytes a second from one end to the other.</summary>
    private static double Sequential(Stream[] files)
    {
        byte[] buffer = new byte[StepSize];
        long bytes = 0;
        Stopwatch clock = Stopwatch.StartNew();
        foreach (Stream file in files)
        {
            int count;
            file.Position = 0;
            while ((count = file.Read(buffer)) > 0)
                bytes += count;
        }
        return bytes / 1e6 / clock.Elapsed.TotalSeconds;
    }

    /// <summary>Reads a second, each of a page somewhere.</summary>
    private static double AtRandom(Stream[] files, int count, Random dice)
    {
        Span<byte> page = stackalloc byte[PageSize];
        Stopwatch clock = Stopwatch.StartNew();
        for (int i = 0; i < count; i++)
        {
            Stream file = files[dice.Next(files.Length)];
            file.Position = dice.NextInt64(file.Length / PageSize) * PageSize;
            file.ReadExactly(page);
        }
        return count / clock.Elapsed.TotalSeconds;
    }

    private static IEnumerable<Node> Walk(Node directory) => directory.EnumerateEntries()
        .SelectMany(entry => entry.Node.IsDirectory ? Walk(entry.Node) : [entry.Node]);
}
