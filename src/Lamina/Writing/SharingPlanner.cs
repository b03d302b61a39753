using Lamina.Reading;
using Lamina.Tree;
using Lamina.Trust;

namespace Lamina.Writing;

/// <summary>
/// Decides whether an output announces fingerprints of files. A kernel believes them: it shows the pages of one file for all that
/// have the same. So there must be one name for them, and all that are under it must be true.
/// </summary>
/// <remarks>
/// Those of a layer that announces them are taken as they are, since its data stay what they were. Attributes of that name in
/// other layers, such as a tar that was once made from an image and altered since, were never meant for a kernel: they are
/// compared with the data. An inode without the attribute is simply not shared (<c>erofs_ishare_fill_inode</c>,
/// fs/erofs/ishare.c).
/// </remarks>
internal static class SharingPlanner
{
    /// <summary>Decides.</summary>
    /// <param name="layers">The layers.</param>
    /// <param name="inodes">The inodes of the output.</param>
    /// <param name="kernel">What the output may use.</param>
    /// <returns>Null if no layer announces fingerprints.</returns>
    public static PageSharing? Choose(IReadOnlyList<Layer> layers, IReadOnlyList<PlannedInode> inodes, KernelProfile kernel)
    {
        Layer[] announcing = [.. layers.Where(layer => !layer.FingerprintName.IsEmpty)];
        if (announcing.Length == 0)
            return null;
        ReadOnlyMemory<byte> name = announcing[0].FingerprintName;
        if (announcing.FirstOrDefault(layer => !layer.FingerprintName.Span.SequenceEqual(name.Span)) is { } other)
        {
            return new PageSharing
            {
                Attribute = default,
                Loss = $"{announcing[0].Name} has the fingerprints of its files in {ShownBytes.Of(name.Span)}, {other.Name} in " +
                    ShownBytes.Of(other.FingerprintName.Span),
                Advice = "Make the layers with one name for them (mkfs.erofs --xattr-inode-digest=NAME).",
            };
        }
        PageSharing kept = new()
        {
            Attribute = name,
            LayersWithout = [.. layers.Except(announcing).Select(layer => layer.Name)],
        };
        if (kernel.Version < KernelProfile.NamePrefixes)
        {
            return kept with
            {
                Loss = $"an image that names its fingerprints is refused by Linux {kernel.Version}, and read from " +
                    $"{KernelProfile.NamePrefixes} on",
                Advice = $"Merge with --kernel {KernelProfile.NamePrefixes} or newer.",
            };
        }
        bool areAllBelieved = announcing.Length == layers.Count;
        return areAllBelieved || FindUntrue(layers, announcing, inodes, name.Span) is not { } untrue ? kept : kept with
        {
            Loss = $"{untrue} has a file with an attribute {ShownBytes.Of(name.Span)} that is not the SHA-256 of its data",
            Advice = "Make that layer without such attributes, or as an image with fingerprints.",
        };
    }

    /// <summary>The layer of a file whose attribute says something else than its data; null if there is none.</summary>
    private static string? FindUntrue(
        IReadOnlyList<Layer> layers, Layer[] announcing, IReadOnlyList<PlannedInode> inodes, ReadOnlySpan<byte> name)
    {
        HashSet<Original> believed = [.. announcing.SelectMany(layer => layer.Originals)];
        foreach (PlannedInode inode in inodes)
        {
            if (inode.FileContent is not { Size: > 0 } content
                || !Fingerprint.TryGet(inode.Node.Xattrs, name, out ReadOnlyMemory<byte> value))
                continue;
            Original? original = OriginalOf(content);
            if (original is not null && believed.Contains(original) || Fingerprint.IsTrue(value.Span, content) == true)
                continue;
            return layers.FirstOrDefault(layer => original is not null && layer.Originals.Contains(original))?.Name ?? "a layer";
        }
        return null;
    }

    private static Original? OriginalOf(Content content) => content switch
    {
        PlacedContent { Extents: [var first, ..] } => first.Original,
        ImageEncodedContent encoded => encoded.Image,
        _ => null,
    };
}
