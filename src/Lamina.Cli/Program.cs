using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Text;
using Lamina.Cli.Peers;
using Lamina.Platform;

namespace Lamina.Cli;

/// <summary>The program: finds the verb, runs it, and turns what went wrong into a message and an exit code.</summary>
internal static class Program
{
    public static int Main(string[] arguments)
    {
        if (arguments is ["merge" or "append", ..])
            Heap.CollectLate();
        using Interrupts interrupts = Interrupts.Listen();
        StandardOutput bytes = new(StandardDescriptor.IsInherited(StandardDescriptor.Output)
            ? Console.OpenStandardOutput() : null);
        // Neither is disposed: what could not be written then is to be told, not thrown.
        TextWriter output = Standard(bytes), error = Standard(StandardDescriptor.IsInherited(StandardDescriptor.Error)
            ? Console.OpenStandardError() : Stream.Null);
        Session session = new(output, error, interrupts)
        {
            Bytes = bytes,
            IsTerminal = !Console.IsOutputRedirected,
            IsErrorTerminal = !Console.IsErrorRedirected,
            UsesColour = !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb" &&
                string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")),
            Width = !Console.IsOutputRedirected && Console.WindowWidth >= Session.LeastWidth
                ? Console.WindowWidth : Session.UnlimitedWidth,
        };
        arguments = RawArguments.Restore(arguments);
        // A link of the name of another program makes this one that.
        PeerProgram? peer = PeerProgram.Find(PeerProgram.OwnName(), session);
        int code = peer is null ? Run(arguments, session) : peer.Run(arguments);
        if (session.FlushOutput() is { } lost && code == ExitCodes.Done)
            code = Failures.Report(lost, session);
        session.FlushMessages();
        return code;
    }

    /// <summary>Runs the program in this process: what it prints goes to the writers. For tests.</summary>
    internal static int Run(string[] arguments, TextWriter output, TextWriter error, Stream? bytes = null)
    {
        using Interrupts interrupts = Interrupts.None();
        return Run(arguments, new Session(output, error, interrupts) { Bytes = bytes ?? Stream.Null });
    }

    private static int Run(string[] arguments, Session session)
    {
        if (arguments.Length > 0 && PeerProgram.FindVerb(arguments[0], session) is { } peer)
            return peer.Run(arguments[1..]);
        // The commonest question of other programs needs no tree of verbs for its answer.
        if (arguments is ["--version" or "-V"])
        {
            VersionText.Write(session.Output);
            return ExitCodes.Done;
        }
        RootCommand root = Root(session);
        // "@" separates an image from its devices here; it does not name files with further arguments.
        ParseResult result = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        bool isHelp = result.Action is HelpAction or VersionAction;
        if (!isHelp && result.Tokens.Count == 0)
        {
            HelpAction.Write(root, session.Error);
            return ExitCodes.WrongUsage;
        }
        if (!isHelp && Misuse.Find(result) is { Count: > 0 } faults)
        {
            session.Error.WriteLine($"lamina: {string.Join("; ", faults)}");
            session.Error.WriteLine($"See: {CommandText.PathOf(result.CommandResult.Command)} --help");
            return ExitCodes.WrongUsage;
        }
        if (!isHelp)
            session.General!.Read(result, session);
        try
        {
            int code = result.Invoke(new InvocationConfiguration
            {
                Output = session.Output,
                Error = session.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,       // Interrupts listens instead, so that partial files go away
            });
            session.Tell($"ended with {code}");
            return code;
        }
        catch (Exception failure)
        {
            return Failures.Report(failure, session);
        }
    }

    internal static RootCommand Root(Session session)
    {
        RootCommand root = new("Merges file system layers into one read-only EROFS image, without recompressing and without " +
            "touching them, or builds a compressed one of them. Layers are named lowest first: the later one wins. A layer " +
            "is an EROFS image, a tar, an initrd, a directory or a container image; one that has devices of its own is " +
            "IMAGE@DEVICE@DEVICE.")
        {
            new MergeVerb(session), new BuildVerb(session), new AppendVerb(session), new SplitVerb(session),
            new MountVerb(session), new UmountVerb(session),
            new ListVerb(session), new TreeVerb(session), new StatVerb(session), new CatVerb(session),
            new ExtractVerb(session), new ExportVerb(session), new ManifestVerb(session), new DiffVerb(session),
            new CheckVerb(session), new InspectVerb(session), new ReportVerb(session), new DumpVerb(session),
            new VerityVerb(session), new InitrdVerb(session), new UkiVerb(session), new DemoVerb(session),
            new HelpVerb(session), new ManVerb(session), new CompletionVerb(session),
        };
        root.Directives.Clear();
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpAction();
        help.Description = "Show help";
        root.Options.Remove(root.Options.OfType<VersionOption>().Single());
        session.General = new GeneralOptions(root);
        // The base library's own is known to the program alone, and says nothing beside a verb.
        root.Add(new Option<bool>("--version", "-V")
        {
            Description = "Show version, commit and codecs",
            Recursive = true,
            Action = new VersionAction(),
        });
        return root;
    }

    /// <summary>UTF-8 whatever the locale says, as names are bytes that mostly are UTF-8.</summary>
    private static StreamWriter Standard(Stream stream) => new(stream, new UTF8Encoding(false), 1 << 14);

    private sealed class VersionAction : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            VersionText.Write(parseResult.InvocationConfiguration.Output);
            return ExitCodes.Done;
        }
    }
}
