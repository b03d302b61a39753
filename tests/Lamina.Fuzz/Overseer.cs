using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Lamina.Fuzz;

/// <summary>
/// Starts the workers, each kept to the scratch folder, watches that each image ends, and counts. A worker that hangs or dies is
/// a fault of the image it was at; another one goes on behind it.
/// </summary>
internal sealed class Overseer(Options options) : IDisposable
{
    /// <summary>What is certainly a hang, on however busy a machine.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30), s_step = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<string> _faults = [];
    private readonly BlockingCollection<(int Index, string What)> _reports = [];
    private readonly List<Process> _running = [];
    private readonly SortedDictionary<string, int> _explained = [];
    private int _done, _refused;
    private long _slowest, _peak;
    private bool _isWatched = true, _isOver;
    private TimeSpan _next = s_step;

    /// <summary>Runs all; the exit code.</summary>
    public int Run()
    {
        int left = options.Workers;
        for (int i = 0; i < options.Workers; i++)
        {
            int first = options.From + i;
            new Thread(() =>
            {
                Drive(first);
                if (Interlocked.Decrement(ref left) == 0)
                    _reports.CompleteAdding();
            }).Start();
        }
        // The other threads may write in the scratch folder only.
        foreach ((int index, string what) in _reports.GetConsumingEnumerable())
            Keep(index, what);
        string mounts = File.ReadAllText("/proc/self/mountinfo");
        if (mounts.Contains(options.Scratch, StringComparison.Ordinal))
            _faults.Add($"something is mounted in {options.Scratch}");
        foreach (string backing in Directory.EnumerateDirectories("/sys/block", "loop*")
            .Select(device => Path.Combine(device, "loop/backing_file")).Where(File.Exists))
        {
            if (File.ReadAllText(backing).Contains(options.Scratch, StringComparison.Ordinal))
                _faults.Add($"{backing} is left");
        }
        foreach ((string reason, int count) in _explained)
            Console.WriteLine($"{count} explained: {reason}");
        string watched = _isWatched || options.AsksKernel ? ""
            : "; writes outside were not watched, as this kernel has no Landlock";
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{_done} images, {_faults.Count} faults, {_refused} refused, slowest {_slowest} ms of processor time, " +
            $"peak {_peak >> 20} MiB, seed {options.Seed}, {_clock.Elapsed.TotalSeconds:0} s{watched}"));
        return _faults.Count == 0 && _done == options.Count ? 0 : 1;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _isOver = true;
            _running.ForEach(process => process.Kill());
        }
    }

    /// <summary>One worker after another, until every image of the sequence had its turn.</summary>
    private void Drive(int first)
    {
        // For this thread, and so for what it starts.
        bool isSandboxed = !options.AsksKernel && Sandbox.TryEnter(options.Scratch);
        lock (_lock)
            _isWatched &= isSandboxed;
        while (first < options.From + options.Count && !_isOver)
            first = Watch(first);
    }

    /// <summary>Watches a worker to its end; gives the image to go on with.</summary>
    private int Watch(int first)
    {
        using Process worker = Start(first);
        int at = -1;
        long since = 0;
        bool isHanging = false;
        using Timer watchdog = new(_ =>
        {
            if (Volatile.Read(ref at) < 0 || Stopwatch.GetElapsedTime(Interlocked.Read(ref since)) < s_patience)
                return;
            isHanging = true;
            worker.Kill();
        }, null, s_step, s_step);
        while (worker.StandardOutput.ReadLine() is { } line)
        {
            string[] fields = line.Split('\t');
            int index = int.Parse(fields[1], CultureInfo.InvariantCulture);
            switch (fields[0])
            {
                case Worker.Begun:
                    Interlocked.Exchange(ref since, Stopwatch.GetTimestamp());
                    Volatile.Write(ref at, index);
                    break;
                case Worker.Done:
                    Volatile.Write(ref at, -1 - index);
                    Count(long.Parse(fields[2], CultureInfo.InvariantCulture),
                        long.Parse(fields[3], CultureInfo.InvariantCulture), fields[4] == "1");
                    break;
                case Worker.Explained:
                    lock (_lock)
                        _explained[fields[2]] = _explained.GetValueOrDefault(fields[2]) + 1;
                    break;
                default:
                    Report(index, fields[2].Replace('\v', '\n'));
                    break;
            }
        }
        worker.WaitForExit();
        lock (_lock)
            _running.Remove(worker);
        if (worker.ExitCode == 0 || _isOver)
            return int.MaxValue;
        if (at < 0 && at == -1)
            throw new InvalidOperationException("a worker failed before its first image");
        int culprit = at >= 0 ? at : -1 - at;
        if (at >= 0)
        {
            Count(0, 0, false);
            Report(culprit, isHanging ? "it does not end" : $"the process ended with {worker.ExitCode}");
        }
        return culprit + options.Workers;
    }

    private Process Start(int first)
    {
        string program = Environment.ProcessPath!;
        string[] self = Path.GetFileNameWithoutExtension(program) == "dotnet"
            ? [Path.Combine(AppContext.BaseDirectory, "Lamina.Fuzz.dll")] : [];
        string[] command = [program, .. self, .. options.ForWorker(first)];
        if (options.AsksKernel)
            command = ["unshare", "--mount", "--propagation", "private", .. command];
        ProcessStartInfo start = new(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        start.Environment["DOTNET_GCHeapHardLimit"] = "0x60000000";     // runaway memory is to hurt nobody else
        start.Environment["TMPDIR"] = options.Scratch;
        lock (_lock)
        {
            Process worker = Process.Start(start)!;
            _running.Add(worker);
            return worker;
        }
    }

    private void Count(long time, long memory, bool isRefused)
    {
        lock (_lock)
        {
            _done++;
            _refused += isRefused ? 1 : 0;
            _slowest = Math.Max(_slowest, time);
            _peak = Math.Max(_peak, memory);
            if (_clock.Elapsed < _next)
                return;
            _next = _clock.Elapsed + s_step;
            Console.Error.WriteLine($"{_done} of {options.Count}, {_faults.Count} faults, {_refused} refused, " +
                $"slowest {_slowest} ms, peak {_peak >> 20} MiB, {_clock.Elapsed.TotalSeconds:0} s");
        }
    }

    private void Report(int index, string what)
    {
        lock (_lock)
            _faults.Add(what);
        _reports.Add((index, what));
    }

    private void Keep(int index, string what)
    {
        Subject[] subjects = Subject.ReadCorpus(Options.CorpusPath, Path.Combine(options.Scratch, "seeds"));
        Mutation mutation = Mutation.Make(subjects, index, Mutation.DiceOf(options.Seed, index));
        Directory.CreateDirectory(options.Keep);
        string path = Path.Combine(options.Keep, $"{options.Seed}-{index}-{mutation.Subject.Name}");
        File.WriteAllBytes(path, mutation.Bytes);
        Console.Error.WriteLine($"FAULT {index}, kept as {path}: {what}");
    }
}
