using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Lamina.Compression;
using Lamina.Reporting;
using Lamina.Tree;

namespace Lamina.Cli;

/// <summary>
/// What the page of a report shows, small: the facts as JSON, the tree in columns, breadth first, all of it compressed. Where it
/// is too much, the smallest files of each folder become one.
/// </summary>
internal sealed class PageData
{
    /// <summary>The most bytes of compressed data: with the page around them, and four characters for three bytes, under
    /// 1 MB.</summary>
    public const int MaxLength = 712_000;

    /// <summary>Rows of one list; more would be read by nobody.</summary>
    private const int MaxRows = 2000;

    /// <summary>How many files are kept of those that there should be room for.</summary>
    private const double Margin = 0.93;

    /// <summary>What is compressed at once, in bytes.</summary>
    private const int Piece = 1 << 20;

    private enum Kind : byte
    {
        Folder,
        File,
        Link,
        Other,
        FurtherName,
        Several,
    }

    private readonly MemoryStream _kinds = new(), _heads = new(), _tails = new(), _counts = new(), _sizes = new(),
        _shares = new(), _layers = new();

    private byte[] _last = [];
    private long _folded;

    private MemoryStream[] Columns => [_kinds, _heads, _tails, _counts, _sizes, _shares, _layers];

    /// <summary>Encodes a report.</summary>
    /// <param name="report">The report.</param>
    /// <param name="title">What it is about.</param>
    /// <param name="version">The program's version.</param>
    public static byte[] Encode(LayerReport report, string title, string version)
    {
        long limit = 0;
        double count = report.Files.Length;
        while (true)
        {
            byte[] bytes = new PageData().Write(report, title, version, limit);
            if (bytes.Length <= MaxLength || count < 1)
                return bytes;
            // So many files have room as there is room for what one takes, and somewhat fewer: folders take some as well.
            count *= (double)MaxLength / bytes.Length * Margin;
            limit = count < 1 ? long.MaxValue : Math.Max(limit + 1, report.Files[(int)count].Size);
        }
    }

    private byte[] Write(LayerReport report, string title, string version, long limit)
    {
        Queue<ReportFile> open = new();
        Put(Kind.Folder, [], report.Root.Layer);
        open.Enqueue(report.Root);
        while (open.TryDequeue(out ReportFile? folder))
            PutFolder(folder, limit, open);
        MemoryStream all = new();
        PutColumn(all, Facts(report, title, version, limit));
        foreach (MemoryStream column in Columns)
            PutColumn(all, column.GetBuffer().AsSpan(0, (int)column.Length));
        return Compress(all.GetBuffer().AsSpan(0, (int)all.Length));
    }

    private void PutFolder(ReportFile folder, long limit, Queue<ReportFile> open)
    {
        long count = 0;
        Several?[] several = [];
        foreach (ReportFile file in folder.Children)
        {
            if (file.Node.Type == NodeType.RegularFile && file.Size < limit)
            {
                if (several.Length <= file.Layer)
                    Array.Resize(ref several, file.Layer + 1);
                (several[file.Layer] ??= new Several()).Add(file);
                continue;
            }
            count++;
            Kind kind = file.Node.Type switch
            {
                NodeType.Directory => Kind.Folder,
                NodeType.RegularFile => file.IsFurtherName ? Kind.FurtherName : Kind.File,
                NodeType.SymbolicLink => Kind.Link,
                _ => Kind.Other,
            };
            Put(kind, Encoding.UTF8.GetBytes(ShownText.Of(file.Name.Span)), file.Layer);
            if (kind == Kind.Folder)
                open.Enqueue(file);
            else if (kind is Kind.File or Kind.FurtherName)
                PutSize(kind, file.Size, file.Stored);
        }
        for (int layer = 0; layer < several.Length; layer++)
        {
            if (several[layer] is not { } sum)
                continue;
            count++;
            _folded += sum.Count;
            Put(Kind.Several, Encoding.ASCII.GetBytes($"{sum.Count}"), layer);
            PutSize(Kind.Several, sum.Size, sum.Stored);
        }
        PutNumber(_counts, count);
    }

    /// <summary>Small files of a folder and a layer, shown as one.</summary>
    private sealed class Several
    {
        public long Count { get; private set; }

        public long Size { get; private set; }

        public long Stored { get; private set; }

        public void Add(ReportFile file)
        {
            Count++;
            Size = ByteCounts.Add(Size, file.IsFurtherName ? 0 : file.Size);
            Stored = ByteCounts.Add(Stored, file.Stored);
        }
    }

    /// <summary>A name, as what it has in common with the one before it and the rest.</summary>
    private void Put(Kind kind, byte[] name, int layer)
    {
        int common = name.AsSpan().CommonPrefixLength(_last);
        while (common > 0 && common < name.Length && (name[common] & 0xC0) == 0x80)
            common--;                                                   // not within a letter
        // The page counts as its language does: letters beyond 16 bits are two.
        PutNumber(_heads, Encoding.UTF8.GetCharCount(name, 0, common));
        _tails.Write(name.AsSpan(common));
        _tails.WriteByte((byte)'\n');
        _kinds.WriteByte((byte)kind);
        PutNumber(_layers, layer);
        _last = name;
    }

    private void PutSize(Kind kind, long size, long stored)
    {
        PutNumber(_sizes, size);
        if (kind != Kind.FurtherName)
            _shares.WriteByte((byte)Math.Round(size == 0 ? 0 : Math.Min((double)stored / size, 1) * byte.MaxValue));
    }

    private static void PutNumber(MemoryStream column, long value)
    {
        for (; value >= 128; value >>= 7)
            column.WriteByte((byte)(value | 128));
        column.WriteByte((byte)value);
    }

    private static void PutColumn(MemoryStream all, ReadOnlySpan<byte> column)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, column.Length);
        all.Write(length);
        all.Write(column);
    }

    private static byte[] Compress(ReadOnlySpan<byte> bytes)
    {
        MemoryStream packed = new();
        using DeflateEncoder encoder = new(6, 15);
        byte[] buffer = new byte[Piece + Piece / 8 + 1024];
        while (!bytes.IsEmpty)
        {
            ReadOnlySpan<byte> piece = bytes[..Math.Min(bytes.Length, Piece)];
            PutColumn(packed, buffer.AsSpan(0, encoder.Encode(piece, buffer)));
            bytes = bytes[piece.Length..];
        }
        return packed.ToArray();
    }

    private byte[] Facts(LayerReport report, string title, string version, long limit)
    {
        MemoryStream bytes = new();
        using (Utf8JsonWriter writer = new(bytes))
        {
            writer.WriteStartObject();
            writer.WriteString("title", title);
            writer.WriteString("version", version);
            writer.WriteNumber("folded", _folded);
            writer.WriteNumber("foldedBelow", limit);
            new ReportJson(report).Write(writer, MaxRows, () => { });
            writer.WriteStartObject("more");
            writer.WriteNumber("waste", More(report.Waste));
            writer.WriteNumber("copies", More(report.Copies ?? []));
            writer.WriteNumber("marks", More(report.Marks));
            writer.WriteNumber("privileged", More(report.Privileged));
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        return bytes.ToArray();
    }

    private static int More(Array rows) => Math.Max(0, rows.Length - MaxRows);
}
