using Lamina.Platform;

namespace Lamina.Cli;

/// <summary>
/// Arguments as they were given. .NET makes text of them and puts U+FFFD where a byte is none, so a file with such a name could
/// not be opened; the kernel still has the bytes.
/// </summary>
internal static class RawArguments
{
    private const string CommandLine = "/proc/self/cmdline";
    private const char Replacement = '\uFFFD';

    /// <summary>The arguments, with what is no UTF-8 as <see cref="PathBytes"/> has it.</summary>
    public static string[] Restore(string[] arguments) =>
        OperatingSystem.IsLinux() && arguments.Any(argument => argument.Contains(Replacement)) && HostFile.Exists(CommandLine)
            ? Restore(arguments, HostFile.ReadAllBytes(CommandLine)) : arguments;

    /// <summary>Does it with the words of a command line, each with a NUL behind it; ours are the last ones.</summary>
    internal static string[] Restore(string[] arguments, ReadOnlySpan<byte> commandLine)
    {
        List<string> words = [];
        while (commandLine.IndexOf((byte)0) is >= 0 and int end)
        {
            words.Add(PathBytes.Decode(commandLine[..end]));
            commandLine = commandLine[(end + 1)..];
        }
        int skipped = words.Count - arguments.Length;
        return skipped < 0 ? arguments
            : [.. arguments.Select((argument, i) => argument.Contains(Replacement) ? words[skipped + i] : argument)];
    }
}
