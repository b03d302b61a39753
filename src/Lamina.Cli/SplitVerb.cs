using System.CommandLine;
using Lamina.Images;
using Lamina.Layers;

namespace Lamina.Cli;

/// <summary><c>lamina split</c>: the layers of a flat image, byte for byte as they were.</summary>
internal sealed class SplitVerb : Verb
{
    private readonly Argument<string> _image = new("FLAT") { Description = "A flat image made by lamina merge" };
    private readonly Argument<string> _folder = new("DIR") { Description = "Where to put the layers; made if it is missing" };
    private readonly Option<bool> _force = new("--force", "-f") { Description = "Replace files that exist" };
    private readonly Option<bool> _json = JsonOption();

    public SplitVerb(Session session) : base(session, "split",
        "Takes a flat image apart: its layers come out byte for byte as they were, and their SHA-256 is checked.",
        "lamina split root.erofs layers/")
    {
        Add(_image);
        Add(_folder);
        Add(_force);
        Add(_json);
    }

    protected override int Run(ParseResult arguments)
    {
        string folder = arguments.GetRequiredValue(_folder);
        ImageFile.Require(LayerOpener.Split(arguments.GetRequiredValue(_image))[0]);
        IReadOnlyList<string> paths;
        using ProgressLine progress = new(Session, "splitting");
        using (Session.Interrupts.Writing(folder + Path.DirectorySeparatorChar))
        {
            paths = MergedImage.Split(arguments.GetRequiredValue(_image), folder, arguments.GetValue(_force),
                new WorkOptions { Progress = progress });
        }
        progress.Complete();
        if (arguments.GetValue(_json))
        {
            using JsonOutput json = new(Output);
            json.Writer.WriteStartObject();
            json.WriteStrings("layers", paths);
            json.Writer.WriteEndObject();
            return ExitCodes.Done;
        }
        foreach (string path in paths)
            Session.Summary.WriteLine(path);
        return ExitCodes.Done;
    }
}
