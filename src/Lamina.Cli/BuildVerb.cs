using System.CommandLine;
using Lamina.Building;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Platform;
using Lamina.Writing;

namespace Lamina.Cli;

/// <summary><c>lamina build</c>: whatever people hold becomes one compressed image.</summary>
internal sealed class BuildVerb : Verb
{
    private readonly Argument<string[]> _sources = new("SOURCE")
    {
        Description = MergeArguments.Layers().Description,
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "The image to write; - for standard output",
        HelpName = "OUT",
        Required = true,
    };

    private readonly EncodeArguments _encoding;
    private readonly MergeArguments _common;
    private readonly Option<string> _label = new("--label")
    {
        Description = "The volume name, up to 16 bytes",
        HelpName = "NAME",
    };

    private readonly Option<bool> _all = new("--recompress-all")
    {
        Description = "Encode anew what a source has compressed already; without, it stays as it is",
    };

    private readonly Option<bool> _force = new("--force", "-f") { Description = "Replace OUT if it exists" };
    private readonly Option<bool> _json = JsonOption();

    public BuildVerb(Session session) : base(session, "build",
        "Makes one EROFS image with the data of all sources, compressed. Sources are named lowest first: the later one wins.",
        "lamina build rootfs.tar -o root.erofs                     # zstd, for Linux 6.12 and newer",
        "lamina build -z lz4hc,12 --kernel 6.1 base.tar app.tar -o root.erofs",
        "lamina build -z zstd,15 --kernel 7.2 rootfs.tar -o root.erofs   # smallest: clusters begin at any byte",
        "lamina build -z none rootfs.tar -o root.erofs")
    {
        Add(_sources);
        Add(_output);
        _encoding = new EncodeArguments(this, "--compress", isRequired: false);
        _common = new MergeArguments(this);
        Add(_all);
        Add(_label);
        Add(_force);
        Add(_json);
    }

    protected override int Run(ParseResult arguments)
    {
        string[] sources = arguments.GetRequiredValue(_sources);
        string output = arguments.GetRequiredValue(_output);
        using ProgressLine progress = new(Session, "encoding");
        WriteOptions writing = _common.Writing(arguments) with
        {
            Mode = OutputMode.Full,
            Encoding = _encoding.Encoding(arguments) with { EncodesAll = arguments.GetValue(_all) },
            Label = arguments.GetValue(_label),
            Overwrite = arguments.GetValue(_force),
            Progress = progress,
        };
        MergeOptions merging = new() { UserXattr = _common.UserXattr(arguments) };
        WriteResult result;
        using (Session.Interrupts.Writing(output))
            result = MergedImage.Create(sources, output, writing, merging, _common.Rules(arguments));
        progress.Dispose();
        foreach (string warning in result.Warnings)
            Session.Error.WriteLine($"lamina: {warning}");
        MergeReport report = new(result, sources) { Mode = "full" };
        if (arguments.GetValue(_json))
            report.WriteJson(Output);
        else
            report.Write(Session);
        return ExitCodes.Done;
    }
}
