using System.Globalization;

namespace Lamina.Bench;

/// <summary>How the times of a workload's files are.</summary>
internal enum FileTimes
{
    /// <summary>Whole seconds, different ones: as packages have them.</summary>
    Various,

    /// <summary>One for all: as images have them that were built with SOURCE_DATE_EPOCH.</summary>
    Equal,
}

/// <summary>
/// Layers to merge, made by mkfs.erofs from generated files; the same ones each time, and kept for the next run.
/// </summary>
/// <param name="Name">The folder it is kept in.</param>
/// <param name="Layers">The images, lowest first.</param>
internal sealed record Workload(string Name, string[] Layers)
{
    private const long FirstTime = 1_700_000_000;

    /// <summary>Uncompressed and without inline data: all that the peer's rebuild mode takes.</summary>
    private static readonly string[] s_plain = ["-E^inline_data"];

    /// <summary>
    /// Many small files: each layer has a tenth of its names in common with the one below it, all are spread over the same 100
    /// directories. 0 to 8 KiB each.
    /// </summary>
    public static Workload SmallFiles(string scratch, int layers, int files, FileTimes times) =>
        Make(scratch, $"small-{layers}x{files}-{NameOf(times)}", layers, times, (folder, layer) =>
        {
            for (int i = 0; i < files; i++)
            {
                int id = layer * (files - files / 10) + i;
                Random random = new(id);
                byte[] data = new byte[random.Next(8 << 10)];
                random.NextBytes(data);
                string directory = Path.Combine(folder, $"directory-{id % 100:00}");
                if (i < 100)
                    Directory.CreateDirectory(directory);
                Write(Path.Combine(directory, $"file-{id:000000}"), data, times, FirstTime + random.Next(100_000_000));
            }
        });

    /// <summary>One directory with very many entries in each layer; half of the names are in the layer below as well.</summary>
    public static Workload HugeDirectory(string scratch, int layers, int entries) =>
        Make(scratch, $"huge-{layers}x{entries}", layers, FileTimes.Various, (folder, layer) =>
        {
            string directory = Directory.CreateDirectory(Path.Combine(folder, "directory")).FullName;
            for (int i = 0; i < entries; i++)
            {
                int id = layer * (entries / 2) + i;
                Write(Path.Combine(directory, $"entry-{id:000000}"), [], FileTimes.Various, FirstTime + id * 7919L % 100_000_000);
            }
        });

    /// <summary>Very many layers of ten files.</summary>
    public static Workload ManyLayers(string scratch, int layers) =>
        Make(scratch, $"layers-{layers}", layers, FileTimes.Various, (folder, layer) =>
        {
            for (int i = 0; i < 10; i++)
            {
                int id = layer * 9 + i;
                byte[] data = new byte[4096];
                new Random(id).NextBytes(data);
                string directory = Directory.CreateDirectory(Path.Combine(folder, $"directory-{i}")).FullName;
                Write(Path.Combine(directory, $"file-{id:000000}"), data, FileTimes.Various, FirstTime + id);
            }
        });

    private static Workload Make(string scratch, string name, int layers, FileTimes times, Action<string, int> fill)
    {
        string folder = Path.Combine(scratch, name);
        string[] images = [.. Enumerable.Range(0, layers).Select(layer => Path.Combine(folder, $"layer-{layer:0000}.erofs"))];
        if (images.All(File.Exists))
            return new Workload(name, images);
        Console.Error.WriteLine($"making {name}");
        string source = Path.Combine(folder, "source");
        for (int layer = 0; layer < layers; layer++)
        {
            if (Directory.Exists(source))
                Directory.Delete(source, true);
            Directory.CreateDirectory(source);
            fill(source, layer);
            foreach (string directory in Directory.EnumerateDirectories(source).Append(source))
                Directory.SetLastWriteTimeUtc(directory, Time(FirstTime + layer));
            string[] time = times == FileTimes.Equal ? [$"-T{FirstTime}"] : [];
            string uuid = $"-U00000000-0000-4000-8000-{layer.ToString("000000000000", CultureInfo.InvariantCulture)}";
            string partial = $"{images[layer]}.partial";
            Runner.Start("mkfs.erofs", ["--quiet", .. s_plain, .. time, uuid, partial, source]);
            File.Move(partial, images[layer], true);
        }
        Directory.Delete(source, true);
        return new Workload(name, images);
    }

    private static void Write(string path, byte[] data, FileTimes times, long seconds)
    {
        File.WriteAllBytes(path, data);
        if (times == FileTimes.Various)
            File.SetLastWriteTimeUtc(path, Time(seconds));
    }

    private static DateTime Time(long seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds).UtcDateTime;

    private static string NameOf(FileTimes times) => times == FileTimes.Equal ? "equal" : "various";
}
