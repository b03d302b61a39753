using System.Buffers;
using System.Text;

namespace Lamina.Platform;

/// <summary>Paths in command lines that a user may copy.</summary>
internal static class ShellText
{
    private const string Plain = "/._-+=:@%,";

    /// <summary>A word that a shell takes as this path, whatever is shown in its place, and that is no option.</summary>
    public static string Quote(string path)
    {
        if (path.StartsWith('-'))
            path = "./" + path;
        if (path.Length > 0 && path.All(letter => char.IsAsciiLetterOrDigit(letter) || Plain.Contains(letter)))
            return path;
        // What a terminal may not print is said as \xNN, which only these quotes of bash and zsh take for the byte.
        return Escape(path) is { } escaped ? $"$'{escaped}'" : $"'{path.Replace("'", "'\\''")}'";
    }

    /// <summary>The path with the bytes of what cannot be printed; null if all can.</summary>
    private static string? Escape(string path)
    {
        StringBuilder escaped = new(path.Length);
        bool isPrintable = true;
        for (ReadOnlySpan<char> rest = path; !rest.IsEmpty;)
        {
            bool isWhole = Rune.DecodeFromUtf16(rest, out Rune rune, out int count) == OperationStatus.Done;
            string first = rest[..count].ToString();
            rest = rest[count..];
            if (isWhole && (rune.Value is >= ' ' and <= '~' || Rune.IsLetterOrDigit(rune)))
            {
                escaped.Append(first is "\\" or "'" ? "\\" : "").Append(first);
                continue;
            }
            isPrintable = false;
            foreach (byte value in PathBytes.Encode(first))
                escaped.Append("\\x").Append(Convert.ToHexStringLower([value]));
        }
        return isPrintable ? null : escaped.ToString();
    }
}
