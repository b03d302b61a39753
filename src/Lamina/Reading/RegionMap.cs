using System.Text;

namespace Lamina.Reading;

/// <summary>
/// What the bytes of a file are for. Parts are claimed in any order and may overlap, as clusters shared by files do; written out,
/// every byte is in exactly one region, and what nobody claims is looked at: zeros are padding, the rest is unreferenced.
/// </summary>
/// <param name="title">What is described.</param>
/// <param name="length">Its length in bytes.</param>
/// <param name="read">Reads bytes at a position.</param>
internal sealed class RegionMap(string title, long length, RegionMap.Reader read)
{
    /// <summary>Reads bytes at a position, all or an exception.</summary>
    public delegate void Reader(long position, Span<byte> destination);

    /// <summary>Users of one region that are named; the rest is counted.</summary>
    private const int MaxNamed = 20;

    /// <summary>Bytes looked at in one step to tell padding from what is unreferenced.</summary>
    private const int PieceSize = 64 << 10;

    public const string Padding = "zero padding", Unreferenced = "unreferenced";

    private readonly ClaimRuns _claims = new();
    private readonly List<Fixed> _fixed = [];
    private readonly List<Fixed> _backgrounds = [];
    private readonly List<string> _uses = [];

    /// <summary>The claims on the region that is written.</summary>
    private readonly List<RegionClaim> _active = [];

    /// <summary>Puts into words what is claimed by numbers.</summary>
    public IExplainer? Explainer { get; set; }

    public string Title => title;

    public long Length => length;

    /// <summary>Says what a part is for.</summary>
    /// <param name="start">The first byte.</param>
    /// <param name="end">The first byte behind it.</param>
    /// <param name="use">The line of the table at the end that it counts for.</param>
    /// <param name="text">What it is.</param>
    /// <param name="details">Lines that explain it further.</param>
    public void Add(long start, long end, string use, string text, Func<IEnumerable<string>>? details = null)
    {
        _fixed.Add(new Fixed(start, end, use, text, details));
        Add(new RegionClaim { Start = start, End = end, Owner = -_fixed.Count }, use);
    }

    /// <summary>Says what a part is for, to be put into words by the explainer. Owners are from 0 on.</summary>
    public void Add(RegionClaim claim, string use)
    {
        claim = claim with
        {
            Start = Math.Clamp(claim.Start, 0, length),
            End = Math.Clamp(claim.End, 0, length),
            Use = UseOf(use),
        };
        if (claim.Start < claim.End)
            _claims.Add(claim);
    }

    /// <summary>Says what unclaimed bytes in a part belong to.</summary>
    public void AddBackground(long start, long end, string use, string text)
    {
        (start, end) = (Math.Clamp(start, 0, length), Math.Clamp(end, 0, length));
        if (start < end)
            _backgrounds.Add(new Fixed(start, end, use, text, null));
    }

    /// <summary>Writes all regions in the order of addresses, then how much each use takes.</summary>
    public void WriteTo(TextWriter writer, CancellationToken cancellation)
    {
        writer.Write($"{title}: {length} bytes\n");
        int digits = Math.Max(8, length.ToString("x", null).Length);
        SortedDictionary<string, long> uses = new(StringComparer.Ordinal);
        foreach ((long start, long end, string use, string? text) in Regions())
        {
            cancellation.ThrowIfCancellationRequested();
            uses[use] = uses.GetValueOrDefault(use) + end - start;
            string from = start.ToString("x", null).PadLeft(digits, '0'), to = end.ToString("x", null).PadLeft(digits, '0');
            writer.Write($"[{from}, {to}) {end - start} bytes: ");
            if (text is null)
                WriteActive(writer, start);
            else
                writer.Write($"{text}\n");
        }
        writer.Write('\n');
        foreach ((string use, long count) in uses.OrderByDescending(one => one.Value))
            writer.Write($"{count,12} bytes  {(decimal)count * 100 / length,6:0.00} %  {use}\n");
        writer.Write($"{length,12} bytes  {(length == 0 ? 0 : 100),6:0.00} %  in all\n");
    }

