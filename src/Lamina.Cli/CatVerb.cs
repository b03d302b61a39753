using System.CommandLine;
using Lamina.Images;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Cli;

/// <summary><c>lamina cat</c>: the data of files.</summary>
internal sealed class CatVerb : Verb
{
    private const int StepSize = 1 << 20;

    private readonly Argument<string> _image = ImageArgument();
    private readonly Argument<string[]> _paths = new("PATH") { Description = "Files in it", Arity = ArgumentArity.OneOrMore };
    private readonly Option<string> _platform = OpeningArguments.PlatformOption();

    public CatVerb(Session session) : base(session, "cat",
        "Writes the data of files in an image or a layer to standard output, one after the other.",
        "lamina cat app.erofs /etc/os-release",
        "lamina cat app.erofs /usr/share/dict/words | head")
    {
        Add(_image);
        Add(_paths);
        Add(_platform);
    }

    protected override int Run(ParseResult arguments)
    {
        string image = arguments.GetRequiredValue(_image);
        byte[][] paths = [.. arguments.GetRequiredValue(_paths).Select(text => NodePath.Normalize(NameText.Parse(text)))];
        using Layer layer = OpenedLayers.OpenOne(image, OpeningArguments.Looking(arguments, _platform));
        // All of them are looked for first, so that a typing error is told before anything is written.
        Node[] files = [.. paths.Select(path => Find(layer, path, image))];
        RefuseOverInput(layer);
        Output.Flush();
        byte[] buffer = new byte[StepSize];
        for (int i = 0; i < files.Length; i++)
        {
            ByteSource data = files[i].Content.Open($"{image}: {NodePath.Show(paths[i])}");
            int count;
            for (long at = 0; (count = data.Read(at, buffer)) > 0; at += count)
            {
                Session.Interrupts.Token.ThrowIfCancellationRequested();
                Session.Bytes.Write(buffer, 0, count);
            }
        }
        Session.Bytes.Flush();
        return ExitCodes.Done;
    }

    private static Node Find(Layer layer, byte[] path, string image)
    {
        Node node = NodePath.Find(layer.Root, path, image);
        return node.Type switch
        {
            NodeType.RegularFile => node,
            NodeType.SymbolicLink => throw new NoException(
                $"{image}: {NodePath.Show(path)} is a symbolic link to {ShownText.Of(node.Target)}",
                "Links are not followed; name the place it leads to."),
            _ => throw new NoException($"{image}: {NodePath.Show(path)} is a {Texts.Type(node.Type)}, only files have data"),
        };
    }
}
