using Lamina.Archives;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>
/// Writes trees as tar archives in the pax form, with all metadata: times to the nanosecond, extended attributes, hard links,
/// devices.
/// The same tree gives the same archive.
/// </summary>
public static class TarExport
{
    /// <summary>
    /// A file with holes of at least this many bytes, and more hole than data, is written as GNU tar writes sparse files.
    /// </summary>
    private const long MinSparse = 64 << 10;

    /// <summary>Holes smaller than this are not worth a piece of their own.</summary>
    private const long MinHole = 64 << 10;

    /// <summary>Archives end at a multiple of this, as tapes would have it and other writers do.</summary>
    private const int RecordSize = 20 * TarEntry.BlockSize;

    /// <summary>Writes a tree.</summary>
    /// <param name="name">What messages call the tree: its file.</param>
    /// <param name="root">The root directory.</param>
    /// <param name="output">Where to; it need not know its position.</param>
    /// <param name="options">How.</param>
    /// <exception cref="CorruptImageException">The tree, or the data of a file, contradicts itself.</exception>
    public static ExportResult Write(string name, Node root, Stream output, ExportOptions? options = null)
    {
        using ArchiveStream archive = new(output, options ?? new ExportOptions(), () => TreeWalk.SizeOf(name, root));
        Dictionary<Node, byte[]> first = new(ReferenceEqualityComparer.Instance);
        Warnings warnings = new();
        DataReader reader = new();
        long entries = 0;
        foreach (TreeItem item in TreeWalk.Walk(name, root))
        {
            if (item.Node.Type == NodeType.Socket)
            {
                warnings.Add(item.Path, "tar has no sockets");
                continue;
            }
            byte[] path = PathOf(item);
            entries++;
            if (!item.Node.IsDirectory && !item.Node.HasSingleName && !first.TryAdd(item.Node, path))
                new TarEntry(item.Node, path) { LinkTarget = first[item.Node] }.WriteTo(archive);
            else if (item.Node.Type == NodeType.RegularFile)
                WriteFile(archive, reader, item.Node, path);
            else
                new TarEntry(item.Node, path).WriteTo(archive);
        }
        archive.WriteZeros(2 * TarEntry.BlockSize);
        archive.WriteZeros((RecordSize - archive.Position % RecordSize) % RecordSize);
        archive.Flush();
        return new ExportResult { Entries = entries, Bytes = archive.Position, Warnings = warnings.ToList() };
    }

    /// <summary>The path in the archive: without a slash in front, with one behind a directory.</summary>
    private static byte[] PathOf(TreeItem item)
    {
        if (item.Path.Parent is null)
            return "./"u8.ToArray();
        ReadOnlySpan<byte> path = item.Path.ToBytes().AsSpan(1);
        return item.Node.IsDirectory ? [.. path, (byte)'/'] : path.ToArray();
    }

    private static void WriteFile(ArchiveStream archive, DataReader reader, Node file, byte[] path)
    {
        long size = file.Content.Size;
        List<DataRange> pieces = size >= MinSparse ? PiecesOf(file.Content) : [];
        long data = pieces.Sum(piece => piece.Length);
        if (size - data < MinSparse || size - data <= data)
        {
            new TarEntry(file, path) { Size = size }.WriteTo(archive);
            pieces = size == 0 ? [] : [new DataRange(0, size)];
        }
        else
        {
            byte[] map = SparseMap(pieces, size);
            new TarEntry(file, path) { Size = map.Length + data, SparseSize = size }.WriteTo(archive);
            archive.Write(map);
        }
        if (pieces.Count == 0)
            return;
        ArchivePieces sink = new(archive, pieces);
        reader.Read(file.Content, ref sink);
        sink.FillTo(pieces[^1].End);
        archive.Align(TarEntry.BlockSize);
    }

    /// <summary>The runs of data, widened to whole blocks so that readers find them aligned.</summary>
    private static List<DataRange> PiecesOf(Content content)
    {
        List<DataRange> pieces = [];
        foreach (DataRange run in content.Open().EnumerateDataRanges())
        {
            long start = run.Offset & -TarEntry.BlockSize;
            long end = Math.Min((run.End + TarEntry.BlockSize - 1) & -TarEntry.BlockSize, content.Size);
            if (pieces.Count > 0 && start - pieces[^1].End < MinHole)
                pieces[^1] = pieces[^1] with { Length = end - pieces[^1].Offset };
            else
                pieces.Add(new DataRange(start, end - start));
        }
        return pieces;
    }

    /// <summary>
    /// The map of GNU's form 1.0: a number a line, count, then offsets and lengths by turns; an empty piece stands for the
    /// file's end.
    /// </summary>
    private static byte[] SparseMap(List<DataRange> pieces, long size)
    {
        bool endsInHole = pieces.Count == 0 || pieces[^1].End < size;
        List<byte> map = [];
        AddLine(map, pieces.Count + (endsInHole ? 1 : 0));
        foreach (DataRange piece in pieces)
        {
            AddLine(map, piece.Offset);
            AddLine(map, piece.Length);
        }
        if (endsInHole)
        {
            AddLine(map, size);
            AddLine(map, 0);
        }
        map.AddRange(new byte[-map.Count & (TarEntry.BlockSize - 1)]);
        return [.. map];
    }

    private static void AddLine(List<byte> map, long number)
    {
        map.AddRange(TarEntry.Digits(number));
        map.Add((byte)'\n');
    }
}
