using System.CommandLine;
using Lamina.Layers;
using Lamina.Tree;

namespace Lamina.Cli;

/// <summary><c>lamina stat</c>: all that is known of files.</summary>
internal sealed class StatVerb : Verb
{
    private readonly Argument<string> _image = ImageArgument();
    private readonly Argument<string[]> _paths = new("PATH") { Description = "Files in it", Arity = ArgumentArity.OneOrMore };
    private readonly Option<bool> _json = JsonOption();

    public StatVerb(Session session) : base(session, "stat", "Shows all that is known of files in an image or a layer.",
        "lamina stat app.erofs /usr/bin/app",
        "lamina stat app.tar / /etc --json")
    {
        Add(_image);
        Add(_paths);
        Add(_json);
    }

    protected override int Run(ParseResult arguments)
    {
        string image = arguments.GetRequiredValue(_image);
        using Layer layer = LayerOpener.Open(image);
        foreach (string text in arguments.GetRequiredValue(_paths))
        {
            byte[] path = NodePath.Normalize(NameText.Parse(text));
            Node node = NodePath.Find(layer.Root, path, image);
            Output.WriteLine($"{NodePath.Show(path)}: {Texts.Type(node.Type)} {Texts.Mode(node)} {node.UserId}:{node.GroupId} {Texts.Time(node.Modified)}");
        }
        return ExitCodes.Done;
    }
}
