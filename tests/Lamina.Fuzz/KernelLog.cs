using System.Text;
using Lamina.Platform;

namespace Lamina.Fuzz;

/// <summary>The kernel's log from now on: what it says of an image, and whether it warns of itself.</summary>
internal sealed unsafe class KernelLog
{
    private const int NoWait = 0x800, RecordLimit = 8192;

    private static readonly string[] s_alarms =
        ["WARNING:", "BUG:", "Oops", "general protection fault", "UBSAN:", "INFO: task"];

    private readonly int _file = Native.Open("/dev/kmsg", Native.OpenReadOnly | Native.OpenCloseOnExec | NoWait, 0);

    /// <summary>Begins behind what is there.</summary>
    public KernelLog() => _ = Read();

    /// <summary>What came since the last time: the lines that name EROFS, and whether the kernel warns of itself there.</summary>
    public (string Said, bool IsAlarm) Read()
    {
        if (_file < 0)
            return ("", false);
        List<string> lines = [];
        byte[] record = new byte[RecordLimit];
        fixed (byte* pointer = record)
        {
            nint count;
            while ((count = Native.Read(_file, pointer, record.Length)) > 0)
                lines.Add(Encoding.UTF8.GetString(record, 0, (int)count));
        }
        // The lines of a trace come one by one, and the function's name is not in the first.
        string[] ours = [.. lines.Where(line => line.Contains("erofs", StringComparison.Ordinal)).Select(Text)];
        bool isAlarm = lines.Any(line => s_alarms.Any(alarm => line.Contains(alarm, StringComparison.Ordinal)))
            && ours.Any(line => line.Contains("erofs_", StringComparison.Ordinal)
                && line.Contains("+0x", StringComparison.Ordinal));
        return (string.Join("; ", ours), isAlarm);
    }

    /// <summary>The text is behind the first semicolon; further lines of the record are properties.</summary>
    private static string Text(string record) => record[(record.IndexOf(';', StringComparison.Ordinal) + 1)..].Split('\n')[0];
}
