using System.CommandLine;
using Lamina.Images;
using Lamina.Tree;

namespace Lamina.Cli;

/// <summary><c>lamina ls</c>: the names in a directory.</summary>
internal sealed class ListVerb : Verb
{
    private readonly Argument<string> _image = ImageArgument();
    private readonly Argument<string> _path = new("PATH") { Description = "Where to look", DefaultValueFactory = _ => "/" };
    private readonly Option<bool> _long = new("--long", "-l") { Description = "Mode, owner, size and time as well" };
    private readonly Option<bool> _recursive = new("--recursive", "-R") { Description = "All directories below as well" };
    private readonly Option<bool> _json = JsonOption();
    private readonly Option<string> _platform = OpeningArguments.PlatformOption();

    public ListVerb(Session session) : base(session, "ls", "Lists the files of an image or a layer.",
        "lamina ls app.erofs               # the root",
        "lamina ls -l app.tar /etc         # a tar can be looked into as well",
        "lamina ls -R merged.erofs@a.erofs@b.erofs --json")
    {
        Add(_image);
        Add(_path);
        Add(_long);
        Add(_recursive);
        Add(_platform);
        Add(_json);
    }

    protected override int Run(ParseResult arguments)
    {
        string image = arguments.GetRequiredValue(_image);
        using Layer layer = OpenedLayers.OpenOne(image, OpeningArguments.Looking(arguments, _platform));
        byte[] path = NodePath.Normalize(NameText.Parse(arguments.GetRequiredValue(_path)));
        Node node = NodePath.Find(layer.Root, path, image);
        bool inFull = arguments.GetValue(_recursive);
        ListWalk walk = new(path, node, inFull);
        if (arguments.GetValue(_json))
            WriteJson(walk);
        else if (arguments.GetValue(_long))
            WriteLong(walk, inFull);
        else
            WriteNames(walk, inFull);
        return ExitCodes.Done;
    }

    private static string NameOf(ListWalk walk, Entry entry, bool inFull) =>
        inFull ? ShownText.Of(walk.Path) : ShownText.Of(entry.Name.Span);

    private void WriteNames(ListWalk walk, bool inFull)
    {
        foreach (Entry entry in walk.Entries())
            Output.WriteLine(NameOf(walk, entry, inFull));
    }

    private void WriteLong(ListWalk walk, bool inFull)
    {
        // Over a whole tree the widths are guessed, so that output can begin at once; a directory is looked at for them first.
        int owner = 9, size = 9;
        if (!inFull)
        {
            (owner, size) = (0, 0);
            foreach (Entry entry in walk.Entries())
                (owner, size) = (Math.Max(owner, Owner(entry.Node).Length), Math.Max(size, Size(entry.Node).Length));
        }
        foreach (Entry entry in walk.Entries())
        {
            Node node = entry.Node;
            string target = node.Type == NodeType.SymbolicLink ? $" -> {ShownText.Of(node.Target)}" : "";
            string row = $"{Texts.Mode(node)} {Owner(node).PadRight(owner)} " +
                $"{Size(node).PadLeft(size)} {Texts.ShortTime(node.Modified)}";
            Output.WriteLine($"{row} {NameOf(walk, entry, inFull)}{target}");
        }
    }

    private static string Owner(Node node) => $"{node.UserId}:{node.GroupId}";

    private static string Size(Node node) => node.Type switch
    {
        NodeType.RegularFile => $"{node.Content.Size}",
        NodeType.CharacterDevice or NodeType.BlockDevice => $"{node.Device.Major},{node.Device.Minor}",
        _ => "-",
    };

    private void WriteJson(ListWalk walk)
    {
        using JsonOutput json = new(Output);
        json.Writer.WriteStartArray();
        foreach (Entry entry in walk.Entries())
        {
            json.Writer.WriteStartObject();
            json.Writer.WriteString("path", NameOf(walk, entry, true));
            NodeJson.Write(json.Writer, entry.Node);
            json.Writer.WriteEndObject();
            json.Step();
        }
        json.Writer.WriteEndArray();
    }
}
