using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Building;

/// <summary>Stores files as they are, each from a block boundary on, without their holes.</summary>
/// <param name="shape">The shape of the output.</param>
/// <param name="area">What takes data.</param>
/// <param name="tails">What takes the ends of files that stand with inodes.</param>
internal sealed class PlainStore(EncodeShape shape, DataArea area, DataArea tails)
{
    /// <summary>
    /// The largest end of a file that is stored with its inode as it is, in bytes: larger ones leave gaps between inodes.
    /// </summary>
    private const int MaxTail = 4096 - 128;

    /// <inheritdoc cref="ContentEncoder.Threads"/>
    public required int Threads { get; init; }

    /// <inheritdoc cref="ContentEncoder.Progress"/>
    public required Action<long>? Progress { get; init; }

    /// <inheritdoc cref="ContentEncoder.Cancellation"/>
    public required CancellationToken Cancellation { get; init; }

    /// <inheritdoc cref="ContentEncoder.Summary"/>
    public required EncodeSummary Summary { get; init; }

    /// <summary>Stores files; afterwards each has its content.</summary>
    public void Store(List<FileToEncode> files)
    {
        Dictionary<FileToEncode, List<PlacedExtent>> stored = new(ReferenceEqualityComparer.Instance);
        Pipeline.Run(Threads, files.SelectMany(PartsOf), () => 0, (_, part, _) => StorePart(part), part =>
        {
            FileToEncode file = part.File!;
            if (!stored.TryGetValue(file, out List<PlacedExtent>? extents))
            {
                stored.Add(file, extents = []);
                area.Align(shape.BlockSize);
            }
            if (part.Result.Length > 0)
                Add(extents, part.Start, area.Append(part.Result.Bytes), part.Result.Length);
            Summary.Count(ClusterEncoding.Shifted, part.Length, part.Length);
            bool hasTail = part.Result.Tail.Length > 0;
            if (hasTail)
            {
                extents.Add(new PlacedExtent(part.Start + part.Result.Length, tails.Original, tails.Append(part.Result.Tail),
                    part.Result.Tail.Length));
            }
            if (part.IsLast)
            {
                file.Encoded = new PlacedContent(file.Size, [.. extents], shape.BlockSize) { HasInlineTail = hasTail };
                stored.Remove(file);
            }
        }, Cancellation);
    }

    private void Add(List<PlacedExtent> extents, long logical, long at, long length)
    {
        if (extents.Count > 0 && extents[^1].End == logical && extents[^1].Offset + extents[^1].Length == at)
            extents[^1] = extents[^1] with { Length = extents[^1].Length + length };
        else
            extents.Add(new PlacedExtent(logical, area.Original, at, length));
    }

    /// <summary>The runs of whole blocks that hold data; of a file of holes alone one that is empty.</summary>
    private IEnumerable<FilePart> PartsOf(FileToEncode file)
    {
        ContentSource source = file.Open();
        List<DataRange> runs = [];
        bool mayHaveHoles = file.Size >= FileToEncode.MinSparse;
        foreach (DataRange range in mayHaveHoles ? source.EnumerateDataRanges() : [new DataRange(0, file.Size)])
        {
            long start = range.Offset & -shape.BlockSize;
            long end = Math.Min((range.End + shape.BlockSize - 1) & -shape.BlockSize, file.Size);
            if (runs.Count > 0 && start <= runs[^1].End)
                runs[^1] = runs[^1] with { Length = end - runs[^1].Offset };
            else
                runs.Add(new DataRange(start, end - start));
        }
        if (runs.Count == 0)
            runs.Add(new DataRange(0, 0));
        foreach (DataRange run in runs)
        {
            long start = run.Offset;
            do
            {
                int length = FilePart.NextLength(run.End - start);
                yield return new FilePart(file, source, start, length, run == runs[^1] && start + length == run.End);
                start += length;
            }
            while (start < run.End);
        }
    }

    private void StorePart(FilePart part)
    {
        // Only a file in one piece can have its end with the inode; its parts begin at blocks.
        int tail = part.Length & (shape.BlockSize - 1);
        bool hasTail = part.IsLast && tail is > 0 and <= MaxTail && shape.Options.HasInlineTails &&
            part.Start + part.Length == part.Source.Length;
        int body = hasTail ? part.Length - tail : part.Length;
        Span<byte> room = part.Result.Room(body);
        part.Source.ReadExactly(part.Start, room);
        part.Result.Add(part.Start, body, body, ClusterEncoding.Shifted);
        if (hasTail)
            part.Source.ReadExactly(part.Start + body, part.Result.Tail = new byte[tail]);
        Progress?.Invoke(part.Length);
    }
}
