using System.Text;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>How a manifest is made.</summary>
public sealed record ManifestOptions : WorkOptions
{
    /// <summary>Whether rows have the number of names a file has.</summary>
    public bool HasLinkCounts { get; init; } = true;
}

/// <summary>
/// A tree as text: one JSON object a line for each path, sorted by the bytes of the paths, with all metadata and a digest of the
/// data. Two trees are the same exactly if their manifests are, and the rows are those that a walk of the mounted tree gives.
/// </summary>
/// <remarks>
/// <c>sha256</c> is the SHA-256 of a file's data. Files from <see cref="HashLimit"/> on have <c>blocks</c> in its place, as they
/// are mostly hole and hashing zeros takes minutes: the SHA-256 of each 4096 bytes of the file that are not all zeros, in order,
/// with their number from 0 as 8 bytes, lowest first, in front. The last block may be shorter.
/// </remarks>
public static class Manifest
{
    /// <summary>From this size on a file's digest is one of its blocks that are not zeros.</summary>
    public const long HashLimit = 16L << 30;

    /// <summary>Rows in a batch, and the bytes of data they may have together.</summary>
    private const int BatchRows = 256, BatchBytes = 4 << 20;

    /// <summary>Writes the manifest of a tree. Rows are written as they are made; only a part of the tree is in memory.</summary>
    /// <param name="name">What messages call the tree: its file.</param>
    /// <param name="root">The root directory.</param>
    /// <param name="output">Where the lines go.</param>
    /// <param name="options">How.</param>
    /// <exception cref="CorruptImageException">The tree, or the data of a file, contradicts itself.</exception>
    public static void Write(string name, Node root, Stream output, ManifestOptions? options = null)
    {
        options ??= new ManifestOptions();
        // Names are counted first: a row says how many there are, and comes before the last of them.
        ManifestCounts counts = ManifestCounts.Of(name, root, options.Cancellation);
        using StreamWriter writer = new(output, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
        ManifestRow line = new();
        long done = 0;
        Pipeline.Run(options.Threads, Batches(name, root, counts), () => new FileDigest(), (digest, batch, stop) =>
        {
            foreach (Row row in batch.Rows)
            {
                stop.ThrowIfCancellationRequested();
                if (!row.IsHashed)
                    continue;
                row.Digest = digest.Of(row.Item.Node.Content);
                long now = Interlocked.Add(ref done, row.Item.Node.Content.Size);
                options.Progress?.Report(new Progress(now, counts.Bytes));
            }
        }, batch =>
        {
            foreach (Row row in batch.Rows)
            {
                string? digest = (row.Same ?? row).Digest;
                writer.Write(line.Compose(row.Item.Path.ToBytes(), row.Item.Node,
                    options.HasLinkCounts ? row.Links : null, digest));
                writer.Write('\n');
            }
        }, options.Cancellation);
    }

    private static IEnumerable<Batch> Batches(string name, Node root, ManifestCounts counts)
    {
        Batch batch = new();
        Dictionary<Node, Row> linked = new(ReferenceEqualityComparer.Instance);
        foreach (OrderedItem item in PathOrderWalk.Walk(name, root))
        {
            Node node = item.Item.Node;
            Row row = new() { Item = item.Item, Links = counts.LinksOf(item) };
            // Of several names of a file the first has its data read; that row is written before the others.
            if (node.Type == NodeType.RegularFile && !(row.Links > 1 && linked.TryGetValue(node, out row.Same)))
            {
                row.IsHashed = true;
                batch.Bytes += Math.Min(node.Content.Size, BatchBytes);
                if (row.Links > 1)
                    linked.Add(node, row);
            }
            batch.Rows.Add(row);
            if (batch.Rows.Count < BatchRows && batch.Bytes < BatchBytes)
                continue;
            yield return batch;
            batch = new Batch();
        }
        yield return batch;
    }

    private sealed class Batch
    {
        public List<Row> Rows { get; } = [];

        public long Bytes { get; set; }
    }

    private sealed class Row
    {
        public Row? Same;

        public required TreeItem Item { get; init; }

        public required uint Links { get; init; }

        public bool IsHashed { get; set; }

        public string? Digest { get; set; }
    }
}
