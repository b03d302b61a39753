using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Lamina.Reading;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Reading;

/// <summary>An image as the rows that the corpus records, read by the library's public surface alone.</summary>
internal static class TreeManifest
{
    private const long HashLimit = 1L << 30;

    public static string[] Of(ErofsImage image, bool noLinkCounts = false)
    {
        List<(byte[] Path, string Row)> rows = [];
        Visit(image.RootEntry(), [], noLinkCounts, rows);
        rows.Sort((a, b) => a.Path.AsSpan().SequenceCompareTo(b.Path));
        return [.. rows.Select(row => row.Row)];
    }

    private static void Visit(ImageEntry entry, byte[] path, bool noLinkCounts, List<(byte[] Path, string Row)> rows)
    {
        rows.Add((path, Row(entry, path, noLinkCounts)));
        if (!entry.IsDirectory)
            return;
        foreach (ImageEntry child in entry.EnumerateEntries())
            Visit(child, [.. path, (byte)'/', .. child.Name.Span], noLinkCounts, rows);
    }

    /// <summary>One file's row.</summary>
    /// <param name="entry">The file.</param>
    /// <param name="path">Its path.</param>
    /// <param name="noLinkCounts">Whether to leave the link count out.</param>
    /// <param name="shownName">The name an attribute is shown under, null to leave it out; without it all are shown.</param>
    public static string Row(ImageEntry entry, byte[] path, bool noLinkCounts, Func<string, string?>? shownName = null)
    {
        CultureInfo plain = CultureInfo.InvariantCulture;
        Int128 time = ((Int128)entry.Modified.Seconds * 1_000_000_000) + entry.Modified.Nanoseconds;
        string mode = Convert.ToString((int)entry.Permissions, 8).PadLeft(4, '0');
        StringBuilder row = new();
        row.Append(plain, $"{{\"gid\": {entry.GroupId}, \"mode\": \"{mode}\", \"mtime\": {time}");
        if (!noLinkCounts)
            row.Append(plain, $", \"nlink\": {entry.LinkCount}");
        row.Append(plain, $", \"path\": \"{(path.Length == 0 ? "/" : KernelManifest.Show(path))}\"");
        if (entry.Type is NodeType.CharacterDevice or NodeType.BlockDevice)
            row.Append(plain, $", \"rdev\": [{entry.Device.Major}, {entry.Device.Minor}]");
        if (entry.Type == NodeType.RegularFile)
        {
            if (entry.Size < HashLimit)
                row.Append(plain, $", \"sha256\": \"{Hash(entry)}\"");
            row.Append(plain, $", \"size\": {entry.Size}");
        }
        if (entry.Type == NodeType.SymbolicLink)
            row.Append(plain, $", \"target\": \"{KernelManifest.Show(entry.ReadTarget())}\"");
        row.Append(plain, $", \"type\": \"{Letter(entry.Type)}\", \"uid\": {entry.UserId}");
        string[] pairs =
        [
            .. entry.ReadXattrs().Items.ToArray().Select(one => (Name: KernelManifest.Show(one.Name.Span), one.Value))
                .Select(one => (Name: shownName is null ? one.Name : shownName(one.Name), one.Value))
                .Where(one => one.Name is not null)
                .OrderBy(one => one.Name, StringComparer.Ordinal)
                .Select(one => $"\"{one.Name}\": \"{Convert.ToHexStringLower(one.Value.Span)}\""),
        ];
        if (pairs.Length > 0)
            row.Append(plain, $", \"xattrs\": {{{string.Join(", ", pairs)}}}");
        return row.Append('}').ToString();
    }

    private static char Letter(NodeType type) => type switch
    {
        NodeType.RegularFile => 'f',
        NodeType.Directory => 'd',
        NodeType.SymbolicLink => 'l',
        NodeType.CharacterDevice => 'c',
        NodeType.BlockDevice => 'b',
        NodeType.Fifo => 'p',
        _ => 's',
    };

    private static string Hash(ImageEntry entry)
    {
        using Stream stream = entry.OpenRead();
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(100_000);
        int count;
        while ((count = stream.Read(buffer)) > 0)
            hash.AppendData(buffer, 0, count);
        ArrayPool<byte>.Shared.Return(buffer);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
