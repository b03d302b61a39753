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

    private readonly List<Claim> _claims = [];
    private readonly List<Claim> _backgrounds = [];

    public string Title => title;

    public long Length => length;

    /// <summary>Says what a part is for.</summary>
    /// <param name="start">The first byte.</param>
    /// <param name="end">The first byte behind it.</param>
    /// <param name="use">The line of the table at the end that it counts for.</param>
    /// <param name="text">What it is.</param>
    /// <param name="details">Lines that explain it further.</param>
    public void Add(long start, long end, string use, string text, Func<IEnumerable<string>>? details = null) =>
        AddTo(_claims, new Claim(start, end, use, text, details));

    /// <summary>Says what unclaimed bytes in a part belong to.</summary>
    public void AddBackground(long start, long end, string use, string text) =>
        AddTo(_backgrounds, new Claim(start, end, use, text, null));

    /// <summary>Writes all regions in the order of addresses, then how much each use takes.</summary>
    public void WriteTo(TextWriter writer, CancellationToken cancellation)
    {
        writer.Write($"{title}: {length} bytes\n");
        int digits = Math.Max(8, length.ToString("x", null).Length);
        SortedDictionary<string, long> uses = new(StringComparer.Ordinal);
        foreach (Region region in Regions())
        {
            cancellation.ThrowIfCancellationRequested();
            string use = region.Claims[0].Use;
            uses[use] = uses.GetValueOrDefault(use) + region.End - region.Start;
            WriteRegion(writer, region, digits);
        }
        writer.Write('\n');
        foreach ((string use, long count) in uses.OrderByDescending(one => one.Value))
            writer.Write($"{count,12} bytes  {(decimal)count * 100 / length,6:0.00} %  {use}\n");
        writer.Write($"{length,12} bytes  {(length == 0 ? 0 : 100),6:0.00} %  in all\n");
    }

    private void AddTo(List<Claim> list, Claim claim)
    {
        claim = claim with { Start = Math.Clamp(claim.Start, 0, length), End = Math.Clamp(claim.End, 0, length) };
        if (claim.Start < claim.End)
            list.Add(claim);
    }

    private static void WriteRegion(TextWriter writer, Region region, int digits)
    {
        string start = region.Start.ToString("x", null), end = region.End.ToString("x", null);
        writer.Write($"[{start.PadLeft(digits, '0')}, {end.PadLeft(digits, '0')}) {region.End - region.Start} bytes: ");
        int count = Math.Min(region.Claims.Length, MaxNamed);
        for (int i = 0; i < count; i++)
        {
            Claim claim = region.Claims[i];
            if (i > 0)
                writer.Write("    and ");
            writer.Write(claim.Start < region.Start ? $"(further) {claim.Text}\n" : $"{claim.Text}\n");
            if (claim.Start != region.Start || claim.Details is null)
                continue;
            foreach (string line in claim.Details())
                writer.Write($"    {line}\n");
        }
        if (count < region.Claims.Length)
            writer.Write($"    and {region.Claims.Length - count} more\n");
    }

    /// <summary>The regions: wherever a claim begins or ends, another one begins.</summary>
    private IEnumerable<Region> Regions()
    {
        Claim[] claims = [.. _claims.Order()];
        Claim[] backgrounds = [.. _backgrounds.Order()];
        SortedSet<long> bounds = [0, length, .. claims.Select(claim => claim.Start), .. claims.Select(claim => claim.End)];
        List<Claim> active = [];
        int next = 0;
        long start = 0;
        foreach (long end in bounds.Skip(1))
        {
            active.RemoveAll(claim => claim.End <= start);
            for (; next < claims.Length && claims[next].Start <= start; next++)
                active.Add(claims[next]);
            if (active.Count > 0)
            {
                yield return new Region(start, end, [.. active]);
            }
            else
            {
                foreach (Region gap in Gap(start, end, backgrounds))
                    yield return gap;
            }
            start = end;
        }
    }

    /// <summary>What nobody claims: zeros, what belongs to a layer, or neither.</summary>
    private IEnumerable<Region> Gap(long start, long end, Claim[] backgrounds)
    {
        while (start < end)
        {
            long from = start;
            Claim? background = Array.Find(backgrounds, claim => claim.Start <= from && from < claim.End);
            long? next = backgrounds.Where(claim => claim.Start > from).Min(claim => (long?)claim.Start);
            long stop = Math.Min(end, background?.End ?? next ?? end);
            if (background is not null)
            {
                yield return new Region(start, stop, [background]);
                start = stop;
                continue;
            }
            (long first, long last) = NonZero(start, stop);
            if (first > start)
                yield return new Region(start, first, [new Claim(start, first, Padding, Padding, null)]);
            if (last > first)
                yield return new Region(first, last, [new Claim(first, last, Unreferenced, Unreferenced, null)]);
            if (stop > last && last > first)
                yield return new Region(last, stop, [new Claim(last, stop, Padding, Padding, null)]);
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

    private sealed record Region(long Start, long End, Claim[] Claims);

    private sealed record Claim(long Start, long End, string Use, string Text, Func<IEnumerable<string>>? Details)
        : IComparable<Claim>
    {
        public int CompareTo(Claim? other)
        {
            int byStart = Start.CompareTo(other!.Start);
            int byPlace = byStart != 0 ? byStart : End.CompareTo(other.End);
            return byPlace != 0 ? byPlace : string.CompareOrdinal(Text, other.Text);
        }
    }
}
