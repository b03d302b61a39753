using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Lamina.Bench;

/// <summary>What a boot came to.</summary>
/// <param name="First">Seconds from the kernel's start to the first program; 0 if it did not run or did not succeed.</param>
/// <param name="Available">Megabytes (MemAvailable) when it started.</param>
/// <param name="Later">Megabytes after it ran a shell and an interpreter.</param>
/// <param name="Merge">Milliseconds of merging; 0 where nothing was merged.</param>
internal readonly record struct BootRun(double First, double Available, double Later, double Merge)
{
    public bool Succeeded => First > 0;
}

/// <summary>A machine in software emulation, one core.</summary>
internal sealed partial class BootMachine(string kernel)
{
    /// <summary>The slowest takes half a minute; one that goes out of memory may never end.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    public BootRun Boot(BootArchive archive, int megabytes)
    {
        // QEMU 7.2 emulates cmpxchg16b with wrong flags, of which kernels die; they are told to do without (feature 141).
        ProcessStartInfo start = new("qemu-system-x86_64",
        [
            "-machine", "q35", "-accel", "tcg", "-cpu", "max,la57=off", "-nographic", "-no-reboot", "-nic", "none",
            "-m", megabytes.ToString(CultureInfo.InvariantCulture), "-kernel", kernel, "-initrd", archive.Path,
            "-append", $"console=ttyS0 loglevel=4 panic=-1 clearcpuid=141 {archive.CommandLine}",
        ])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(s_patience))
            process.Kill();
        string said = output.GetAwaiter().GetResult();
        _ = errors.GetAwaiter().GetResult();
        bool succeeded = said.Contains("B: end") && said.Contains("B: failed 0") && said.Contains("B: interpreter True");
        return succeeded ? new BootRun(Value("first"), Value("available") / 1024, Value("later") / 1024, Merge(said)) : default;

        double Value(string name) => Number(Regex.Match(said, $@"^B: {name} ([\d.]+)", RegexOptions.Multiline));
    }

    /// <summary>The smallest memory that boots, in steps of 32 MiB.</summary>
    public int SmallestMemory(BootArchive archive, int enough)
    {
        const int step = 32;
        // It has to hold the archive at least.
        int no = (int)(archive.Length >> 20) / step, yes = enough / step;
        while (yes - no > 1)
        {
            int middle = (yes + no) / 2;
            if (Boot(archive, middle * step).Succeeded)
                yes = middle;
            else
                no = middle;
        }
        return yes * step;
    }

    private static double Merge(string said) => Number(MergedLine().Match(said));

    private static double Number(Match match) =>
        match.Success ? double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(@"lamina: .* merged \d+ layers in ([\d.]+) ms")]
    private static partial Regex MergedLine();
}
