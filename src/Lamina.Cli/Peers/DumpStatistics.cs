using Lamina.Describing;
using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Cli.Peers;

/// <summary>What <c>dump.erofs -S</c> counts: files by type, by size and by ending.</summary>
internal sealed class DumpStatistics
{
    private const int Buckets = 17, Columns = 50, FirstBits = 10;

    private static readonly string[] s_endings = [".txt", ".so", ".xml", ".apk", ".odex", ".vdex", ".oat", ".rc", ".otf"];

    private readonly Dictionary<NodeType, long> _types = [];
    private readonly long[] _original = new long[Buckets], _stored = new long[Buckets];
    private readonly long[] _endings = new long[s_endings.Length + 1];
    private long _compressed, _total;

    /// <summary>Bytes of regular files.</summary>
    public long OriginalSize { get; private set; }

    /// <summary>Bytes these take in the image, without those in the packed file.</summary>
    public long StoredSize { get; private set; }

    /// <summary>Goes through an image; each name counts, so a file with two of them twice.</summary>
    public static DumpStatistics Of(ErofsImage image, CancellationToken cancellation)
    {
        DumpStatistics statistics = new();
        HashSet<ulong> seen = [image.SuperBlock.RootNid];
        Stack<ulong> open = new();
        open.Push(image.SuperBlock.RootNid);
        statistics.Add(image, image.ReadInode(image.SuperBlock.RootNid), []);
        while (open.TryPop(out ulong nid))
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (DirectoryItem item in DirectoryReader.Enumerate(image, image.ReadInode(nid)))
            {
                Inode inode = image.ReadInode(item.Nid);
                statistics.Add(image, inode, item.Name.Span);
                if (inode.Type == NodeType.Directory && seen.Add(item.Nid))
                    open.Push(item.Nid);
            }
        }
        return statistics;
    }

    /// <summary>Bytes that an inode's data takes, without those in the packed file.</summary>
    public static long StoredSizeOf(InodeInfo inode) =>
        inode.Extents.Sum(extent => extent.IsFragment || extent.Source is null ? 0 : extent.StoredLength);

    private void Add(ErofsImage image, in Inode inode, ReadOnlySpan<byte> name)
    {
        _total++;
        _types[inode.Type] = _types.GetValueOrDefault(inode.Type) + 1;
        if (inode.Record.Layout is DataLayout.CompressedFull or DataLayout.CompressedCompact)
            _compressed++;
        if (inode.Type != NodeType.RegularFile)
            return;
        long stored = StoredSizeOf(InodeInfo.Of(image, inode));
        OriginalSize += inode.Size;
        StoredSize += stored;
        _original[BucketOf(inode.Size)]++;
        _stored[BucketOf(stored)]++;
        int dot = name.LastIndexOf((byte)'.');
        int ending = dot < 0 ? -1 : Array.IndexOf(s_endings, System.Text.Encoding.Latin1.GetString(name[dot..]));
        _endings[ending < 0 ? s_endings.Length : ending]++;
    }

    private static int BucketOf(long size)
    {
        int bucket = 0;
        while (bucket < Buckets - 1 && size >= 1L << (FirstBits + bucket))
            bucket++;
        return bucket;
    }

    public void Write(TextWriter output)
    {
        void Count(string what, long count) => output.WriteLine($"Filesystem {what}:\t\t{count}");
        Count("total file count", _total);
        Count("unknown type count", 0);
        Count("regular file count", _types.GetValueOrDefault(NodeType.RegularFile));
        Count("directory count", _types.GetValueOrDefault(NodeType.Directory));
        Count("char dev count", _types.GetValueOrDefault(NodeType.CharacterDevice));
        Count("block dev count", _types.GetValueOrDefault(NodeType.BlockDevice));
        Count("FIFO file count", _types.GetValueOrDefault(NodeType.Fifo));
        Count("SOCK file count", _types.GetValueOrDefault(NodeType.Socket));
        Count("symlink file count", _types.GetValueOrDefault(NodeType.SymbolicLink));
        output.WriteLine($"Filesystem compressed files:            {_compressed}");
        output.WriteLine($"Filesystem uncompressed files:          {_total - _compressed}");
        output.WriteLine($"Filesystem total original file size:    {OriginalSize} Bytes");
        output.WriteLine($"Filesystem total file size:             {StoredSize} Bytes");
        output.WriteLine("Filesystem compress rate:               " +
            PeerText.Percent(OriginalSize == 0 ? 100 : 100.0 * StoredSize / OriginalSize));
        WriteSizes(output, "Original", _original);
        WriteSizes(output, "On-disk", _stored);
        output.WriteLine();
        output.WriteLine("File type distribution:");
        output.WriteLine($"{"type",-16} {"count",11} {"ratio",16} |{"distribution",-Columns}|");
        for (int i = 0; i < _endings.Length; i++)
            WriteRow(output, $"{(i < s_endings.Length ? s_endings[i] : "others"),-17}", _endings[i], _endings.Sum());
    }

    private static void WriteSizes(TextWriter output, string title, long[] counts)
    {
        output.WriteLine();
        output.WriteLine($"{title} file size distribution:");
        output.WriteLine($"{">=(KB) .. <(KB) ",-16} {"count",11} {"ratio",16} |{"distribution",-Columns}|");
        for (int i = 0; i < counts.Length; i++)
        {
            string from = $"{(i == 0 ? 0 : 1 << (i - 1)),6}", to = i == counts.Length - 1 ? "" : $"{1 << i}";
            WriteRow(output, $"{from} .. {to,-6}", counts[i], counts.Sum());
        }
    }

    private static void WriteRow(TextWriter output, string label, long count, long all)
    {
        double ratio = all == 0 ? 0 : 100.0 * count / all;
        string bar = new string('#', (int)(ratio / 100 * Columns)).PadRight(Columns);
        output.WriteLine($"{label}\t{count,-10} {PeerText.Percent(ratio),10} |{bar}|");
    }
}
