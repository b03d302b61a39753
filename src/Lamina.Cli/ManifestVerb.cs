using System.CommandLine;
using Lamina.Exporting;
using Lamina.Images;
using Lamina.Tree;

namespace Lamina.Cli;

/// <summary><c>lamina manifest</c>: a tree as text, to keep and to compare.</summary>
internal sealed class ManifestVerb : Verb
{
    private readonly Argument<string> _image = ImageArgument();
    private readonly Option<bool> _noLinks = new("--no-links") { Description = "Leave out how many names each file has" };
    private readonly Option<string> _platform = OpeningArguments.PlatformOption();

    public ManifestVerb(Session session) : base(session, "manifest",
        "Lists all that is in an image or a layer, with all metadata and the SHA-256 of each file: a JSON object a line, " +
            "sorted by path. " +
        "Two trees are the same if their manifests are. Files of 16 GiB and more have a digest of their blocks that are not " +
            "zeros.",
        "lamina manifest root.erofs",
        "lamina manifest root.erofs | jq -r 'select(.type == \"f\") | .sha256 + \"  \" + .path'")
    {
        Add(_image);
        Add(_noLinks);
        Add(_platform);
    }

    protected override int Run(ParseResult arguments)
    {
        string image = arguments.GetRequiredValue(_image);
        using ProgressLine progress = new(Session, "reading");
        using Layer layer = OpenedLayers.OpenOne(image, OpeningArguments.Looking(arguments, _platform));
        RefuseOverInput(layer);
        Output.Flush();
        Manifest.Write(image, layer.Root, Session.Bytes, new ManifestOptions
        {
            HasLinkCounts = !arguments.GetValue(_noLinks),
            Progress = progress,
            Threads = Session.Threads,
            Cancellation = Session.Interrupts.Token,
        });
        Session.Bytes.Flush();
        return ExitCodes.Done;
    }
}
