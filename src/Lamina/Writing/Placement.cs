using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>
/// Where originals come to lie in the output's address space. Used in two steps: first what is used is told, then addresses
/// are asked.
/// </summary>
internal abstract class Placement
{
    /// <summary>Whether content may refer to the original; if not, its data must be copied.</summary>
    public abstract bool Holds(Original original);

    /// <summary>
    /// Up to which byte of an original the kernel can read: it reads whole blocks, and the last one may be cut off where the
    /// original is a device of its own.
    /// </summary>
    public abstract long EndOf(Original original);

    /// <summary>Tells that a run of an original is referred to.</summary>
    public abstract void Use(Original original, long offset, long length);

    /// <summary>Puts an original to an address, whole.</summary>
    public abstract void Put(Original original, long address);

    /// <summary>The address of an original's byte.</summary>
    public abstract long AddressOf(Original original, long offset);
}

/// <summary>Originals lie as a whole: in one file behind one another, or as devices.</summary>
/// <param name="padding">Bytes to a multiple of which zeros follow an original; 1 for none.</param>
internal sealed class WholePlacement(int padding) : Placement
{
    private readonly Dictionary<Original, long> _bases = new(ReferenceEqualityComparer.Instance);

    public override void Put(Original original, long address) => _bases[original] = address;

    public override long EndOf(Original original) => (original.Length + padding - 1) / padding * padding;

    public override bool Holds(Original original) => _bases.ContainsKey(original);

    public override void Use(Original original, long offset, long length)
    {
    }

    public override long AddressOf(Original original, long offset) => _bases[original] + offset;
}

/// <summary>Only what is referred to is taken along: runs of the originals, in their order.</summary>
internal sealed class RangePlacement(IReadOnlyList<Original> originals, int blockSize) : Placement
{
    private readonly Dictionary<Original, Ranges> _ranges =
        originals.ToDictionary(original => original, _ => new Ranges(),
            ReferenceEqualityComparer.Instance as IEqualityComparer<Original>);
    private readonly WholePlacement _others = new(1);

    private sealed class Ranges
    {
        public List<(long Start, long End)> Used { get; set; } = [];

        public long[] Starts { get; set; } = [];

        public long[] Addresses { get; set; } = [];
    }

    public override bool Holds(Original original) => _ranges.ContainsKey(original) || _others.Holds(original);

    public override long EndOf(Original original) => long.MaxValue;

    public override void Use(Original original, long offset, long length)
    {
        long start = offset / blockSize * blockSize, end = (offset + length + blockSize - 1) / blockSize * blockSize;
        if (!_ranges.TryGetValue(original, out Ranges? ranges))
            return;
        List<(long Start, long End)> used = ranges.Used;
        // Files are met in about the order they lie in, so most runs join the one before.
        if (used.Count > 0 && used[^1].Start <= start && start <= used[^1].End)
            used[^1] = (used[^1].Start, Math.Max(used[^1].End, end));
        else
            used.Add((start, end));
    }

    public override void Put(Original original, long address) => _others.Put(original, address);

    /// <summary>Gives every run its address, from a position on; returns the end.</summary>
    public long Assign(long position)
    {
        foreach (Original original in originals)
        {
            Ranges ranges = _ranges[original];
            ranges.Used.Sort();
            List<(long Start, long End)> joined = [];
            foreach ((long start, long end) in ranges.Used)
            {
                if (joined.Count > 0 && start <= joined[^1].End)
                    joined[^1] = (joined[^1].Start, Math.Max(joined[^1].End, end));
                else
                    joined.Add((start, end));
            }
            ranges.Used = joined;
            ranges.Starts = new long[joined.Count];
            ranges.Addresses = new long[joined.Count];
            for (int i = 0; i < joined.Count; i++)
            {
                ranges.Starts[i] = joined[i].Start;
                ranges.Addresses[i] = position;
                position += joined[i].End - joined[i].Start;
            }
        }
        return position;
    }

    public override long AddressOf(Original original, long offset)
    {
        if (!_ranges.TryGetValue(original, out Ranges? ranges))
            return _others.AddressOf(original, offset);
        int at = Array.BinarySearch(ranges.Starts, offset);
        if (at < 0)
            at = ~at - 1;
        return ranges.Addresses[at] + offset - ranges.Starts[at];
    }

    /// <summary>The runs to copy. One may end before its last block does: where the original ends.</summary>
    public IEnumerable<Segment> Runs()
    {
        foreach (Original original in originals)
        {
            Ranges ranges = _ranges[original];
            for (int i = 0; i < ranges.Used.Count; i++)
            {
                (long start, long end) = ranges.Used[i];
                yield return new Segment(ranges.Addresses[i], Math.Min(end, original.Length) - start, original.Bytes, start);
            }
        }
    }
}
