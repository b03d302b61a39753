using System.Text;
using Lamina.Tree;

namespace Lamina.Merging;

/// <summary>
/// Layers of archives as overlayfs would have them, each to be an image of its own: merged again they give the same tree. An
/// image says the metadata of all its directories, and its root hides nothing. So directories without an entry take the metadata
/// that they have below, and where a root is opaque, there is a whiteout for each name below instead.
/// </summary>
internal static class SeparateLayers
{
    /// <summary>The layers in that form, over the same files.</summary>
    /// <param name="layers">The layers, lowest first.</param>
    public static Layer[] Of(IReadOnlyList<Layer> layers)
    {
        MergeOptions options = new();
        Layer[] prepared = ArchiveLayers.Prepare(layers, options), result = [.. prepared];
        for (int i = 0; i < result.Length; i++)
        {
            Node? lower = i == 0 ? null : Merger.Join(prepared[..i], options);
            result[i] = prepared[i].With(new Completion(prepared[i]).Of(prepared[i].Root, lower), new HashSet<Node>(),
                prepared[i].Borrowed);
        }
        return result;
    }

    /// <summary>Gives the directories of one layer what they lack.</summary>
    private sealed class Completion(Layer layer)
    {
        /// <summary>A directory of the layer, with all below.</summary>
        /// <param name="directory">The directory.</param>
        /// <param name="below">What the layers below have under its name; null for nothing.</param>
        public Node Of(Node directory, Node? below)
        {
            bool isRoot = directory == layer.Root, hidesRoot = isRoot && layer.HasOpaqueRoot;
            Entry[] own = directory.Listing.Read();
            Entry[] lower = below is { IsDirectory: true } ? below.Listing.Read() : [];
            List<Entry> entries = [];
            bool isChanged = false;
            foreach (Entry entry in own)
            {
                Node node = entry.Node;
                if (node.IsDirectory)
                    node = Of(node, LayerView.Find(lower, Encoding.Latin1.GetString(entry.Name.Span)));
                if (node.IsDirectory && hidesRoot)
                    node = Mark(node);
                isChanged |= node != entry.Node;
                entries.Add(new Entry(entry.Name, node));
            }
            if (hidesRoot)
            {
                HashSet<string> names = [.. own.Select(entry => Encoding.Latin1.GetString(entry.Name.Span))];
                entries.AddRange(lower.Where(entry => !names.Contains(Encoding.Latin1.GetString(entry.Name.Span)))
                    .Select(entry => new Entry(entry.Name, OverlayMarks.Whiteout)));
                isChanged = true;
            }
            bool lends = isRoot ? !layer.HasRootMetadata : layer.Implied.Contains(directory);
            Node metadata = lends && below is { IsDirectory: true } ? below : directory;
            if (metadata == directory && !isChanged)
                return directory;
            Node made = metadata.With(metadata.Xattrs, DirectoryListing.Of([.. entries]));
            return !isRoot && OverlayMarks.Trusted.IsOpaque(directory) ? Mark(made) : made;
        }

        private static Node Mark(Node directory) =>
            directory.With(OverlayMarks.Trusted.MarkOpaque(directory.Xattrs), directory.Payload);
    }
}
