using System.CommandLine;
using Lamina.Checking;
using Lamina.Exporting;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Reading;

namespace Lamina.Cli;

/// <summary><c>lamina check</c>: whether an image is sound, and whether it is the merge of its layers.</summary>
internal sealed class CheckVerb : Verb
{
    private readonly Argument<string> _image = new("IMAGE") { Description = "An EROFS image; with devices: IMAGE@DEVICE@DEVICE" };

    private readonly Option<string[]> _against = new("--against")
    {
        Description = "Compare the image with the merge of these layers, lowest first: names, types, metadata, links, all data",
        HelpName = "LAYER...",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly SourceArguments _sources;
    private readonly Option<bool> _keepWhiteouts = new("--keep-whiteouts") { Description = "The image was merged so" };
    private readonly Option<bool> _noVerify = new("--no-verify")
    {
        Description = "Do not compute the SHA-256 of layers and devices, nor of files with fingerprints, " +
            "to compare them with the recorded ones",
    };

    private readonly Option<string> _rootHash = VerityArguments.RootHash(
        "Check as well that a dm-verity root hash covers the image and all its devices");
    private readonly Option<string> _hashFile = VerityVerb.HashFileOption(
        "With --root-hash: the file that has the tree. Without: the image itself");
    private readonly Option<bool> _json = JsonOption();

    public CheckVerb(Session session) : base(session, "check",
        "Checks an EROFS image: reads all of it, and reports every fault with inode and byte, not only the first. " +
            "With --against it proves that a merged image is the merge of its layers. " +
            "Exit code 1 if there are faults or differences, 3 if it cannot be checked.",
        "lamina check root.erofs",
        "lamina check index.erofs@base.erofs@app.erofs",
        "lamina check root.erofs --against base.erofs app.erofs config.tar",
        "lamina check --root-hash 4fd4... index.erofs@base.erofs@app.erofs",
        "lamina check root.erofs --json | jq '.faults[].message'")
    {
        Add(_image);
        Add(_against);
        _sources = new SourceArguments(this);
        Add(_keepWhiteouts);
        Add(_noVerify);
        Add(_rootHash);
        Add(_hashFile);
        OnlyWith(_rootHash, _hashFile);
        Add(_json);
    }

    protected override int Run(ParseResult arguments)
    {
        string image = arguments.GetRequiredValue(_image);
        string[]? layers = arguments.GetValue(_against) is { Length: > 0 } named ? named : null;
        if (layers is null && (arguments.GetValue(_keepWhiteouts) || _sources.AreGiven(arguments)))
        {
            throw new UsageException("--rules, --keep-whiteouts and the like say how layers were merged, and there are none",
                "Name the layers with --against, or leave these out.");
        }
        // What a root hash does not cover is not looked into.
        TrustReport? trust = arguments.GetValue(_rootHash) is { } rootHash
            ? CheckTrust(image, rootHash, arguments.GetValue(_hashFile)) : null;
        CheckReport report = trust is { IsSound: false } ? new CheckReport([], isComplete: false)
            : CheckImage(image, !arguments.GetValue(_noVerify));
        CheckAnswer answer = new(image, report) { Trust = trust };
        // Trees are compared if they can be read: what the first fault there would say is said already.
        if (layers is not null && answer.Report.IsSound && trust is not { IsSound: false })
            answer = answer with { Comparison = Compare(image, layers, arguments) };
        if (arguments.GetValue(_json))
            answer.WriteJson(Output);
        else
            answer.Write(Session.IsQuiet && answer.IsYes ? TextWriter.Null : Output, layers);
        return answer.IsYes && _sources.UnreadableCount == 0 ? ExitCodes.Done : ExitCodes.No;
    }

    private CheckReport CheckImage(string image, bool verifies)
    {
        string[] paths = LayerOpener.Split(image);
        // Opened once: a pipe can be read once.
        using ByteSource source = ByteSource.OpenFile(paths[0]);
        LayerOpener.RequireImage(source);
        using ProgressLine progress = new(Session, "checking");
        return ImageChecker.Check(source, paths[1..], new CheckOptions
        {
            VerifiesDigests = verifies,
            Progress = progress,
            Threads = Session.Threads,
            Cancellation = Session.Interrupts.Token,
        });
    }

    private TrustReport CheckTrust(string image, string rootHash, string? hashFile)
    {
        string[] paths = LayerOpener.Split(image);
        using ProgressLine progress = new(Session, "verifying");
        return TrustedImage.Verify(paths[0], paths[1..], VerityArguments.ParseRootHash(rootHash), hashFile,
            new WorkOptions { Progress = progress, Threads = Session.Threads });
    }

    private CompareResult Compare(string image, string[] layers, ParseResult arguments)
    {
        using ProgressLine progress = new(Session, "comparing");
        return MergedImage.Compare(image, layers,
            new CompareOptions { Progress = progress, Threads = Session.Threads, Cancellation = Session.Interrupts.Token },
            new MergeOptions { KeepWhiteouts = arguments.GetValue(_keepWhiteouts) },
            _sources.Reading(arguments, Session.Error));
    }
}
