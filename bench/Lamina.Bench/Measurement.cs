using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Lamina.Bench;

/// <summary>What one run of a program took.</summary>
/// <param name="Wall">Seconds from start to end.</param>
/// <param name="Cpu">Seconds of user and system time.</param>
/// <param name="PeakMegabytes">The largest resident set.</param>
internal readonly record struct Measurement(double Wall, double Cpu, double PeakMegabytes)
{
    /// <summary>The median of each value for itself.</summary>
    public static Measurement MedianOf(IReadOnlyCollection<Measurement> all) => new(
        Median([.. all.Select(one => one.Wall)]), Median([.. all.Select(one => one.Cpu)]),
            Median([.. all.Select(one => one.PeakMegabytes)]));

    private static double Median(double[] values)
    {
        Array.Sort(values);
        int middle = values.Length / 2;
        return values.Length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }
}

/// <summary>Runs whole programs and measures them.</summary>
internal static partial class Runner
{
    private const int RusageChildren = -1;

    /// <summary>Runs a program to its end; a failure is an exception with what the program said.</summary>
    public static Measurement Run(string program, IEnumerable<string> arguments)
    {
        string report = Path.GetTempFileName();
        try
        {
            // GNU time stands between, as a child started from here would count our own memory as its peak (vfork).
            double cpuBefore = ChildrenCpu();
            Stopwatch watch = Stopwatch.StartNew();
            Start("time", ["-f", "%M", "-o", report, program, .. arguments]);
            double wall = watch.Elapsed.TotalSeconds;
            double peak = double.Parse(File.ReadAllText(report), CultureInfo.InvariantCulture) / 1024;
            return new Measurement(wall, ChildrenCpu() - cpuBefore, peak);
        }
        finally
        {
            File.Delete(report);
        }
    }

    /// <summary>Runs a program and waits; a failure is an exception with what the program said.</summary>
    public static void Start(string program, IEnumerable<string> arguments) => Read(program, arguments);

    /// <summary>Runs a program and gives what it printed; a failure is an exception with what the program said.</summary>
    public static string Read(string program, IEnumerable<string> arguments)
    {
        using Process process = Launch(program, arguments);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new BenchException($"{program} failed with {process.ExitCode}: {errors}{output.Result}".Trim());
        return output.Result;
    }

    private static Process Launch(string program, IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new BenchException($"{program} cannot be run ({e.Message}); it has to be on the PATH");
        }
    }

    private static double ChildrenCpu()
    {
        Span<long> usage = stackalloc long[18];
        if (GetResourceUsage(RusageChildren, usage) != 0)
            throw new Win32Exception();
        return usage[0] + usage[2] + (usage[1] + usage[3]) / 1e6;
    }

    /// <summary>struct rusage begins with user and system time, seconds and microseconds each.</summary>
    [LibraryImport("libc", EntryPoint = "getrusage", SetLastError = true)]
    private static partial int GetResourceUsage(int who, Span<long> usage);
}

/// <summary>A benchmark cannot go on; the message is for the user.</summary>
internal sealed class BenchException(string message) : Exception(message);
