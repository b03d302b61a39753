using System.Text;

namespace Lamina.Exporting;

/// <summary>The names that files can have where Linux's calls are missing.</summary>
internal static class PortableName
{
    /// <summary>Whose rules count.</summary>
    internal enum Rules
    {
        /// <summary>Names are text without a slash. What Windows alone refuses is possible.</summary>
        Unix,

        /// <summary>Besides, no character that Windows gives a meaning, and no name of a device of old.</summary>
        Windows,
    }

    /// <summary>Names that mean devices in every folder of Windows, whatever follows behind a dot.</summary>
    private static readonly string[] s_devices = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

    /// <summary>Of these there are several, each with a digit; the raised ones count too.</summary>
    private static readonly string[] s_numberedDevices = ["COM", "LPT"];

    private const string DeviceDigits = "0123456789\u00B9\u00B2\u00B3", Refused = "<>:\"/\\|?*";

    /// <summary>The rules of the system that this runs on.</summary>
    public static Rules Current => OperatingSystem.IsWindows() ? Rules.Windows : Rules.Unix;

    /// <summary>A name as text; null if files cannot be called so.</summary>
    public static string? Of(ReadOnlySpan<byte> name, Rules rules)
    {
        string text = Encoding.UTF8.GetString(name);
        // Other bytes than text would come back as something else.
        bool isText = Encoding.UTF8.GetBytes(text).AsSpan().SequenceEqual(name) && !text.AsSpan().ContainsAny('/', '\0');
        return isText && (rules == Rules.Unix || IsPossibleOnWindows(text)) ? text : null;
    }

    private static bool IsPossibleOnWindows(string text)
    {
        // Windows drops dots and blanks at the end: another name would come out.
        if (text.AsSpan().ContainsAny(Refused) || text.Any(char.IsControl) || text is [] or [.., '.' or ' '])
            return false;
        int dot = text.IndexOf('.');
        string stem = (dot < 0 ? text : text[..dot]).TrimEnd(' ').ToUpperInvariant();
        return !s_devices.Contains(stem) &&
            !(stem.Length == 4 && s_numberedDevices.Contains(stem[..3]) && DeviceDigits.Contains(stem[3]));
    }
}
