using System.CommandLine;
using System.CommandLine.Parsing;

namespace Lamina.Cli;

/// <summary>When progress is shown.</summary>
internal enum ProgressUse
{
    /// <summary>On a terminal, for what takes over a second.</summary>
    Auto,

    Never,

    /// <summary>For programs: a line of JSON each.</summary>
    Json,
}

/// <summary>The options that each verb understands.</summary>
internal sealed class GeneralOptions
{
    /// <summary>More threads than any machine has cores; each takes buffers of its own.</summary>
    private const int MaxThreads = 4096;

    private readonly Option<int> _threads = new("--threads", "-j")
    {
        Description = "How many threads work at most; what comes out does not depend on it. Without: one a core",
        HelpName = "NUMBER",
        Recursive = true,
    };

    private readonly Option<string> _progress = new Option<string>("--progress")
    {
        Description = "auto: on a terminal, for what takes over a second; never; json: lines of JSON on standard error. " +
            "Without: auto",
        HelpName = "WHEN",
        Recursive = true,
    }.AcceptOnlyFromAmong("auto", "never", "json");

    private readonly Option<bool> _quiet = new("--quiet", "-q")
    {
        Description = "Tell neither progress nor what was done, only what was asked for and what went wrong",
        Recursive = true,
    };

    private readonly Option<bool> _verbose = new("--verbose", "-v")
    {
        Description = "Tell what is done, and how long it takes, on standard error",
        Recursive = true,
    };

    public GeneralOptions(RootCommand root)
    {
        _threads.Validators.Add(CheckThreads);
        foreach (Option option in (Option[])[_threads, _progress, _quiet, _verbose])
            root.Add(option);
    }

    /// <summary>What was asked for.</summary>
    public void Read(ParseResult arguments, Session session)
    {
        session.Threads = arguments.GetValue(_threads);
        session.IsQuiet = arguments.GetValue(_quiet);
        session.IsVerbose = arguments.GetValue(_verbose) && !session.IsQuiet;
        session.Progress = arguments.GetValue(_progress) switch
        {
            "json" => ProgressUse.Json,
            "never" => ProgressUse.Never,
            "auto" => ProgressUse.Auto,
            _ => session.IsQuiet ? ProgressUse.Never : ProgressUse.Auto,
        };
    }

    private static void CheckThreads(OptionResult result)
    {
        string text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
        if (int.TryParse(text, out int count) && count is < 1 or > MaxThreads)
            result.AddError($"--threads {text}: a number from 1 to {MaxThreads} is needed");
    }
}
