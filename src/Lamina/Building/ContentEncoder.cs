using System.Collections.Concurrent;
using System.Security.Cryptography;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Building;

/// <summary>
/// Encodes the data of files: equal files once, large ones by parts that several threads work on, small ones together in the
/// packed
/// file. What comes out depends on the files, their order and the options alone.
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

    /// <summary>
    /// The largest end of a file that is stored with its inode as it is, in bytes: larger ones leave gaps between inodes.
    /// </summary>
    private const int MaxPlainTail = 4096 - 128;

    /// <summary>The smallest file whose holes are looked for, in bytes.</summary>
    private const long MinSparse = 1 << 20;

    /// <summary>Bytes of small files that one batch of hashing takes.</summary>
    private const long HashBatch = 1 << 20;

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

    /// <summary>What it came to.</summary>
    public EncodeSummary Summary { get; } = new();

    /// <summary>Encodes files; afterwards each has its <see cref="FileToEncode.Encoded"/> content.</summary>
    public void Encode(IReadOnlyList<FileToEncode> files)
    {
        FindSame(files);
        List<FileToEncode> parted = [], plain = [];
        foreach (FileToEncode file in files.OrderBy(file => file.Rank))
        {
            EncodeShape form = ShapeOf(file);
            if (file.Same is not null)
                continue;
            if (file.Size <= MaxTiny)
                file.Encoded = new BytesContent(ReadAll(file));
            else if (file.Shape is null && file.Size <= form.MaxWholeFragment)
                _fragments.Add(new FragmentPiece(file, 0, file.Size));
            else if (form.Options.Codec is null || (!form.IsPacked && IsSparse(file)))
                plain.Add(file);
            else
                parted.Add(file);
        }
        EncodeParts(parted.SelectMany(PartsOf), TakePart);
        EncodeFragments();
        StorePlain(plain);
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

    /// <summary>Finds files with the same data: of those that have the same size the SHA-256 tells.</summary>
    private void FindSame(IReadOnlyList<FileToEncode> files)
    {
        List<FileToEncode[]> batches = [];
        List<FileToEncode> batch = [];
        long bytes = 0;
        foreach (FileToEncode file in files.Where(file => file.Size > MaxTiny).GroupBy(file => file.Size)
            .Where(group => group.Skip(1).Any()).SelectMany(group => group))
        {
            batch.Add(file);
            bytes += file.Size;
            if (bytes < HashBatch)
                continue;
            batches.Add([.. batch]);
            batch.Clear();
            bytes = 0;
        }
        batches.Add([.. batch]);
        Dictionary<(long Size, RunKey Key), FileToEncode> first = [];
        Pipeline.Run(Threads, batches.Select(files => (Files: files, Hashes: new RunKey[files.Length])), () => new byte[1 << 18],
            (buffer, work, stop) =>
            {
                for (int i = 0; i < work.Files.Length; i++)
                    work.Hashes[i] = HashOf(work.Files[i], buffer, stop);
            },
            work =>
            {
                for (int i = 0; i < work.Files.Length; i++)
                {
                    FileToEncode file = work.Files[i];
                    (long, RunKey) key = (file.Size, work.Hashes[i]);
                    if (!first.TryAdd(key, file))
                        file.Same = first[key];
                }
            }, Cancellation);
    }

    private static RunKey HashOf(FileToEncode file, byte[] buffer, CancellationToken stop)
    {
        if (file.Size <= buffer.Length)
        {
            Span<byte> all = buffer.AsSpan(0, (int)file.Size);
            file.Open().ReadExactly(0, all);
            return RunKey.Of(SHA256.HashData(all));
        }
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        ContentSource source = file.Open();
        for (long at = 0; at < file.Size;)
        {
            stop.ThrowIfCancellationRequested();
            Span<byte> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, file.Size - at));
            source.ReadExactly(at, part);
            hash.AppendData(part);
            at += part.Length;
        }
        return RunKey.Of(hash.GetHashAndReset());
    }

    /// <summary>
    /// Whether most of a file is holes: no index of lclusters can say so, and to encode zeros for terabytes takes hours.
    /// </summary>
    private static bool IsSparse(FileToEncode file) =>
        file.Size >= MinSparse && file.Open().EnumerateDataRanges().Sum(range => range.Length) < file.Size / 2;

    /// <summary>A run of a file, and what it becomes.</summary>
    private sealed record Part(FileToEncode? File, ContentSource Source, long Start, int Length, bool IsLast)
    {
        public EncodedPart Result { get; } = new();

        public int[]? Chunks { get; init; }
    }

    /// <summary>
    /// The parts of a file. Where clusters may lie at any byte holes are left out; otherwise they are encoded as the zeros they
    /// read as.
    /// </summary>
    private IEnumerable<Part> PartsOf(FileToEncode file)
    {
        ContentSource source = file.Open();
        bool mayHaveHoles = ShapeOf(file).IsPacked && file.Size >= MinSparse;
        DataRange[] ranges = mayHaveHoles ? [.. source.EnumerateDataRanges()] : [new DataRange(0, file.Size)];
        if (ranges.Length == 0)
            yield return new Part(file, source, file.Size, 0, true);
        for (int i = 0; i < ranges.Length; i++)
        {
            long start = ranges[i].Offset;
            while (start < ranges[i].End)
            {
                int length = NextLength(ranges[i].End - start);
                bool isLast = i == ranges.Length - 1 && start + length == ranges[i].End;
                yield return new Part(file, source, start, length, isLast);
                start += length;
            }
        }
    }

    /// <summary>A small rest is not worth a part, and would spoil the last clusters.</summary>
    private static int NextLength(long left) =>
        (int)(left < EncodeShape.PartSize + EncodeShape.PartSize / 4 ? left : EncodeShape.PartSize);

    private void EncodeParts(IEnumerable<Part> parts, Action<Part> take)
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
                Progress?.Invoke(part.Length);
            }, take, Cancellation);
        }
        finally
        {
            foreach (PartEncoder encoder in encoders)
                encoder.Dispose();
        }
    }

    private void EncodePart(PartEncoder encoder, EncodeShape form, Part part)
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

    private static void Fill(PartEncoder encoder, EncodeShape form, Part part, int at, ReadOnlySpan<byte> data, bool isLast)
    {
        bool leavesRest = part.File is { Shape: null } && form.Options.Fragments != FragmentUse.None;
        encoder.Fill(part.Result, part.Start + at, data, isLast, leavesRest);
    }

    /// <summary>
    /// Encodes a part run by run, but for runs that are stored already. Whether another thread was in time to store one makes no
    /// difference but time: what is encoded twice is taken once.
    /// </summary>
    private void EncodeRuns(PartEncoder encoder, EncodeShape form, Part part, ReadOnlySpan<byte> data)
    {
        int start = 0;
        foreach (int end in ContentChunks.Ends(data, form.RunSize, form.IsPacked ? 1 : form.BlockSize))
        {
            ReadOnlySpan<byte> run = data[start..end];
            // The end of a file may go elsewhere than into a cluster.
            bool isEnd = part.IsLast && end == data.Length && !form.IsPacked;
            RunKey? key = isEnd ? null : RunKey.Of(SHA256.HashData(run));
            EncodedPart result = part.Result;
            result.Runs.Add(new EncodedRun(key, part.Start + start, run.Length, result.Pieces.Count));
            if (key is { } known && _stored.ContainsKey(known))
                part.Result.FragmentStart = part.Start + end;
            else if (form.IsPacked)
                encoder.Pack(part.Result, part.Start + start, run, [run.Length]);
            else
                Fill(encoder, form, part, start, run, isEnd);
            start = end;
        }
    }

    private void TakePart(Part part)
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
    private void Take(Part part, List<ClusterExtent> extents)
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
    /// these
    /// bytes, do not look at them, and take the cluster for damaged ("failed to decompress").
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

    private IEnumerable<Part> PartsOf(PackedPlan plan)
    {
        if (!shape.IsPacked)
        {
            int length;
            for (long start = 0; start < plan.Length; start += length)
            {
                length = NextLength(plan.Length - start);
                yield return new Part(null, plan, start, length, start + length == plan.Length);
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
            yield return new Part(null, plan, begin, (int)(end - begin), end == plan.Length) { Chunks = [.. chunks] };
            chunks.Clear();
            begin = end;
        }
    }

    /// <summary>Stores files as they are, each from a block boundary on, without their holes.</summary>
    private void StorePlain(List<FileToEncode> files)
    {
        Dictionary<FileToEncode, List<PlacedExtent>> stored = new(ReferenceEqualityComparer.Instance);
        Pipeline.Run(Threads, files.SelectMany(PlainPartsOf), () => 0, (_, part, _) => StorePart(part), part =>
        {
            FileToEncode file = part.File!;
            if (!stored.TryGetValue(file, out List<PlacedExtent>? extents))
            {
                stored.Add(file, extents = []);
                area.Align(shape.BlockSize);
            }
            if (part.Result.Length > 0)
                AddPlain(extents, part.Start, area.Append(part.Result.Bytes), part.Result.Length);
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

    private void AddPlain(List<PlacedExtent> extents, long logical, long at, long length)
    {
        if (extents.Count > 0 && extents[^1].End == logical && extents[^1].Offset + extents[^1].Length == at)
            extents[^1] = extents[^1] with { Length = extents[^1].Length + length };
        else
            extents.Add(new PlacedExtent(logical, area.Original, at, length));
    }

    /// <summary>The runs of whole blocks that hold data; of a file of holes alone one that is empty.</summary>
    private IEnumerable<Part> PlainPartsOf(FileToEncode file)
    {
        ContentSource source = file.Open();
        List<DataRange> runs = [];
        foreach (DataRange range in file.Size >= MinSparse ? source.EnumerateDataRanges() : [new DataRange(0, file.Size)])
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
                int length = NextLength(run.End - start);
                yield return new Part(file, source, start, length, run == runs[^1] && start + length == run.End);
                start += length;
            }
            while (start < run.End);
        }
    }

    private void StorePart(Part part)
    {
        // Only a file in one piece can have its end with the inode; its parts begin at blocks.
        int tail = part.Length & (shape.BlockSize - 1);
        bool hasTail = part.IsLast && tail is > 0 and <= MaxPlainTail && shape.Options.HasInlineTails &&
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
