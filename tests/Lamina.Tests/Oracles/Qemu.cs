using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Lamina.Tests.Oracles;

/// <summary>A machine to boot.</summary>
internal sealed record Machine(string Kernel, string Initrd, string CommandLine)
{
    /// <summary>Whether it has a 64-bit ARM processor; it is a PC otherwise.</summary>
    public bool IsArm { get; init; }

    /// <summary>In MiB.</summary>
    public int Memory { get; init; } = 512;

    /// <summary>What QEMU's model of a processor is to have or to lack besides.</summary>
    public string Processor { get; init; } = "";

    /// <summary>Files that are its disks, read-only, as /dev/vda and on.</summary>
    public IReadOnlyList<string> Disks { get; init; } = [];

    /// <summary>Further arguments of QEMU.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];
}

/// <summary>Boots a machine in software emulation and gives what it wrote to its serial console. Two at a time.</summary>
/// <remarks>
/// QEMU 7.2 emulates cmpxchg16b with wrong flags, of which kernels die at random; the kernel is told to do without
/// (clearcpuid=141).
/// The instruction itself must be there: .NET uses it, and does not look at the flags.
/// </remarks>
internal static class Qemu
{
    private const string Program = "qemu-system-x86_64", ArmProgram = "qemu-system-aarch64";

    /// <summary>A boot takes 5 to 15 seconds, several times that on a busy machine.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    /// <summary>Each takes one core, and its memory.</summary>
    private static readonly SemaphoreSlim s_turns = new(2);

    /// <summary>Skips the test, visibly, where there is no QEMU.</summary>
    internal static void SkipUnlessPossible(bool isArm = false) => Tools.Require(isArm ? ArmProgram : Program);

    /// <summary>
    /// Boots until the machine stops, or a line begins with a text. Returns the console's lines, without carriage returns.
    /// </summary>
    internal static string[] Boot(Machine machine, string? until = null)
    {
        List<string> arguments =
        [
            .. machine.IsArm ? (string[])["-machine", "virt", "-cpu", "cortex-a72"]
                : ["-machine", "q35", "-cpu", $"max,la57=off{machine.Processor}"],
            "-accel", "tcg", "-nographic", "-no-reboot", "-nic", "none",
            "-m", machine.Memory.ToString(CultureInfo.InvariantCulture),
        ];
        if (machine.Kernel.Length > 0)
        {
            string console = machine.IsArm ? "console=ttyAMA0" : "console=ttyS0 clearcpuid=141";
            arguments.AddRange(["-kernel", machine.Kernel, "-initrd", machine.Initrd,
                "-append", $"{console} panic=-1 {machine.CommandLine}".Trim()]);
        }
        foreach (string disk in machine.Disks)
            arguments.AddRange(["-drive", $"file={disk},if=virtio,format=raw,readonly=on"]);
        arguments.AddRange(machine.Arguments);
        s_turns.Wait();
        try
        {
            return Run(machine.IsArm ? ArmProgram : Program, arguments, until);
        }
        finally
        {
            s_turns.Release();
        }
    }

    private static string[] Run(string program, List<string> arguments, string? until)
    {
        ProcessStartInfo start = new(Tools.Require(program), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.Latin1,
        };
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        List<string> lines = [];
        Task<string> errors = process.StandardError.ReadToEndAsync();
        using CancellationTokenSource end = new(s_patience);
        using CancellationTokenRegistration kill = end.Token.Register(process.Kill);
        while (process.StandardOutput.ReadLine() is { } line)
        {
            lines.Add(line.TrimEnd('\r'));
            if (until is null || !line.Contains(until, StringComparison.Ordinal))
                continue;
            process.Kill();
            break;
        }
        process.WaitForExit();
        Assert.False(end.IsCancellationRequested,
            $"the machine did not stop within {s_patience}\n{string.Join('\n', lines.TakeLast(60))}");
        Assert.True(lines.Count > 0, errors.GetAwaiter().GetResult());
        return [.. lines];
    }
}
