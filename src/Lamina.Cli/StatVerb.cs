using System.CommandLine;
using System.Text.Json;
using Lamina.Describing;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Reading;
using Lamina.Tree;
using Spectre.Console;

namespace Lamina.Cli;

/// <summary><c>lamina stat</c>: all that is known of files.</summary>
internal sealed class StatVerb : Verb
{
    private readonly Argument<string> _image = ImageArgument();
    private readonly Argument<string[]> _paths = new("PATH") { Description = "Files in it", Arity = ArgumentArity.OneOrMore };
    private readonly Option<bool> _extents = new("--extents") { Description = "Show where in the image the data lies" };
    private readonly Option<bool> _json = JsonOption();
    private readonly Option<string> _platform = OpeningArguments.PlatformOption();

    public StatVerb(Session session) : base(session, "stat",
        "Shows all that is known of files in an image or a layer; of an EROFS image also how it keeps them.",
        "lamina stat app.erofs /usr/bin/app",
        "lamina stat --extents app.erofs /usr/bin/app",
        "lamina stat app.tar / /etc --json")
    {
        Add(_image);
        Add(_paths);
        Add(_extents);
        Add(_platform);
        Add(_json);
    }

    /// <summary>A file as the tree has it, and as an EROFS image keeps it.</summary>
    private sealed record Row(string Path, Node Node, InodeInfo? Inode, long Links);

    protected override int Run(ParseResult arguments)
    {
        string image = arguments.GetRequiredValue(_image);
        string[] files = LayerOpener.Split(image);
        byte[][] paths = [.. arguments.GetRequiredValue(_paths).Select(text => NodePath.Normalize(NameText.Parse(text)))];
        using Layer layer = OpenedLayers.OpenOne(image, OpeningArguments.Looking(arguments, _platform));
        Node[] nodes = [.. paths.Select(path => NodePath.Find(layer.Root, path, image))];
        // What came through a pipe cannot be read once more; a partition can.
        bool isImage = layer.Originals is [{ Kind: OriginalKind.Erofs, Bytes: { WhyNoFile: null } or { IsVolume: true } }, ..];
        InodeInfo?[] inodes = isImage
            ? InodeInfo.Read(files[0], files[1..], paths) : new InodeInfo?[paths.Length];
        IEnumerable<Row> rows = paths.Select((path, i) =>
            new Row(NodePath.Show(path), nodes[i], inodes[i], inodes[i]?.LinkCount ?? CountLinks(layer.Root, nodes[i])));
        bool withExtents = arguments.GetValue(_extents);
        if (arguments.GetValue(_json))
        {
            WriteJson(rows, withExtents);
            return ExitCodes.Done;
        }
        foreach (Row row in rows)
            Write(row, withExtents);
        return ExitCodes.Done;
    }

    /// <summary>What stat(2) would say: names of a file; of a directory itself, its name and its subdirectories.</summary>
    private static long CountLinks(Node root, Node node)
    {
        if (node.IsDirectory)
            return 2 + node.Listing.Enumerate().Count(entry => entry.Node.IsDirectory);
        if (node.HasSingleName)
            return 1;
        long links = 0;
        Stack<Node> open = new([root]);
        while (open.TryPop(out Node? directory))
        {
            foreach (Entry entry in directory.Listing.Enumerate())
            {
                if (ReferenceEquals(entry.Node, node))
                    links++;
                else if (entry.Node.IsDirectory)
                    open.Push(entry.Node);
            }
        }
        return links;
    }

