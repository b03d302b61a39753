using System.CommandLine;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Platform;
using Lamina.Reporting;

namespace Lamina.Cli;

/// <summary><c>lamina report</c>: what each layer costs, as a page, as text or as JSON.</summary>
internal sealed class ReportVerb : Verb
{
    private readonly Argument<string[]> _layers = MergeArguments.Layers();
    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "The page to write, HTML in one file; - for standard output. Without: text",
        HelpName = "OUT",
    };

    private readonly Option<bool> _text = new("--text") { Description = "Print a summary, with --output as well" };
    private readonly Option<bool> _json = JsonOption();
    private readonly Option<bool> _noCompare = new("--no-compare")
    {
        Description = "Do not compare files of the same size: no data are read, and no copies found",
    };

    private readonly Option<bool> _userXattr = new("--userxattr")
    {
        Description = "Take user.overlay.* for the marks of images, as an overlay mounted with userxattr does",
    };

    private readonly Option<bool> _force = new("--force", "-f") { Description = "Replace OUT if it exists" };
    private readonly SourceArguments _sources;
    private readonly OpeningArguments _opening;

    public ReportVerb(Session session) : base(session, "report",
        "Shows what each layer costs: what is seen of it and what upper layers hide, files that are there twice, what a " +
            "rebuild saves. Of an image that lamina merged it shows the layers it was made of. The page needs no network.",
        "lamina report root.erofs -o report.html",
        "lamina report base.erofs app.erofs config.tar       # as text",
        "lamina report oci:DIR:TAG -o report.html",
        "lamina report /boot/initrd.img-6.12.9 --json | jq .modules")
    {
        Add(_layers);
        Add(_output);
        Add(_text);
        Add(_noCompare);
        _sources = new SourceArguments(this);
        Add(_userXattr);
        _opening = new OpeningArguments(this, hasConfig: false);
        Add(_force);
        Add(_json);
        OnlyWith(_output, _force);
    }

    protected override int Run(ParseResult arguments)
    {
        string[] layers = arguments.GetRequiredValue(_layers);
        string? output = arguments.GetValue(_output);
        bool isJson = arguments.GetValue(_json), isText = arguments.GetValue(_text);
        if (output == StandardStream && (isJson || isText))
            throw new UsageException("the page goes to standard output, and so would the summary", "Name a file for the page.");
        if (isJson && isText)
            throw new UsageException("--json and --text are two forms of the same", "Leave out one of them.");
        using ProgressLine progress = new(Session, "comparing");
        WorkOptions work = new()
        {
            Progress = progress,
            Threads = Session.Threads,
            Cancellation = Session.Interrupts.Token,
        };
        LayerOptions options = _opening.Add(arguments, _sources.Reading(arguments, Session.Error), work);
        if (output is not null)
            options = options with { Output = FileIdentity.Of(output == StandardStream ? "/dev/stdout" : output) };
        LayerReporter.Report(layers, options, !arguments.GetValue(_noCompare), arguments.GetValue(_userXattr), (report, opened) =>
        {
            progress.Dispose();
            if (output is not null)
                WritePage(output, arguments.GetValue(_force), opened, report, string.Join(", ", layers));
            if (isJson)
                new ReportJson(report).Write(Output);
            else if (output is null || isText)
                new ReportText(report, layers).Write(Session);
        });
        return _sources.UnreadableCount > 0 ? ExitCodes.No : ExitCodes.Done;
    }

    private void WritePage(string path, bool overwrites, OpenedLayers opened, LayerReport report, string title)
    {
        InputFiles inputs = new();
        foreach (ByteSource source in opened.All.SelectMany(layer => layer.Sources))
            inputs.Add(source);
        if (path == StandardStream)
        {
            inputs.RefuseStandardOutput();
            Output.Flush();
            ReportPage.Write(Session.Bytes, report, title);
            Session.Bytes.Flush();
            return;
        }
        using IDisposable scope = Session.Interrupts.Writing(path);
        using OutputFile output = new(path, overwrites, inputs);
        ReportPage.Write(output.AsStream(), report, title);
        output.Commit();
        if (Session.IsTerminal)
            Session.Error.WriteLine($"{path}: {ReportText.Headline(report)}");
    }
}
