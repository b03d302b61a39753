using System.CommandLine;
using Lamina.Images;
using Lamina.Tree;

namespace Lamina.Cli;

/// <summary><c>lamina tree</c>: all files below a directory, drawn as a tree.</summary>
internal sealed class TreeVerb : Verb
{
    private readonly Argument<string> _image = ImageArgument();
    private readonly Argument<string> _path = new("PATH") { Description = "Where to begin", DefaultValueFactory = _ => "/" };
    private readonly Option<bool> _json = JsonOption();
    private long _directories, _others;
    private readonly Option<string> _platform = OpeningArguments.PlatformOption();

    public TreeVerb(Session session) : base(session, "tree", "Draws the files of an image or a layer as a tree.",
        "lamina tree app.erofs",
        "lamina tree merged.erofs /etc --json")
    {
        Add(_image);
        Add(_path);
        Add(_platform);
        Add(_json);
    }

    protected override int Run(ParseResult arguments)
    {
        string image = arguments.GetRequiredValue(_image);
        using Layer layer = OpenedLayers.OpenOne(image, OpeningArguments.Looking(arguments, _platform));
        byte[] path = NodePath.Normalize(NameText.Parse(arguments.GetRequiredValue(_path)));
        Node node = NodePath.Find(layer.Root, path, image);
        if (arguments.GetValue(_json))
        {
            using JsonOutput json = new(Output);
            WriteJson(json, NodePath.Show(path), node, 0);
            return ExitCodes.Done;
        }
        Output.WriteLine(NodePath.Show(path) + Suffix(node));
        if (node.IsDirectory)
            Draw(node, "", 0);
        Output.WriteLine();
        Output.WriteLine($"{Texts.Count(_directories, "directory", "directories")}, {Texts.Count(_others, "other file")}");
        return ExitCodes.Done;
    }

    private void Draw(Node directory, string indent, int depth)
    {
        CheckDepth(depth);
        using IEnumerator<Entry> entries = directory.Listing.Enumerate().GetEnumerator();
        for (bool isLast = !entries.MoveNext(); !isLast;)
        {
            (ReadOnlyMemory<byte> name, Node node) = entries.Current;
            isLast = !entries.MoveNext();
            Output.Write(indent);
            Output.Write(isLast ? "└── " : "├── ");
            Output.Write(ShownText.Of(name.Span));
            Output.WriteLine(Suffix(node));
            if (node.IsDirectory)
            {
                _directories++;
                Draw(node, indent + (isLast ? "    " : "│   "), depth + 1);
            }
            else
            {
                _others++;
            }
        }
    }

    private static string Suffix(Node node) => node.Type switch
    {
        NodeType.SymbolicLink => $" -> {ShownText.Of(node.Target)}",
        NodeType.RegularFile => $"  {Texts.Size(node.Content.Size)}",
        NodeType.CharacterDevice when node.IsWhiteout => "  (whiteout)",
        NodeType.CharacterDevice or NodeType.BlockDevice =>
            $"  ({Texts.Type(node.Type)} {node.Device.Major}:{node.Device.Minor})",
        NodeType.Fifo or NodeType.Socket => $"  ({Texts.Type(node.Type)})",
        _ => "",
    };

    private static void WriteJson(JsonOutput json, string name, Node node, int depth)
    {
        CheckDepth(depth);
        json.Writer.WriteStartObject();
        json.Writer.WriteString("name", name);
        NodeJson.Write(json.Writer, node);
        if (node.IsDirectory)
        {
            json.Writer.WriteStartArray("entries");
            foreach (Entry entry in node.Listing.Enumerate())
                WriteJson(json, ShownText.Of(entry.Name.Span), entry.Node, depth + 1);
            json.Writer.WriteEndArray();
        }
        json.Writer.WriteEndObject();
        json.Step();
    }

    private static void CheckDepth(int depth)
    {
        if (depth > NodePath.MaxDepth)
            throw new UnsupportedImageException("the tree", $"directories are nested deeper than {NodePath.MaxDepth}");
    }
}
