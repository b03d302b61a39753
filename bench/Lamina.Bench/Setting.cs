namespace Lamina.Bench;

/// <summary>What a benchmark is run with.</summary>
/// <param name="Lamina">The published program.</param>
/// <param name="Scratch">Where workloads are kept and outputs are written.</param>
/// <param name="Runs">How often each contender runs.</param>
/// <param name="IsQuick">Smaller workloads, to see that all works.</param>
/// <param name="Only">Only tables with one of these words, parted by |, in their title; null for all.</param>
internal sealed record Setting(string Lamina, string Scratch, int Runs, bool IsQuick, string? Only)
{
    private string? _init;

    private const string Usage = "usage: Lamina.Bench " +
        "merge|scale|walk|extract|read|verity|boot [--quick] [--only WORD] [--runs N] [--lamina PROGRAM] [--scratch FOLDER]";

    /// <summary>Reads the command line; publishes the program if none is named.</summary>
    public static (string Verb, Setting Setting) Parse(string[] args)
    {
        string? verb = null, lamina = null, scratch = null, only = null;
        bool isQuick = false;
        int runs = 0;
        for (int i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--quick":
                    isQuick = true;
                    break;
                case "--runs" when i + 1 < args.Length && int.TryParse(args[i + 1], out runs) && runs > 0:
                    i++;
                    break;
                case "--only" when i + 1 < args.Length:
                    only = args[++i];
                    break;
                case "--lamina" when i + 1 < args.Length:
                    lamina = Path.GetFullPath(args[++i]);
                    break;
                case "--scratch" when i + 1 < args.Length:
                    scratch = Path.GetFullPath(args[++i]);
                    break;
                case "merge" or "scale" or "walk" or "extract" or "read" or "verity" or "boot" when verb is null:
                    verb = args[i];
                    break;
                default:
                    throw new BenchException(Usage);
            }
        }
        if (verb is null)
            throw new BenchException(Usage);
        string root = RepositoryRoot();
        scratch ??= Path.Combine(root, "artifacts", "bench");
        Directory.CreateDirectory(scratch);
        lamina ??= verb == "boot" ? "" : Publish(root);        // /init is all that a boot takes
        return (verb, new Setting(lamina, scratch, runs > 0 ? runs : isQuick ? 3 : 7, isQuick, only));
    }

    /// <summary>The checkout.</summary>
    public string Repository { get; } = RepositoryRoot();

    /// <summary>The program /init, published when it is first asked for.</summary>
    public string Init => _init ??= PublishInit(Repository);

    /// <summary>A path for an output.</summary>
    public string Output(string name) => Path.Combine(Scratch, name);

    /// <summary>Whether a table is wanted.</summary>
    public bool Wants(string title) => Only is null
        || Only.Split('|').Any(word => title.Contains(word, StringComparison.OrdinalIgnoreCase));

    private static string Publish(string root)
    {
        Console.Error.WriteLine("publishing lamina");
        string folder = Path.Combine(root, "artifacts", "publish-bench");
        Runner.Start("dotnet", ["publish", Path.Combine(root, "src", "Lamina.Cli"), "-c", "Release", "-r", "linux-x64", "-o",
            folder]);
        return Path.Combine(folder, "lamina");
    }

    private static string PublishInit(string root)
    {
        Console.Error.WriteLine("publishing lamina-init");
        string folder = Path.Combine(root, "artifacts", "publish-bench-init");
        Runner.Start("dotnet", ["publish", Path.Combine(root, "src", "Lamina.Init"), "-c", "Release", "-r", "linux-x64", "-o",
            folder]);
        return Path.Combine(folder, "lamina-init");
    }

    private static string RepositoryRoot()
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Lamina.slnx")))
                return folder;
        }
        throw new BenchException("this has to be run from within a checkout");
    }
}
