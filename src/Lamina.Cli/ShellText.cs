namespace Lamina.Cli;

/// <summary>Paths in command lines that a user may copy.</summary>
internal static class ShellText
{
    private const string Plain = "/._-+=:@%,";

    /// <summary>A word that a shell takes as this text, whatever is shown in its place.</summary>
    public static string Quote(string text)
    {
        if (text.Length > 0 && text.All(letter => char.IsAsciiLetterOrDigit(letter) || Plain.Contains(letter)))
            return text;
        // What is not printed is shown as \xNN, which only these quotes of bash and zsh take for the byte.
        return NameText.Shown(text) == text ? $"'{text.Replace("'", "'\\''")}'"
            : $"$'{NameText.Shown(text.Replace("\\", "\\\\").Replace("'", "\\'"))}'";
    }
}
