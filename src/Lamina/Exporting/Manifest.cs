using System.Security.Cryptography;
using System.Text;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>How a manifest is made.</summary>
public sealed record ManifestOptions
{
    /// <summary>Whether rows have the number of names a file has.</summary>
    public bool HasLinkCounts { get; init; } = true;

    /// <summary>How many threads compute digests; 0 for one a core.</summary>
    public int Threads { get; init; }

    /// <summary>Is told how many bytes of how many have been read.</summary>
    public IProgress<(long Done, long Total)>? Progress { get; init; }

    /// <summary>Stops the work.</summary>
    public CancellationToken Cancellation { get; init; }
}

/// <summary>
/// A tree as text: one JSON object a line for each path, sorted by the bytes of the paths, with all metadata and the SHA-256
/// of the data. Two trees are the same exactly if their manifests are, and the rows are those that a walk of the mounted tree
/// gives.
/// </summary>
public static class Manifest
{
    /// <summary>Larger files are described by their size only: hashing a huge sparse file takes minutes.</summary>
    public const long HashLimit = 1L << 30;

    /// <summary>Writes the manifest of a tree.</summary>
    /// <param name="name">What messages call the tree: its file.</param>
    /// <param name="root">The root directory.</param>
    /// <param name="output">Where the lines go.</param>
    /// <param name="options">How.</param>
    /// <exception cref="CorruptImageException">The tree, or the data of a file, contradicts itself.</exception>
    public static void Write(string name, Node root, Stream output, ManifestOptions? options = null)
    {
        options ??= new ManifestOptions();
        List<Row> rows = Gather(name, root);
        Dictionary<Node, string> digests = Digest(rows, options);
        rows.Sort(static (a, b) => a.Path.AsSpan().SequenceCompareTo(b.Path));
        using StreamWriter writer = new(output, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
        ManifestRow line = new();
        foreach (Row row in rows)
        {
            options.Cancellation.ThrowIfCancellationRequested();
            uint links = row.Links.Count;
            writer.Write(line.Compose(row.Path, row.Node, options.HasLinkCounts ? links : null,
                digests.GetValueOrDefault(row.Node)));
            writer.Write('\n');
        }
    }

    /// <summary>How many names a file has, counted for all of them together.</summary>
    private sealed class LinkCount
    {
        public uint Count { get; set; }
    }

    private readonly record struct Row(byte[] Path, Node Node, LinkCount Links);

    private static List<Row> Gather(string name, Node root)
    {
        List<Row> rows = [];
        LinkCount single = new() { Count = 1 };
        Dictionary<Node, LinkCount> linked = new(ReferenceEqualityComparer.Instance);
        Dictionary<ItemPath, LinkCount> directories = new(ReferenceEqualityComparer.Instance);
        foreach (TreeItem item in TreeWalk.Walk(name, root))
        {
            LinkCount? links = single;
            if (item.Node.IsDirectory)
            {
                directories.Add(item.Path, links = new LinkCount { Count = 2 });
                if (item.Path.Parent is { } parent)
                    directories[parent].Count++;
            }
            else if (!item.Node.HasSingleName)
            {
                if (!linked.TryGetValue(item.Node, out links))
                    linked.Add(item.Node, links = new LinkCount());
                links.Count++;
            }
            rows.Add(new Row(item.Path.ToBytes(), item.Node, links));
        }
        return rows;
    }

    private static Dictionary<Node, string> Digest(List<Row> rows, ManifestOptions options)
    {
        Node[] files = [.. rows.Select(row => row.Node)
            .Where(node => node.Type == NodeType.RegularFile && node.Content.Size < HashLimit)
            .Distinct((IEqualityComparer<Node>)ReferenceEqualityComparer.Instance)];
        string[] digests = new string[files.Length];
        long total = ByteCounts.Sum(files.Select(file => file.Content.Size)), done = 0;
        int threads = options.Threads > 0 ? options.Threads : Environment.ProcessorCount;
        Workers.ForEach(threads, files.Length, () => new DataReader(), (reader, i) =>
        {
            digests[i] = Digest(reader, files[i].Content);
            long now = Interlocked.Add(ref done, files[i].Content.Size);
            options.Progress?.Report((now, total));
        }, options.Cancellation);
        Dictionary<Node, string> all = new(files.Length, ReferenceEqualityComparer.Instance);
        for (int i = 0; i < files.Length; i++)
            all.Add(files[i], digests[i]);
        return all;
    }

    private static string Digest(DataReader reader, Content content)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        HashSink sink = new(hash);
        reader.Read(content, ref sink);
        sink.FillTo(content.Size);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private struct HashSink(IncrementalHash hash) : IDataSink
    {
        private static readonly byte[] s_zeros = new byte[1 << 16];

        private long _end;

        public void Take(long offset, ReadOnlySpan<byte> bytes)
        {
            FillTo(offset);
            hash.AppendData(bytes);
            _end = offset + bytes.Length;
        }

        public void FillTo(long offset)
        {
            while (_end < offset)
            {
                int count = (int)Math.Min(offset - _end, s_zeros.Length);
                hash.AppendData(s_zeros, 0, count);
                _end += count;
            }
        }
    }
}
