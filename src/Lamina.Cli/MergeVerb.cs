using System.CommandLine;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Platform;
using Lamina.Writing;

namespace Lamina.Cli;

/// <summary><c>lamina merge</c>: layers become one image.</summary>
internal sealed class MergeVerb : Verb
{
    private readonly Argument<string[]> _layers = MergeArguments.Layers();
    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "The image to write; - for standard output",
        HelpName = "OUT",
        Required = true,
    };

    private readonly Option<string> _mode = new Option<string>("--mode")
    {
        HelpName = "MODE",
        Description = "flat: one file with the layers in it as they are; index: the metadata alone, " +
        "the layers stay where they are; " +
            "full: one file with the data that is still seen",
        DefaultValueFactory = _ => "flat",
    }.AcceptOnlyFromAmong("flat", "index", "full");

    private readonly MergeArguments _common;
    private readonly Option<bool> _keepWhiteouts = new("--keep-whiteouts")
    {
        Description = "Keep marks that would hide something in layers below these, for use as a lower layer of overlayfs",
    };

    private readonly Option<string> _label = new("--label")
    {
        Description = "The volume name, up to 16 bytes: a boot finds the image's disk by it (lamina.root=LABEL=NAME)",
        HelpName = "NAME",
    };

    private readonly Option<string> _vmdk = new("--vmdk")
    {
        Description = "With flat mode: leave the layers out and write a descriptor that shows all of it as one disk",
        HelpName = "FILE",
    };

    private readonly Option<bool> _dryRun = new("--dry-run", "-n") { Description = "Plan and report, write nothing" };
    private readonly Option<bool> _explain = new("--explain")
    {
        Description = "Say of every name that several layers have who won it",
    };
    private readonly Option<bool> _force = new("--force", "-f") { Description = "Replace OUT if it exists" };
    private readonly Option<bool> _json = JsonOption();

    public MergeVerb(Session session) : base(session, "merge",
        "Merges layers into one EROFS image. Layers are named lowest first: the later one wins. " +
            "They are neither recompressed nor changed.",
        "lamina merge base.erofs app.erofs config.tar -o root.erofs",
        "lamina merge --mode index base.erofs app.erofs -o root.erofs    # small: mounted together with the layers",
        "lamina merge --mode full base.erofs app.erofs -o root.erofs     # what is hidden is left behind",
        "lamina merge base.erofs app.erofs -o root.erofs --dry-run --explain",
        "lamina merge base.erofs app.erofs -o - | ssh HOST 'cat > root.erofs'",
        "lamina merge --verity base.erofs app.erofs -o root.erofs        # with a dm-verity tree: one root hash for all of it")
    {
        Add(_layers);
        Add(_output);
        Add(_mode);
        _common = new MergeArguments(this);
        Add(_keepWhiteouts);
        Add(_label);
        Add(_vmdk);
        Add(_dryRun);
        Add(_explain);
        Add(_force);
        Add(_json);
    }

    protected override int Run(ParseResult arguments)
    {
        string[] layers = arguments.GetRequiredValue(_layers);
        string output = arguments.GetRequiredValue(_output);
        string mode = arguments.GetRequiredValue(_mode);
        bool isDryRun = arguments.GetValue(_dryRun);
        string? vmdk = arguments.GetValue(_vmdk);
        bool isStream = output == StandardStream;
        if (isStream)
            RefuseForStream(arguments, vmdk);
        if (vmdk is not null && mode != "flat")
            throw new UsageException($"--vmdk describes a flat image, the mode is {mode}", "Leave out --mode, or --vmdk.");

        MergeAccount? account = arguments.GetValue(_explain) ? new MergeAccount() : null;
        MergeOptions merging = new()
        {
            KeepWhiteouts = arguments.GetValue(_keepWhiteouts),
            Account = account,
            UserXattr = _common.UserXattr(arguments)
        };
        using ProgressLine progress = new(Session, "writing");
        WriteOptions writing = _common.Writing(arguments) with
        {
            Mode = mode switch { "index" => OutputMode.Index, "full" => OutputMode.Full, _ => OutputMode.Flat },
            Label = arguments.GetValue(_label),
            Overwrite = arguments.GetValue(_force),
            VmdkPath = vmdk,
            Progress = progress,
        };
        WriteResult result;
        if (isDryRun)
        {
            result = MergedImage.Plan(layers, output, writing, merging, _common.Rules(arguments));
        }
        else if (isStream)
        {
            InputFiles inputs = new();
            foreach (string file in layers.SelectMany(LayerOpener.Split))
                inputs.Add(file == StandardStream ? "/dev/stdin" : file);
            inputs.RefuseStandardOutput();
            result = MergedImage.Create(layers, Session.Bytes, output, writing, merging, _common.Rules(arguments));
        }
        else
        {
            using IDisposable scope = Session.Interrupts.Writing(output);
            result = MergedImage.Create(layers, output, writing, merging, _common.Rules(arguments));
        }
        progress.Dispose();
        foreach (string warning in result.Warnings)
            Session.Error.WriteLine($"lamina: {warning}");
        if (isStream && !isDryRun)
            return ExitCodes.Done;          // the image is all that goes there
        MergeReport report = new(result, layers) { Mode = mode, IsDryRun = isDryRun, Account = account, VmdkPath = vmdk };
        if (arguments.GetValue(_json))
            report.WriteJson(Output);
        else
            report.Write(Session);
        return ExitCodes.Done;
    }

    private void RefuseForStream(ParseResult arguments, string? vmdk)
    {
        if (Session.IsTerminal && !arguments.GetValue(_dryRun))
            throw new UsageException("an image is nothing to look at: standard output is a terminal", "Name a file, or a pipe.");
        if (vmdk is not null || _common.Writing(arguments).Verity is not null)
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
