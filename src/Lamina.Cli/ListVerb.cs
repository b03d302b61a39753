using System.CommandLine;
using Lamina.Layers;
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

    public ListVerb(Session session) : base(session, "ls", "Lists the files of an image or a layer.",
        "lamina ls app.erofs               # the root",
        "lamina ls -l app.tar /etc         # a tar can be looked into as well",
        "lamina ls -R merged.erofs@a.erofs@b.erofs --json")
    {
        Add(_image);
        Add(_path);
        Add(_long);
        Add(_recursive);
        Add(_json);
    }

    protected override int Run(ParseResult arguments)
    {
        string image = arguments.GetRequiredValue(_image);
        using Layer layer = LayerOpener.Open(image);
        byte[] path = NodePath.Normalize(NameText.Parse(arguments.GetRequiredValue(_path)));
        Node node = NodePath.Find(layer.Root, path, image);
        IEnumerable<(byte[] Path, Entry Entry)> rows = node.IsDirectory
            ? Walk(path, node, arguments.GetValue(_recursive), 0)
            : [(path[..Array.LastIndexOf(path, (byte)'/')],
                new Entry(path.AsMemory(Array.LastIndexOf(path, (byte)'/') + 1), node))];
        if (arguments.GetValue(_json))
            WriteJson(rows);
        else if (arguments.GetValue(_long))
            WriteLong(rows, arguments.GetValue(_recursive));
        else
            WriteNames(rows, arguments.GetValue(_recursive));
        return ExitCodes.Done;
    }

    private static IEnumerable<(byte[] Path, Entry Entry)> Walk(byte[] path, Node directory, bool recursive, int depth)
    {
        if (depth > NodePath.MaxDepth)
            throw new UnsupportedImageException(NodePath.Show(path), $"directories are nested deeper than {NodePath.MaxDepth}");
        foreach (Entry entry in directory.Listing.Read())
        {
            yield return (path, entry);
            if (!recursive || !entry.Node.IsDirectory)
                continue;
            byte[] below = [.. path, (byte)'/', .. entry.Name.Span];
            foreach ((byte[] Path, Entry Entry) row in Walk(below, entry.Node, true, depth + 1))
                yield return row;
        }
    }

    private static string NameOf(byte[] path, Entry entry, bool inFull) =>
        inFull ? NameText.Of([.. path, (byte)'/', .. entry.Name.Span]) : NameText.Of(entry.Name.Span);

    private void WriteNames(IEnumerable<(byte[] Path, Entry Entry)> rows, bool inFull)
    {
        foreach ((byte[] path, Entry entry) in rows)
            Output.WriteLine(NameOf(path, entry, inFull));
    }

    private void WriteLong(IEnumerable<(byte[] Path, Entry Entry)> rows, bool inFull)
    {
        // A directory's widths are known once it is read; over a whole tree they are guessed, so that output can begin at once.
        IReadOnlyCollection<(byte[] Path, Entry Entry)>? all = inFull ? null : [.. rows];
        int owner = all is null ? 9 : all.Select(row => Owner(row.Entry.Node).Length).DefaultIfEmpty().Max();
        int size = all is null ? 9 : all.Select(row => Size(row.Entry.Node).Length).DefaultIfEmpty().Max();
        foreach ((byte[] path, Entry entry) in all ?? rows)
        {
            Node node = entry.Node;
            string target = node.Type == NodeType.SymbolicLink ? $" -> {NameText.Of(node.Target)}" : "";
            string row = $"{Texts.Mode(node)} {Owner(node).PadRight(owner)} " +
                $"{Size(node).PadLeft(size)} {Texts.ShortTime(node.Modified)}";
            Output.WriteLine($"{row} {NameOf(path, entry, inFull)}{target}");
        }
    }

    private static string Owner(Node node) => $"{node.UserId}:{node.GroupId}";

    private static string Size(Node node) => node.Type switch
    {
        NodeType.RegularFile => $"{node.Content.Size}",
        NodeType.CharacterDevice or NodeType.BlockDevice => $"{node.Device.Major},{node.Device.Minor}",
        _ => "-",
    };

    private void WriteJson(IEnumerable<(byte[] Path, Entry Entry)> rows)
    {
        using JsonOutput json = new(Output);
        json.Writer.WriteStartArray();
        foreach ((byte[] path, Entry entry) in rows)
        {
            json.Writer.WriteStartObject();
            json.Writer.WriteString("path", NameOf(path, entry, true));
            NodeJson.Write(json.Writer, entry.Node);
            json.Writer.WriteEndObject();
            json.Step();
        }
        json.Writer.WriteEndArray();
    }
}