    private byte UseOf(string use)
    {
        int index = _uses.IndexOf(use);
        if (index < 0)
        {
            index = _uses.Count;
            _uses.Add(use);
        }
        return (byte)index;
    }

    private void WriteActive(TextWriter writer, long start)
    {
        int count = Math.Min(_active.Count, MaxNamed);
        for (int i = 0; i < count; i++)
        {
            RegionClaim claim = _active[i];
            Fixed? words = claim.Owner < 0 ? _fixed[-claim.Owner - 1] : null;
            string text = words?.Text ?? Explainer!.TextOf(claim);
            if (i > 0)
                writer.Write("    and ");
            writer.Write(claim.Start < start ? $"(further) {text}\n" : $"{text}\n");
            if (claim.Start != start)
                continue;
            foreach (string line in words is null ? Explainer!.DetailsOf(claim) : words.Details?.Invoke() ?? [])
                writer.Write($"    {line}\n");
        }
        if (count < _active.Count)
            writer.Write($"    and {_active.Count - count} more\n");
    }

    /// <summary>
    /// The regions: wherever a claim begins or ends, another one begins. The text of those that nobody claims; of others null, as
    /// it is that of the active claims.
    /// </summary>
    private IEnumerable<(long Start, long End, string Use, string? Text)> Regions()
    {
        _backgrounds.Sort(static (a, b) => a.Start != b.Start ? a.Start.CompareTo(b.Start) : a.End.CompareTo(b.End));
        using IEnumerator<RegionClaim> claims = _claims.InOrder().GetEnumerator();
        bool hasNext = claims.MoveNext();
        for (long start = 0, end; start < length; start = end)
        {
            long from = start;
            _active.RemoveAll(claim => claim.End <= from);
            for (; hasNext && claims.Current.Start <= start; hasNext = claims.MoveNext())
                _active.Add(claims.Current);
            end = hasNext ? claims.Current.Start : length;
            foreach (RegionClaim claim in _active)
                end = Math.Min(end, claim.End);
            if (_active.Count > 0)
            {
                yield return (start, end, _uses[_active[0].Use], null);
                continue;
            }
            foreach ((long Start, long End, string Use, string? Text) gap in Gap(start, end))
                yield return gap;
        }
    }

    /// <summary>What nobody claims: zeros, what belongs to a layer, or neither.</summary>
    private IEnumerable<(long Start, long End, string Use, string? Text)> Gap(long start, long end)
    {
        while (start < end)
        {
            long from = start;
            Fixed? background = _backgrounds.Find(claim => claim.Start <= from && from < claim.End);
            long? next = _backgrounds.Where(claim => claim.Start > from).Min(claim => (long?)claim.Start);
            long stop = Math.Min(end, background?.End ?? next ?? end);
            if (background is not null)
            {
                yield return (start, stop, background.Use, background.Text);
                start = stop;
                continue;
            }
            (long first, long last) = NonZero(start, stop);
            if (first > start)
                yield return (start, first, Padding, Padding);
            if (last > first)
                yield return (first, last, Unreferenced, Unreferenced);
            if (stop > last && last > first)
                yield return (last, stop, Padding, Padding);
            start = stop;
        }
    }

    /// <summary>From the first to behind the last byte that is not zero; both the end if all are.</summary>
    private (long First, long Last) NonZero(long start, long end)
    {
        long first = end, last = end;
        byte[] piece = new byte[(int)Math.Min(PieceSize, end - start)];
        for (long at = start; at < end; at += piece.Length)
        {
            Span<byte> bytes = piece.AsSpan(0, (int)Math.Min(piece.Length, end - at));
            read(at, bytes);
            int begin = bytes.IndexOfAnyExcept((byte)0);
            if (begin < 0)
                continue;
            first = Math.Min(first, at + begin);
            last = at + bytes.LastIndexOfAnyExcept((byte)0) + 1;
        }
        return (first, last);
    }

    /// <summary>A claim that has its words from the start: there are few of them.</summary>
    private sealed record Fixed(long Start, long End, string Use, string Text, Func<IEnumerable<string>>? Details);
}