    private void Write(Row row, bool withExtents)
    {
        Node node = row.Node;
        string more = node.Type switch
        {
            NodeType.RegularFile => $", {node.Content.Size} bytes",
            NodeType.SymbolicLink => $" to {ShownText.Of(node.Target)}",
            NodeType.CharacterDevice or NodeType.BlockDevice =>
                $" {node.Device.Major}:{node.Device.Minor}{(node.IsWhiteout ? " (a whiteout)" : "")}",
            _ => "",
        };
        Output.WriteLine($"{row.Path}: {Texts.Type(node.Type)}{more}");
        Output.WriteLine($"  mode      {Texts.Octal(node)} {Texts.Mode(node)}");
        Output.WriteLine($"  owner     {node.UserId}:{node.GroupId}");
        Output.WriteLine($"  modified  {Texts.Time(node.Modified)}");
        Output.WriteLine($"  links     {row.Links}");
        foreach (Xattr xattr in node.Xattrs.Items)
            Output.WriteLine($"  xattr     {ShownText.Of(xattr.Name.Span)} = {NameText.OfValue(xattr.Value.Span)}");
        if (row.Inode is not { } inode)
            return;
        string place = inode.Position is { } position ? $" at byte 0x{position:x}" : " in the metabox";
        ulong nid = inode.Nid & (ulong.MaxValue >> 1);
        Output.WriteLine($"  inode     {nid}{place}, {(inode.IsExtended ? "extended" : "compact")}, {inode.Layout}");
        if (withExtents)
            WriteExtents(inode);
    }

    private void WriteExtents(InodeInfo inode)
    {
        if (inode.Extents.Count == 0)
            return;
        Table table = Tables.New("In the file", "Length", "Stored at", "Length", "As", "In");
        foreach (int column in (int[])[0, 1, 2, 3])
            table.Columns[column].RightAligned();
        foreach (InodeExtent extent in inode.Extents)
        {
            string[] cells = extent.Encoding == ClusterEncoding.Hole
                ? [$"{extent.Logical}", $"{extent.Length}", "", "", "hole", ""]
                : [$"{extent.Logical}", $"{extent.Length}", $"0x{extent.Offset:x}", $"{extent.StoredLength}", As(extent),
                    extent.IsFragment ? "the packed file" : extent.Source ?? ""];
            table.AddRow([.. cells.Select(cell => new Text(cell))]);
        }
        Tables.Write(Session, table);
    }

    private static string As(InodeExtent extent) =>
        extent.IsFragment ? "fragment" : extent.Encoding is { } encoding ? Texts.Encoding(encoding) : "plain";

    private void WriteJson(IEnumerable<Row> rows, bool withExtents)
    {
        using JsonOutput json = new(Output);
        Utf8JsonWriter writer = json.Writer;
        writer.WriteStartArray();
        foreach (Row row in rows)
        {
            writer.WriteStartObject();
            writer.WriteString("path", row.Path);
            NodeJson.Write(writer, row.Node);
            writer.WriteNumber("links", row.Links);
            if (row.Inode is { } inode)
                WriteJson(writer, inode, withExtents);
            writer.WriteEndObject();
            json.Step();
        }
        writer.WriteEndArray();
    }

    private static void WriteJson(Utf8JsonWriter writer, InodeInfo inode, bool withExtents)
    {
        writer.WriteStartObject("inode");
        writer.WriteNumber("nid", inode.Nid);
        if (inode.Position is { } position)
            writer.WriteNumber("position", position);
        writer.WriteBoolean("extended", inode.IsExtended);
        writer.WriteString("layout", inode.Layout);
        writer.WriteNumber("xattrLength", inode.XattrLength);
        if (withExtents)
        {
            writer.WriteStartArray("extents");
            foreach (InodeExtent extent in inode.Extents)
            {
                writer.WriteStartObject();
                writer.WriteNumber("logical", extent.Logical);
                writer.WriteNumber("length", extent.Length);
                writer.WriteString("as", As(extent));
                if (extent.Encoding != ClusterEncoding.Hole)
                {
                    writer.WriteNumber("offset", extent.Offset);
                    writer.WriteNumber("storedLength", extent.StoredLength);
                    writer.WriteString("source", extent.Source);
                }
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        }
        writer.WriteEndObject();
    }
}
