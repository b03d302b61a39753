using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Lamina.Init;

/// <summary>
/// What /init says: into the kernel's log, which puts its own time in front, with the time since /init started. Before there is a
/// /dev/kmsg, and without one, to standard error.
/// </summary>
internal static unsafe class KernelLog
{
    private const int Critical = 2, Warning = 4, Information = 6, StandardError = 2;

    /// <summary>The kernel takes one line of less than this, in bytes; the rest would be refused with it.</summary>
    private const int LineLimit = 900;

    private static readonly long s_start = Stopwatch.GetTimestamp();

    /// <summary>Says that a step is done.</summary>
    public static void Say(string text) => Write(Information, text);

    /// <summary>Says that something is not as it should be, though the boot goes on.</summary>
    public static void Warn(string text) => Write(Warning, $"warning: {text}");

    /// <summary>Says why the boot ends. One line, whatever the reason has.</summary>
    public static void Fail(string step, string reason) => Write(Critical, $"failed: {step}: {reason.ReplaceLineEndings(" ")}");

    private static void Write(int level, string text)
    {
        double elapsed = Stopwatch.GetElapsedTime(s_start).TotalMilliseconds;
        string line = string.Create(CultureInfo.InvariantCulture, $"<{level}>lamina: {elapsed:F1} ms: {text}");
        byte[] bytes = Encoding.UTF8.GetBytes(line[..Math.Min(line.Length, LineLimit)] + '\n');
        // Opened for each line: the kernel takes ten lines in five seconds from one that is open, and drops the others.
        int log = Native.Open("/dev/kmsg", Native.WriteOnly | Native.CloseOnExec, 0);
        fixed (byte* pointer = bytes)
            _ = Native.Write(log >= 0 ? log : StandardError, pointer, bytes.Length);
        if (log >= 0)
            _ = Native.Close(log);
    }
}
