using System.Collections.Concurrent;
using System.Security.Cryptography;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Building;

/// <summary>
/// Encodes the data of files: equal files once, large ones by parts that several threads work on, small ones together in the
/// packed file. What comes out depends on the files, their order and the options alone.
/// </summary>
/// <param name="shape">The shape of the output.</param>
/// <param name="area">What takes encoded data.</param>
/// <param name="tails">What takes the ends of files that stand with inodes.</param>
/// <param name="open">Opens a file by its map.</param>
internal sealed class ContentEncoder(
    EncodeShape shape, DataArea area, DataArea tails, Func<string, ClusterMap, ContentSource> open)
{
    /// <summary>A file so small is stored with its inode, in room that would be empty otherwise. In bytes.</summary>
    private const int MaxTiny = 24;

    /// <summary>The page of kernels, and the bytes of a cluster that its last page has at least: more than any codec ends
    /// with.</summary>
    private const int PageSize = 4096, LeastInPage = 16;

    private readonly OwnPackedFile _packed = new();
    private readonly List<FragmentPiece> _fragments = [];
    private readonly ConcurrentDictionary<RunKey, ClusterExtent[]> _stored = new();
    private readonly Dictionary<FileToEncode, List<ClusterExtent>> _extents = new(ReferenceEqualityComparer.Instance);

    /// <summary>Threads that work.</summary>
    public required int Threads { get; init; }

    /// <summary>Is told the file bytes that are done.</summary>
    public Action<long>? Progress { get; init; }

    /// <summary>Stops the work.</summary>
    public CancellationToken Cancellation { get; init; }

    private Action<long>? _count;

    /// <summary>What it came to.</summary>
    public EncodeSummary Summary { get; } = new();

    /// <summary>Encodes files; afterwards each has its <see cref="FileToEncode.Encoded"/> content.</summary>
    public void Encode(IReadOnlyList<FileToEncode> files)
    {
        long counted = 0, total = files.Sum(file => file.Size);
        if (Progress is { } told)
        {
            _count = count =>
            {
                Interlocked.Add(ref counted, count);
                told(count);
            };
        }
        SameFiles.Find(files.Where(file => file.Size > MaxTiny), Threads, Cancellation);
        List<FileToEncode> parted = [], plain = [];
        foreach (FileToEncode file in files.OrderBy(file => file.Rank))
        {
            EncodeShape form = ShapeOf(file);
            if (file.Same is not null)
            {
                _count?.Invoke(file.Size);
                continue;
            }
            if (file.Size <= MaxTiny && (form.Options.Codec is not null || form.Options.HasInlineTails))
            {
                file.Encoded = new BytesContent(ReadAll(file));
                _count?.Invoke(file.Size);
            }
            else if (file.Shape is null && file.Size <= form.MaxWholeFragment)
                _fragments.Add(new FragmentPiece(file, 0, file.Size));
            else if (form.Options.Codec is null || (!form.IsPacked && IsSparse(file)))
                plain.Add(file);
            else
                parted.Add(file);
        }
        EncodeParts(parted.SelectMany(PartsOf), TakePart);
        EncodeFragments();
        new PlainStore(shape, area, tails)
        {
            Threads = Threads,
            Progress = _count,
            Cancellation = Cancellation,
            Summary = Summary,
        }.Store(plain);
        // Holes are done without anybody having looked at them.
        if (total > counted)
            _count?.Invoke(total - counted);
        area.Align(shape.BlockSize);
        foreach (FileToEncode file in files)
        {
            if (file.Same is { } same)
            {
                file.Encoded = same.Encoded;
                Summary.Shared += file.Size;
            }
            Summary.Files += file.Size;
        }
        Summary.Fragments = _fragments.Sum(piece => piece.Length);
        Summary.Stored = area.Length + tails.Length;
    }

    private EncodeShape ShapeOf(FileToEncode? file) => file?.Shape ?? shape;

    private static byte[] ReadAll(FileToEncode file)
    {
        byte[] bytes = new byte[file.Size];
        if (bytes.Length > 0)
            file.Open().ReadExactly(0, bytes);
        return bytes;
    }

    /// <summary>
    /// Whether most of a file is holes: no index of lclusters can say so, and to encode zeros for terabytes takes hours.
    /// </summary>
    private static bool IsSparse(FileToEncode file) =>
        file.Size >= FileToEncode.MinSparse && file.Open().EnumerateDataRanges().Sum(range => range.Length) < file.Size / 2;

    /// <summary>
    /// The parts of a file. Where clusters may lie at any byte holes are left out; otherwise they are encoded as the zeros they
    /// read as.
    /// </summary>
    private IEnumerable<FilePart> PartsOf(FileToEncode file)
    {
        ContentSource source = file.Open();
        bool mayHaveHoles = ShapeOf(file).IsPacked && file.Size >= FileToEncode.MinSparse;
        DataRange[] ranges = mayHaveHoles ? [.. source.EnumerateDataRanges()] : [new DataRange(0, file.Size)];
        if (ranges.Length == 0)
            yield return new FilePart(file, source, file.Size, 0, true);
        for (int i = 0; i < ranges.Length; i++)
        {
            long start = ranges[i].Offset;
            while (start < ranges[i].End)
            {
                int length = FilePart.NextLength(ranges[i].End - start);
                bool isLast = i == ranges.Length - 1 && start + length == ranges[i].End;
                yield return new FilePart(file, source, start, length, isLast);
                start += length;
            }
        }
    }

    private void EncodeParts(IEnumerable<FilePart> parts, Action<FilePart> take)
    {
        List<PartEncoder> encoders = [];
        try
        {
            Pipeline.Run(Threads, parts, () => new Dictionary<EncodeShape, PartEncoder>(), (own, part, _) =>
            {
                EncodeShape form = ShapeOf(part.File);
                if (!own.TryGetValue(form, out PartEncoder? encoder))
                {
                    own.Add(form, encoder = new PartEncoder(form));
                    lock (encoders)
                        encoders.Add(encoder);
                }
                EncodePart(encoder, form, part);
                _count?.Invoke(part.Length);
            }, take, Cancellation);
        }
        finally
        {
            foreach (PartEncoder encoder in encoders)
                encoder.Dispose();
        }
    }

    private void EncodePart(PartEncoder encoder, EncodeShape form, FilePart part)
    {
        Span<byte> data = encoder.Data(part.Length);
        part.Source.ReadExactly(part.Start, data);
        if (form.Options.Dedupes && part.File is not null)
            EncodeRuns(encoder, form, part, data);
        else if (form.IsPacked)
            encoder.Pack(part.Result, part.Start, data, part.Chunks ?? PartEncoder.EqualChunks(data.Length, form.ChunkSize));
        else
            Fill(encoder, form, part, 0, data, part.IsLast);
    }

    private static void Fill(PartEncoder encoder, EncodeShape form, FilePart part, int at, ReadOnlySpan<byte> data, bool isLast)
    {
        bool leavesRest = part.File is { Shape: null } && form.Options.Fragments != FragmentUse.None;
        encoder.Fill(part.Result, part.Start + at, data, isLast, leavesRest);
    }

    /// <summary>
    /// Encodes a part run by run, but for runs that are stored already. Whether another thread was in time to store one makes no
    /// difference but time: what is encoded twice is taken once.
    /// </summary>
    private void EncodeRuns(PartEncoder encoder, EncodeShape form, FilePart part, ReadOnlySpan<byte> data)
    {
        EncodedPart result = part.Result;
        int start = 0;
        foreach (int end in ContentChunks.Ends(data, form.RunSize, form.IsPacked ? 1 : form.BlockSize))
        {
            ReadOnlySpan<byte> run = data[start..end];
            // The end of a file may go elsewhere than into a cluster.
            bool isEnd = part.IsLast && end == data.Length && !form.IsPacked;
            RunKey? key = isEnd ? null : RunKey.Of(SHA256.HashData(run));
            result.Runs.Add(new EncodedRun(key, part.Start + start, run.Length, result.Pieces.Count));
            start = end;
            if (key is { } known && _stored.ContainsKey(known))
                continue;
            if (form.IsPacked)
                encoder.Pack(result, result.Runs[^1].Logical, run, [run.Length]);
            else
                Fill(encoder, form, part, end - run.Length, run, isEnd);
        }
    }

    private void TakePart(FilePart part)
    {
        FileToEncode file = part.File!;
        if (!_extents.TryGetValue(file, out List<ClusterExtent>? extents))
            _extents.Add(file, extents = []);
        Take(part, extents);
        if (!part.IsLast)
            return;
        long fragmentStart = part.Result.FragmentStart;
        if (!ShapeOf(file).IsPacked && fragmentStart < file.Size)
            _fragments.Add(new FragmentPiece(file, fragmentStart, file.Size - fragmentStart));
        else
            Finish(file, extents, part.Result.Tail.Length > 0, file.Size, 0);
    }

    /// <summary>Writes a part's clusters, and adds them to those of its file.</summary>
    private void Take(FilePart part, List<ClusterExtent> extents)
    {
        EncodedPart result = part.Result;
        if (result.Runs.Count == 0)
            TakePieces(result, 0, result.Pieces.Count, extents);
        for (int i = 0; i < result.Runs.Count; i++)
        {
            EncodedRun run = result.Runs[i];
            if (run.Key is { } key && _stored.TryGetValue(key, out ClusterExtent[]? stored))
            {
                AddHole(extents, run.Logical);
                extents.AddRange(stored.Select(extent => extent with { Logical = extent.Logical + run.Logical }));
                Summary.Shared += run.Length;
                continue;
            }
            bool isLast = i == result.Runs.Count - 1;
            int first = extents.Count;
            TakePieces(result, run.FirstPiece, isLast ? result.Pieces.Count : result.Runs[i + 1].FirstPiece, extents);
            if (run.Key is { } made)
            {
                _stored[made] = [.. extents.Skip(first).Where(extent => extent.Encoding != ClusterEncoding.Hole)
                    .Select(extent => extent with { Logical = extent.Logical - run.Logical })];
            }
        }
        if (result.Tail.Length > 0)
            extents[^1] = extents[^1] with { Original = tails.Original, Offset = tails.Append(result.Tail) };
    }

    private void TakePieces(EncodedPart result, int first, int end, List<ClusterExtent> extents)
    {
        for (int i = first; i < end; i++)
        {
            EncodedPiece piece = result.Pieces[i];
            bool isTail = result.Tail.Length > 0 && i == result.Pieces.Count - 1;
            AddHole(extents, piece.Logical);
            Summary.Count(piece.Encoding, piece.Length, piece.EncodedLength);
            if (!isTail && piece.Encoding <= ClusterEncoding.Zstd)
                KeepEndOffPage(piece.EncodedLength);
            long at = isTail ? 0 : area.Append(result.Bytes.Slice(piece.At, piece.EncodedLength));
            extents.Add(new ClusterExtent(piece.Logical, piece.Length, area.Original, at, piece.EncodedLength, piece.Encoding,
                false));
        }
    }

    /// <summary>
    /// Moves a cluster that would end with a few bytes in a page of their own: kernels have all of the data before they come to
    /// these bytes, do not look at them, and take the cluster for damaged ("failed to decompress").
    /// </summary>
    private void KeepEndOffPage(int length)
    {
        int inLastPage = (int)((area.Length + length) & (PageSize - 1));
        if (inLastPage is > 0 and < LeastInPage)
            area.Append(stackalloc byte[LeastInPage - inLastPage]);
    }

    private void Finish(
        FileToEncode file, List<ClusterExtent> extents, bool hasInlineTail, long fragmentStart, long fragmentOffset)
    {
        file.Encoded = ContentOf(file.Size, extents, hasInlineTail, fragmentStart, fragmentOffset);
        _extents.Remove(file);
    }

    /// <summary>What lies between clusters is a hole.</summary>
    private static void AddHole(List<ClusterExtent> extents, long end)
    {
        long start = extents.Count == 0 ? 0 : extents[^1].Logical + extents[^1].Length;
        if (start < end)
            extents.Add(new ClusterExtent(start, end - start, null, 0, 0, ClusterEncoding.Hole, false));
    }

    private OwnContent ContentOf(
        long size, List<ClusterExtent> extents, bool hasInlineTail, long fragmentStart, long fragmentOffset)
    {
        AddHole(extents, fragmentStart);
        long encoded = extents.Sum(extent => (long)extent.EncodedLength);
        return new OwnContent(new ClusterMap
        {
            Size = size,
            BlockSize = shape.BlockSize,
            Extents = [.. extents],
            Blocks = (encoded + shape.BlockSize - 1) / shape.BlockSize,
            HasInlineTail = hasInlineTail,
            Packed = fragmentStart < size ? _packed : null,
            FragmentStart = fragmentStart,
            FragmentOffset = fragmentOffset,
        }, open);
    }

    /// <summary>The packed file: like by like, encoded as one file.</summary>
    private void EncodeFragments()
    {
        if (_fragments.Count == 0)
            return;
        (byte[] Path, FragmentPiece Piece)[] sorted = [.. _fragments.Select(piece => (piece.File.Path, piece))];
        Array.Sort(sorted, static (a, b) => a.Piece.File.Rank != b.Piece.File.Rank
            ? a.Piece.File.Rank.CompareTo(b.Piece.File.Rank) : Likeness.Compare(a.Path, b.Path));
        PackedPlan plan = new([.. sorted.Select(item => item.Piece)]);
        List<ClusterExtent> extents = [];
        bool hasTail = false;
        EncodeParts(PartsOf(plan), part =>
        {
            Take(part, extents);
            hasTail = part.Result.Tail.Length > 0;
        });
        _packed.Fill(ContentOf(plan.Length, extents, hasTail, plan.Length, 0));
        for (int i = 0; i < sorted.Length; i++)
        {
            FragmentPiece piece = sorted[i].Piece;
            List<ClusterExtent> before = _extents.GetValueOrDefault(piece.File) ?? [];
            Finish(piece.File, before, false, piece.Start, plan.StartOf(i));
        }
    }

    private IEnumerable<FilePart> PartsOf(PackedPlan plan)
    {
        if (!shape.IsPacked)
        {
            int length;
            for (long start = 0; start < plan.Length; start += length)
            {
                length = FilePart.NextLength(plan.Length - start);
                yield return new FilePart(null, plan, start, length, start + length == plan.Length);
            }
            yield break;
        }
        long begin = 0;
        List<int> chunks = [];
        foreach (long end in plan.Chunks(shape.ChunkSize))
        {
            chunks.Add((int)(end - begin));
            if (end - begin < EncodeShape.PartSize && end < plan.Length)
                continue;
            yield return new FilePart(null, plan, begin, (int)(end - begin), end == plan.Length) { Chunks = [.. chunks] };
            chunks.Clear();
            begin = end;
        }
    }
}
