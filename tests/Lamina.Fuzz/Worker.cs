using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Lamina.Fuzz;

/// <summary>
/// A process that tries every so-manieth mutation and tells its parent of each: before, so that one which never ends is known,
/// and after. It ends with its parent.
/// </summary>
internal static class Worker
{
    /// <summary>Bytes above the image's size that may be in use.</summary>
    public const long MemoryAllowance = 256 << 20;

    /// <summary>
    /// How long an image may take, in milliseconds; one that takes longer has two more attempts, as a program is slow at first.
    /// </summary>
    public const double TimeAllowance = 2000;

    private const int Attempts = 3, TreesKept = 40;

    /// <summary>The lines that pass between the processes, fields parted by tabs.</summary>
    public const string Begun = "begun", Done = "done", Failed = "failed", Explained = "explained";

    public static int Run(Options options, int first)
    {
        new Thread(EndWithParent) { IsBackground = true }.Start();
        Subject[] subjects = Subject.ReadCorpus(Options.CorpusPath, Path.Combine(options.Scratch, $"seeds-{first}"));
        string folder = Path.Combine(options.Scratch, $"worker-{first % options.Workers}-{first}");
        Directory.CreateDirectory(folder);
        byte[] upper = subjects.First(subject => subject.Name == "layer-config-lz4hc.erofs").Bytes;
        ITrial trial = options.AsksKernel ? new KernelTrial(folder, upper, options.Fsck) : new Trial(folder, upper);
        foreach (Subject sound in subjects)
        {
            // Sound images first: what they take is what everything takes.
            TrialResult result = trial.Try(new Mutation(-1, sound, sound.Bytes, ""), new Random(1));
            if (result.Fault is not null || result.IsRefused)
                throw new InvalidOperationException($"{sound.Name} unchanged: {result.Fault ?? "refused"}");
        }
        for (int index = first; index < options.From + options.Count; index += options.Workers)
        {
            Tell(Begun, index);
            if (index / options.Workers % TreesKept == 0)
            {
                RemoveTrees(trial);
                GC.Collect();
            }
            File.WriteAllText("/proc/self/clear_refs", "5");        // the peak counts from here
            long before = Memory("VmRSS");
            TrialResult result = default;
            double time = double.MaxValue;
            Mutation mutation = null!;
            for (int attempt = 0; attempt < Attempts && time > TimeAllowance; attempt++)
            {
                Random dice = Mutation.DiceOf(options.Seed, index);
                mutation = Mutation.Make(subjects, index, dice);
                result = trial.Try(mutation, dice);
                time = Math.Min(time, result.Milliseconds);
            }
            foreach (string reason in result.Explained)
                Tell(Explained, index, reason);
            long memory = Math.Max(0, Memory("VmHWM") - before);
            string? fault = result.Fault
                ?? (time > TimeAllowance ? $"it took {time:0} ms" : null)
                ?? (memory > MemoryAllowance + mutation.Bytes.Length ? $"{memory >> 20} MiB were in use" : null);
            Tell(Done, index, (long)time, memory, result.IsRefused ? 1 : 0);
            if (fault is not null)
                Tell(Failed, index, $"{mutation.Subject.Name}: {mutation.Changes}: {fault}");
        }
        return 0;
    }

    private static void Tell(params object[] fields) =>
        Console.WriteLine(string.Join('\t', fields.Select(field => Convert.ToString(field, CultureInfo.InvariantCulture)!
            .Replace("\t", "    ").ReplaceLineEndings("\v"))));

    /// <summary>Names need not be text that .NET can say, so another program removes them.</summary>
    public static void RemoveTrees(ITrial trial)
    {
        if (!Environment.IsPrivilegedProcess)
            Run("chmod", "-R", "u+rwx", trial.Trees);               // directories that only root could empty
        Run("find", trial.Trees, "-mindepth", "1", "-delete");
    }

    /// <summary>Runs a program to its end, however it ends.</summary>
    public static void Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit();
    }

    private static long Memory(string field)
    {
        Match line = Regex.Match(File.ReadAllText("/proc/self/status"), $@"{field}:\s*(\d+)");
        return 1024 * long.Parse(line.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
    }

    private static void EndWithParent()
    {
        while (Console.Read() >= 0)
        {
            // Nothing is ever said here; what counts is the end.
        }
        Environment.Exit(1);
    }
}
