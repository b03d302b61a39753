using Lamina.Reading;
using Lamina.Tests.Reading;
using Lamina.Tree;

namespace Lamina.Tests.Oracles;

/// <summary>
/// overlayfs as its documentation describes it (Documentation/filesystems/overlayfs.rst), path by path and without a thought of
/// speed, so that it has nothing in common with the merge it judges. <see cref="Judge"/> holds it against the kernel.
/// </summary>
internal static class OverlayModel
{
    private const string Books = "trusted.overlay.", Escape = "overlay.";

    /// <summary>The rows of an overlay of images, lowest first.</summary>
    internal static string[] Show(IReadOnlyList<ErofsImage> lowestFirst)
    {
        List<(byte[] Path, string Row)> rows = [];
        Visit([.. lowestFirst.Reverse().Select(image => image.RootEntry())], [], rows);
        rows.Sort((a, b) => a.Path.AsSpan().SequenceCompareTo(b.Path));
        return [.. rows.Select(row => row.Row)];
    }

    /// <param name="places">What stands for one path in the layers: several only of directories, the uppermost first.</param>
    /// <param name="path">The path.</param>
    /// <param name="rows">Where the rows go.</param>
    private static void Visit(IReadOnlyList<ImageEntry> places, byte[] path, List<(byte[] Path, string Row)> rows)
    {
        rows.Add((path, TreeManifest.Row(places[0], path, noLinkCounts: true, ShownName)));
        if (!places[0].IsDirectory)
            return;
        Dictionary<string, List<ImageEntry>> names = [];
        foreach (ImageEntry child in places.SelectMany(place => place.EnumerateEntries()))
        {
            string name = Convert.ToHexString(child.Name.Span);
            if (!names.TryGetValue(name, out List<ImageEntry>? found))
                names.Add(name, found = []);
            found.Add(child);
        }
        foreach (List<ImageEntry> found in names.Values)
        {
            List<ImageEntry> seen = Seen(found);
            if (seen.Count > 0)
                Visit(seen, [.. path, (byte)'/', .. seen[0].Name.Span], rows);
        }
    }

    /// <summary>Those of one name that can be seen: a file alone, or directories down to what ends them.</summary>
    private static List<ImageEntry> Seen(List<ImageEntry> upperFirst)
    {
        List<ImageEntry> seen = [];
        foreach (ImageEntry entry in upperFirst)
        {
            if (IsWhiteout(entry) || (seen.Count > 0 && !entry.IsDirectory))
                break;
            seen.Add(entry);
            if (!entry.IsDirectory || Value(entry, "opaque") == "y")
                break;
        }
        return seen;
    }

    private static bool IsWhiteout(ImageEntry entry) =>
        (entry.Type == NodeType.CharacterDevice && entry.Device is { Major: 0, Minor: 0 }) ||
        (entry is { Type: NodeType.RegularFile, Size: 0 } && Value(entry, "whiteout") is not null);

    private static string? Value(ImageEntry entry, string mark)
    {
        foreach (Xattr item in entry.ReadXattrs().Items)
        {
            if (KernelManifest.Show(item.Name.Span) == Books + mark)
                return KernelManifest.Show(item.Value.Span);
        }
        return null;
    }

    /// <summary>The name an attribute is shown under; null for the books, which nobody sees.</summary>
    private static string? ShownName(string name)
    {
        if (!name.StartsWith(Books, StringComparison.Ordinal))
            return name;
        return name.StartsWith(Books + Escape, StringComparison.Ordinal) ? Books + name[(Books + Escape).Length..] : null;
    }
}
