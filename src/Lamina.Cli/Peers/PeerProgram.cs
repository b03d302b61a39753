using System.Globalization;
using Lamina.Platform;

namespace Lamina.Cli.Peers;

/// <summary>A program of erofs-utils that this one answers for.</summary>
/// <param name="session">What it talks to.</param>
internal abstract class PeerProgram(Session session)
{
    /// <summary>The version of erofs-utils whose options and exit codes these are.</summary>
    public const string Version = "1.9.3";

    private const string CommandLine = "/proc/self/cmdline";

    private const int Failed = 1, HelpColumn = 24;

    /// <summary>The program's name.</summary>
    public abstract string Name { get; }

    /// <summary>All its options, those that are refused among them.</summary>
    public abstract IReadOnlyList<PeerOption> Options { get; }

    /// <summary>The line that says how it is called, without the name.</summary>
    protected abstract string Usage { get; }

    protected Session Session => session;

    protected TextWriter Output => session.Output;

    /// <summary>The options that all three have.</summary>
    protected static PeerOption[] Common { get; } =
    [
        new("-V", PeerValue.None, "print the version and exit"),
        new("--version", PeerValue.None, "print the version and exit"),
        new("-h", PeerValue.None, "display this help and exit"),
        new("--help", PeerValue.None, "display this help and exit"),
    ];

    /// <summary>The program that a name stands for, by itself or behind <c>lamina</c>; null if it is none.</summary>
    public static PeerProgram? Find(string name, Session session) => name switch
    {
        "mkfs.erofs" => new MkfsProgram(session),
        "fsck.erofs" => new FsckProgram(session),
        "dump.erofs" => new DumpProgram(session),
        _ => null,
    };

    /// <summary>
    /// The program that a verb stands for. <c>lamina dump</c> was there before and explains every byte, so dump.erofs is spelled
    /// in full.
    /// </summary>
    public static PeerProgram? FindVerb(string verb, Session session) => verb switch
    {
        "mkfs" or "fsck" => Find($"{verb}.erofs", session),
        _ => Find(verb, session),
    };

    /// <summary>The name that this process was started by, without folders: the link's, if there is one.</summary>
    public static string OwnName()
    {
        // .NET says the assembly's name; the kernel has what the program was called.
        string path = OperatingSystem.IsLinux() && HostFile.Exists(CommandLine)
            ? NameIn(HostFile.ReadAllBytes(CommandLine)) : Environment.GetCommandLineArgs()[0];
        return path[(path.LastIndexOf('/') + 1)..];
    }

    /// <summary>The first of the words of a command line, each with a NUL behind it.</summary>
    internal static string NameIn(ReadOnlySpan<byte> commandLine)
    {
        int end = commandLine.IndexOf((byte)0);
        return PathBytes.Decode(end < 0 ? commandLine : commandLine[..end]);
    }

    /// <summary>Runs it, and returns the exit code: 0 or 1.</summary>
    public int Run(IReadOnlyList<string> words)
    {
        try
        {
            if (words.Any(word => word is "-h" or "--help"))
            {
                WriteHelp();
                return ExitCodes.Done;
            }
            if (words.Any(word => word is "-V" or "--version"))
            {
                Output.WriteLine($"{Name} (erofs-utils) {Version}, by lamina {VersionText.Version}");
                return ExitCodes.Done;
            }
            return Run(PeerLine.Parse(Options, words));
        }
        catch (PeerException failure)
        {
            return Fail(failure.Message, failure.Advice ?? $"Try '{Name} --help' for more information.");
        }
        catch (OperationCanceledException)
        {
            return Failures.Report(new OperationCanceledException(), session);
        }
        catch (Exception failure) when (failure is CorruptImageException or UnsupportedImageException or IOException
            or UnauthorizedAccessException or ArgumentException or NoException or UsageException)
        {
            _ = Failures.Report(failure, session);
            return Failed;
        }
    }

    /// <summary>Does it.</summary>
    protected abstract int Run(PeerLine line);

    /// <summary>Says what is wrong, and gives the exit code for it.</summary>
    protected int Fail(string message, string? advice = null)
    {
        _ = session.FlushOutput();
        session.Error.WriteLine($"{Name}: {message}");
        if (advice is not null)
            session.Error.WriteLine(advice);
        return Failed;
    }

    protected void Warn(string message) => session.Error.WriteLine($"{Name}: {message}");

    /// <summary>Reads a number that is not negative.</summary>
    protected static long Number(PeerSetting setting, long most = long.MaxValue) =>
        Parse(setting.Value ?? "") is { } number && number <= most ? number
            : throw new PeerException($"invalid value of {setting.Name}: {setting.Value}");

    /// <summary>A number as strtoull(3) reads it: decimal, octal behind 0, hexadecimal behind 0x.</summary>
    private static long? Parse(string text)
    {
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            return long.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long hex)
                && hex >= 0 ? hex : null;
        }
        if (text.Length <= 1 || text[0] != '0')
            return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : null;
        long number = 0;
        foreach (char digit in text)
        {
            if (digit is < '0' or > '7' || number > long.MaxValue >> 3)
                return null;
            number = number << 3 | (uint)(digit - '0');
        }
        return number;
    }

    private void WriteHelp()
    {
        Output.WriteLine($"Usage: {Name} {Usage}");
        Output.WriteLine($"The options of {Name} {Version}, done by lamina. See docs/erofs-utils.md.");
        Output.WriteLine();
        foreach (PeerOption option in Options.Where(option => option.Refusal is null))
            Output.WriteLine($" {option.Shown.PadRight(HelpColumn)} {option.Help}");
        PeerOption[] refused = [.. Options.Where(option => option.Refusal is not null)];
        if (refused.Length == 0)
            return;
        Output.WriteLine();
        Output.WriteLine("Refused:");
        foreach (PeerOption option in refused)
            Output.WriteLine($" {option.Shown.PadRight(HelpColumn)} {option.Refusal}");
    }
}
