using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Lamina.Tests.Oracles;

/// <summary>What a program printed and how it ended.</summary>
internal sealed record ToolResult(int ExitCode, string Output, string Error)
{
    /// <summary>The result itself, after making sure that the program was content.</summary>
    internal ToolResult MustSucceed()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}\n{Output}\n{Error}");
        return this;
    }
}

/// <summary>Programs of others that judge what Lamina writes. A test whose program is missing is skipped, visibly.</summary>
internal static partial class Tools
{
    /// <summary>Long enough for the slowest test on a busy machine; a program that takes longer hangs.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    /// <summary>Where system programs are even if the user's PATH leaves these folders out.</summary>
    private static readonly string[] s_systemFolders =
        ["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/local/bin"];

    /// <summary>The path of a program, or null.</summary>
    internal static string? Find(string name)
    {
        IEnumerable<string> folders = (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Concat(s_systemFolders);
        return folders.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }

    /// <summary>The path of a program; skips the test where there is none.</summary>
    internal static string Require(string name)
    {
        string? path = Find(name);
        Assert.SkipUnless(path is not null, $"{name} is not installed");
        return path!;
    }

    /// <summary>The path of a program of erofs-utils that is new enough; skips the test otherwise.</summary>
    internal static string RequireErofs(string name, Version oldest)
    {
        string path = Require(name);
        ToolResult said = Run(path, "-V");
        Match match = VersionNumber().Match(said.Output + said.Error);
        Version found = match.Success ? Version.Parse(match.Groups[1].Value) : new Version(0, 0);
        Assert.SkipUnless(found >= oldest, $"{name} is version {found}, this needs {oldest}");
        return path;
    }

    /// <summary>Runs a program of this name or path to its end; skips the test where there is none.</summary>
    internal static ToolResult Run(string name, params IReadOnlyList<string> arguments) => RunIn(null, name, arguments);

    /// <summary>Runs a program in a folder.</summary>
    internal static ToolResult RunIn(string? folder, string name, params IReadOnlyList<string> arguments)
    {
        ProcessStartInfo start = new(Path.IsPathRooted(name) ? name : Require(name), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? "",
        };
        start.Environment["LC_ALL"] = "C";
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(s_patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{name} {string.Join(' ', arguments)} did not end within {s_patience}");
        }
        return new ToolResult(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }

    [GeneratedRegex(@"erofs\D*(\d+\.\d+(\.\d+)?)")]
    private static partial Regex VersionNumber();
}
