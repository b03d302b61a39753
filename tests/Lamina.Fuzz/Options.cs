using System.Globalization;

namespace Lamina.Fuzz;

/// <summary>What the command line says.</summary>
internal sealed record Options
{
    public const string Usage = """
        usage: Lamina.Fuzz [--count N] [--seed N] [--from INDEX] [--workers N] [--scratch FOLDER] [--keep FOLDER]
                           [--kernel] [--fsck PATH]

        Changes images and tars of the corpus and runs check, extract and merge on each. The same seed gives the same images.
          --count N         how many images; 100000 otherwise
          --seed N          which ones; 1 otherwise
          --from INDEX      the first; with --count 1 to see one again
          --workers N       processes; one a core otherwise
          --scratch FOLDER  where images are merged and extracted; best in memory
          --keep FOLDER     where images that show a fault are kept; artifacts/fuzz otherwise
          --kernel          instead, let this machine's kernel read what a check finds sound and what a merge makes; as root
          --fsck PATH       with --kernel: let this fsck.erofs, of erofs-utils 1.9, read it too
        """;

    public static string CorpusPath => Path.Combine(AppContext.BaseDirectory, "Fixtures", "corpus.tar.zst");

    public int Count { get; private set; } = 100_000;

    public int Seed { get; private set; } = 1;

    public int From { get; private set; }

    public int Workers { get; private set; } = Environment.ProcessorCount;

    public string Scratch { get; private set; } = "";

    public string Keep { get; private set; } = Path.Combine("artifacts", "fuzz");

    /// <summary>Whether others judge as well: see <see cref="KernelTrial"/>.</summary>
    public bool AsksKernel { get; private set; }

    /// <summary>The fsck.erofs that judges besides; null for none.</summary>
    public string? Fsck { get; private set; }

    /// <summary>For a worker: its first image. Null for the process that starts them.</summary>
    public int? WorkerFrom { get; private set; }

    /// <summary>Reads the command line; null if it cannot be understood.</summary>
    public static Options? Parse(string[] arguments)
    {
        Options options = new();
        for (int i = 0; i < arguments.Length; i += 2)
        {
            if (arguments[i] == "--kernel")
            {
                options.AsksKernel = true;
                i--;
                continue;
            }
            if (i + 1 == arguments.Length)
                return null;
            string value = arguments[i + 1];
            bool isNumber = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number);
            switch (arguments[i])
            {
                case "--count" when isNumber:
                    options.Count = number;
                    break;
                case "--seed" when isNumber:
                    options.Seed = number;
                    break;
                case "--from" when isNumber:
                    options.From = number;
                    break;
                case "--workers" when isNumber && number > 0:
                    options.Workers = number;
                    break;
                case "--scratch":
                    options.Scratch = Path.GetFullPath(value);
                    break;
                case "--keep":
                    options.Keep = value;
                    break;
                case "--fsck" when File.Exists(value):
                    options.Fsck = value;
                    break;
                case "--worker" when isNumber:
                    options.WorkerFrom = number;
                    break;
                default:
                    return null;
            }
        }
        return options;
    }

    /// <summary>The command line of a worker.</summary>
    public string[] ForWorker(int first) =>
    [
        "--worker", $"{first}", "--count", $"{Count}", "--seed", $"{Seed}", "--from", $"{From}", "--workers", $"{Workers}",
        "--scratch", Scratch, .. AsksKernel ? ["--kernel"] : Array.Empty<string>(),
        .. AsksKernel && Fsck is not null ? ["--fsck", Fsck] : Array.Empty<string>(),
    ];

    public Options WithScratch(string folder) => this with { Scratch = folder };
}
