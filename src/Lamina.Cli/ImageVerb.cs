using System.CommandLine;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Platform;
using Lamina.Writing;

namespace Lamina.Cli;

/// <summary>A verb that makes an image of layers: <c>merge</c> and <c>build</c>.</summary>
internal abstract class ImageVerb : Verb
{
    private readonly Argument<string[]> _layers = MergeArguments.Layers();
    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "The image to write; - for standard output",
        HelpName = "OUT",
        Required = true,
    };

    private readonly Option<bool> _anyExtension = new("--any-extension")
    {
        Description = "Take system extensions (sysext, confext) for other systems than the layers below them. Without: they " +
            "are refused, as systemd-sysext does",
    };

    private readonly Option<bool> _keepWhiteouts = new("--keep-whiteouts")
    {
        Description = "Keep marks that would hide something in layers below these, for use as a lower layer of overlayfs",
    };

    private readonly Option<string> _label = new("--label")
    {
        Description = "The volume name, up to 16 bytes: a boot finds the image's disk by it (lamina.root=LABEL=NAME)",
        HelpName = "NAME",
    };

    private readonly Option<string> _digestName = new("--xattr-inode-digest")
    {
        Description = "Give each file an attribute of this name with the SHA-256 of its data, by which kernels keep equal " +
            "files in memory once: Linux 7.0, mounted with inode_share. trusted.NAME, or any name such as erofs.fingerprint.v1",
        HelpName = "NAME",
    };

    private readonly Option<bool> _dryRun = new("--dry-run", "-n") { Description = "Plan and report, write nothing" };
    private readonly Option<bool> _explain = new("--explain")
    {
        Description = "Say of every name that several layers have who won it",
    };

    private readonly Option<bool> _force = new("--force", "-f") { Description = "Replace OUT if it exists" };
    private readonly Option<bool> _json = JsonOption();
    private readonly MergeArguments _common;
    private readonly OpeningArguments _opening;

    protected ImageVerb(Session session, string name, string description, params string[] examples)
        : base(session, name, description, examples)
    {
        Add(_layers);
        Add(_output);
        AddOwnOptions();
        _common = new MergeArguments(this);
        _opening = new OpeningArguments(this, hasConfig: true);
        Add(_anyExtension);
        Add(_keepWhiteouts);
        Add(_label);
        Add(_digestName);
        Add(_dryRun);
        Add(_explain);
        Add(_force);
        Add(_json);
    }

    /// <summary>The option for the output.</summary>
    protected Option<string> OutputOption => _output;

    /// <summary>What takes the time, for the line that shows progress.</summary>
    protected abstract string Doing(WriteOptions writing);

    /// <summary>Adds the options that this verb alone has.</summary>
    protected abstract void AddOwnOptions();

    /// <summary>The mode's word, and what this verb's own options say of how to write.</summary>
    protected abstract (string Mode, WriteOptions Writing) Shape(ParseResult arguments, WriteOptions writing);

    protected override int Run(ParseResult arguments)
    {
        string[] layers = LayersOf(arguments);
        string output = arguments.GetRequiredValue(_output);
        bool isDryRun = arguments.GetValue(_dryRun), isStream = output == StandardStream;
        (string mode, WriteOptions writing) = Shape(arguments);
        if (isStream)
            RefuseForStream(arguments, writing);
        MergeAccount? account = arguments.GetValue(_explain) ? new MergeAccount() : null;
        MergeOptions merging = new()
        {
            KeepWhiteouts = arguments.GetValue(_keepWhiteouts),
            Account = account,
            UserXattr = _common.UserXattr(arguments),
            ChecksExtensions = !arguments.GetValue(_anyExtension),
        };
        using ProgressLine opening = new(Session, "reading layers");
        using ProgressLine progress = new(Session, Doing(writing)) { Before = opening };
        writing = writing with { Progress = progress, Threads = Session.Threads };
        LayerOptions reading = Reading(arguments, new WorkOptions { Progress = opening, Threads = Session.Threads });
        WriteResult result;
        if (isDryRun)
        {
            result = MergedImage.Plan(layers, output, writing, merging, reading);
        }
        else if (isStream)
        {
            InputFiles inputs = new();
            foreach (string file in layers.SelectMany(LayerOpener.Split))
                inputs.Add(file == StandardStream ? "/dev/stdin" : file);
            inputs.RefuseStandardOutput();
            reading = reading with { Output = FileIdentity.Of("/dev/stdout") };
            result = MergedImage.Create(layers, Session.Bytes, output, writing, merging, reading);
        }
        else
        {
            using IDisposable scope = Session.Interrupts.Writing(output);
            result = MergedImage.Create(layers, output, writing, merging, reading);
        }
        progress.Complete();
        if (!isDryRun)
            WriteConfig(arguments, writing);
        Warn(result);
        if (isStream && !isDryRun)
            return ExitCode;        // the image is all that goes there
        MergeReport report = new(result, layers)
        {
            Mode = mode,
            IsDryRun = isDryRun,
            Account = account,
            VmdkPath = writing.VmdkPath,
        };
        if (arguments.GetValue(_json))
            report.WriteJson(Output);
        else
            report.Write(Session);
        return ExitCode;
    }

    /// <summary>The layers that are named, lowest first.</summary>
    protected string[] LayersOf(ParseResult arguments) => arguments.GetRequiredValue(_layers);

    /// <summary>The mode's word, and how to write.</summary>
    protected (string Mode, WriteOptions Writing) Shape(ParseResult arguments) => Shape(arguments, _common.Writing(arguments) with
    {
        Label = arguments.GetValue(_label),
        Overwrite = arguments.GetValue(_force),
        Changes = arguments.GetValue(_digestName) is not { } name ? null
            : new InodeChanges { FingerprintName = PathBytes.Encode(name) },
    });

    /// <summary>How sources become layers.</summary>
    protected LayerOptions Reading(ParseResult arguments, WorkOptions work) =>
        _opening.Add(arguments, _common.Reading(arguments, Session.Error), work);

    /// <summary>Writes the config of a container image beside the output, where that was asked for.</summary>
    protected void WriteConfig(ParseResult arguments, WriteOptions writing) =>
        _opening.WriteConfig(arguments, writing.Overwrite);

    /// <summary>Says what is odd about the layers.</summary>
    protected void Warn(WriteResult result)
    {
        foreach (string warning in result.Warnings)
            Session.Error.WriteLine($"lamina: {warning}");
    }

    /// <summary>Whether the report is for programs.</summary>
    protected bool IsJson(ParseResult arguments) => arguments.GetValue(_json);

    /// <summary>What the verb ends with once all is done.</summary>
    protected int ExitCode => _common.ExitCode;

    private void RefuseForStream(ParseResult arguments, WriteOptions writing)
    {
        if (Session.IsTerminal && !arguments.GetValue(_dryRun))
            throw new UsageException("an image is nothing to look at: standard output is a terminal", "Name a file, or a pipe.");
        if (writing.VmdkPath is not null || writing.Verity is not null)
        {
            throw new UsageException("a dm-verity tree and a VMDK descriptor go with a file, not with standard output",
                "Name a file for the image.");
        }
        if ((arguments.GetValue(_json) || arguments.GetValue(_explain)) && !arguments.GetValue(_dryRun))
        {
            throw new UsageException("the image goes to standard output, and so would the report",
                "Leave out --json and --explain, or add --dry-run for the report alone.");
        }
    }
}
