using System.CommandLine;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Platform;
using Lamina.Writing;

namespace Lamina.Cli;

/// <summary><c>lamina append</c>: more layers on top of a flat image, in place.</summary>
internal sealed class AppendVerb : Verb
{
    private readonly Argument<string> _image = new("FLAT") { Description = "A flat image made by lamina merge" };
    private readonly Argument<string[]> _layers = MergeArguments.Layers();
    private readonly MergeArguments _common;
    private readonly OpeningArguments _opening;
    private readonly Option<bool> _explain = new("--explain")
    {
        Description = "Say of every name that several layers have who won it",
    };
    private readonly Option<bool> _json = JsonOption();

    public AppendVerb(Session session) : base(session, "append",
        "Appends layers to a flat image, on top of those it has. What " +
            "is in the file already stays where it is: after a crash the image is the old or the new one.",
        "lamina append root.erofs update.erofs",
        "lamina append root.erofs hotfix.tar site.erofs    # lowest first: site.erofs wins",
        "lamina append --verity root.erofs update.erofs    # an image with a dm-verity tree gets a new one, and a new root hash")
    {
        Add(_image);
        Add(_layers);
        _common = new MergeArguments(this);
        _opening = new OpeningArguments(this, hasConfig: false);
        Add(_explain);
        Add(_json);
    }

    protected override int Run(ParseResult arguments)
    {
        string image = arguments.GetRequiredValue(_image);
        string[] layers = arguments.GetRequiredValue(_layers);
        ImageFile.Require(LayerOpener.Split(image)[0]);
        MergeAccount? account = arguments.GetValue(_explain) ? new MergeAccount() : null;
        LayerOptions reading = _common.Reading(arguments, Session.Error);
        // Whenever it is stopped the file is the old image or the new one; in between it must not be told to undo.
        using ProgressLine progress = new(Session, "appending") { StopsVerb = false };
        WriteResult result;
        using (Session.Interrupts.Writing(image))
        {
            WriteOptions writing = _common.Writing(arguments, VerityImage.Find(image)) with
            {
                Progress = progress,
                Threads = Session.Threads,
            };
            result = MergedImage.Append(image, layers, writing,
                new MergeOptions { Account = account, UserXattr = _common.UserXattr(arguments) },
                _opening.Add(arguments, reading, writing) with { Output = FileIdentity.Of(image) });
        }
        progress.Complete();
        foreach (string warning in result.Warnings)
            Session.Error.WriteLine($"lamina: {warning}");
        MergeReport report = new(result, [image, .. layers]) { Mode = "flat", Account = account };
        if (arguments.GetValue(_json))
            report.WriteJson(Output);
        else
            report.Write(Session);
        return _common.ExitCode;
    }
}
