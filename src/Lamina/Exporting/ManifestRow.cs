using System.Globalization;
using System.Text;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>Composes a line of a manifest: keys sorted, no key for what does not apply.</summary>
internal sealed class ManifestRow
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    private readonly StringBuilder _row = new(256);

    public StringBuilder Compose(ReadOnlySpan<byte> path, Node node, uint? links, string? digest)
    {
        CultureInfo plain = CultureInfo.InvariantCulture;
        Int128 time = (Int128)node.Modified.Seconds * NanosecondsPerSecond + node.Modified.Nanoseconds;
        string mode = Convert.ToString(node.Permissions & 0xFFF, 8).PadLeft(4, '0');
        bool isInBlocks = node.Type == NodeType.RegularFile && node.Content.Size >= Manifest.HashLimit;
        _row.Clear().Append('{');
        if (digest is not null && isInBlocks)
            _row.Append(plain, $"\"blocks\": \"{digest}\", ");
        _row.Append(plain, $"\"gid\": {node.GroupId}, \"mode\": \"{mode}\", \"mtime\": {time}");
        if (links is { } count)
            _row.Append(plain, $", \"nlink\": {count}");
        _row.Append(", \"path\": \"").Append(path.IsEmpty ? "/" : Show(path)).Append('"');
        if (node.Type is NodeType.CharacterDevice or NodeType.BlockDevice)
            _row.Append(plain, $", \"rdev\": [{node.Device.Major}, {node.Device.Minor}]");
        if (digest is not null && !isInBlocks)
            _row.Append(plain, $", \"sha256\": \"{digest}\"");
        if (node.Type == NodeType.RegularFile)
            _row.Append(plain, $", \"size\": {node.Content.Size}");
        if (node.Type == NodeType.SymbolicLink)
            _row.Append(plain, $", \"target\": \"{Show(node.Target)}\"");
        _row.Append(plain, $", \"type\": \"{LetterOf(node.Type)}\", \"uid\": {node.UserId}");
        if (!node.Xattrs.IsEmpty)
            AppendXattrs(node.Xattrs);
        return _row.Append('}');
    }

    /// <summary>Printable ASCII without quote and backslash as it is, anything else as <c>hex:</c> and hex digits.</summary>
    public static string Show(ReadOnlySpan<byte> bytes) =>
        bytes.ContainsAnyExceptInRange((byte)' ', (byte)'~') || bytes.IndexOfAny((byte)'"', (byte)'\\') >= 0
            ? "hex:" + Convert.ToHexStringLower(bytes)
            : Encoding.ASCII.GetString(bytes);

    /// <summary>The letter of a file type; that of a regular file is f.</summary>
    public static char LetterOf(NodeType type) => type switch
    {
        NodeType.RegularFile => 'f',
        NodeType.Directory => 'd',
        NodeType.SymbolicLink => 'l',
        NodeType.CharacterDevice => 'c',
        NodeType.BlockDevice => 'b',
        NodeType.Fifo => 'p',
        NodeType.Socket => 's',
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "There is no such type of file."),
    };

    private void AppendXattrs(XattrSet xattrs)
    {
        (string Name, ReadOnlyMemory<byte> Value)[] pairs = new (string, ReadOnlyMemory<byte>)[xattrs.Items.Length];
        for (int i = 0; i < pairs.Length; i++)
            pairs[i] = (Show(xattrs.Items[i].Name.Span), xattrs.Items[i].Value);
        // By the names as they are shown: what is written in hex may have another place than its bytes have.
        Array.Sort(pairs, static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        _row.Append(", \"xattrs\": {");
        for (int i = 0; i < pairs.Length; i++)
        {
            _row.Append(i == 0 ? "\"" : ", \"").Append(pairs[i].Name).Append("\": \"");
            _row.Append(Convert.ToHexStringLower(pairs[i].Value.Span)).Append('"');
        }
        _row.Append('}');
    }
}
