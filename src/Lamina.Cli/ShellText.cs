namespace Lamina.Cli;

/// <summary>Paths in command lines that a user may copy.</summary>
internal static class ShellText
{
    private const string Plain = "/._-+=:@%,";

    public static string Quote(string text) =>
        text.Length > 0 && text.All(letter => char.IsAsciiLetterOrDigit(letter) || Plain.Contains(letter))
        ? text
        : $"'{text.Replace("'", "'\\''")}'";
}
