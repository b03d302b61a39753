using System.Runtime.InteropServices;

namespace Lamina.Reading;

/// <summary>
/// Claims that are added in any order and read in theirs. Millions of them take some ten bytes each: a buffer that is full is
/// sorted and packed as differences, and the packed runs are merged when they are read.
/// </summary>
internal sealed class ClaimRuns
{
    /// <summary>Claims in a run: enough that runs are few, and little enough that the buffer counts for nothing.</summary>
    private const int RunLength = 1 << 15;

    /// <summary>What a claim takes at most: four bytes that are written as they are, and five numbers.</summary>
    private const int MaxPacked = 4 + 5 * MaxNumber, MaxNumber = 10;

    /// <summary>Which fields of a claim are not zero, or not as in the claim before it.</summary>
    private const byte HasOwner = 1, HasKind = 2, HasFlags = 4, HasLogical = 8, HasLength = 16;

    private readonly List<RegionClaim> _open = [];
    private readonly List<byte[]> _runs = [];
    private byte[] _packed = [];

    /// <summary>Adds a claim.</summary>
    public void Add(in RegionClaim claim)
    {
        _open.Add(claim);
        if (_open.Count == RunLength)
            Pack();
    }

    /// <summary>All claims in their order. Further ones may be added afterwards.</summary>
    public IEnumerable<RegionClaim> InOrder()
    {
        _open.Sort();
        List<IEnumerator<RegionClaim>> runs = [_open.GetEnumerator(), .. _runs.Select(run => Unpack(run).GetEnumerator())];
        PriorityQueue<IEnumerator<RegionClaim>, RegionClaim> heads = new(runs.Count);
        foreach (IEnumerator<RegionClaim> run in runs)
        {
            if (run.MoveNext())
                heads.Enqueue(run, run.Current);
        }
        while (heads.TryPeek(out IEnumerator<RegionClaim>? run, out RegionClaim claim))
        {
            yield return claim;
            if (run.MoveNext())
                heads.DequeueEnqueue(run, run.Current);
            else
                heads.Dequeue();
        }
    }

    private void Pack()
    {
        _open.Sort();
        if (_packed.Length == 0)
            _packed = new byte[RunLength * MaxPacked];
        int at = 0;
        RegionClaim last = default;
        foreach (ref readonly RegionClaim claim in CollectionsMarshal.AsSpan(_open))
        {
            byte fields = (byte)((claim.Owner != last.Owner ? HasOwner : 0) | (claim.Kind != 0 ? HasKind : 0) |
                (claim.Flags != 0 ? HasFlags : 0) | (claim.Logical != 0 ? HasLogical : 0) | (claim.Length != 0 ? HasLength : 0));
            _packed[at++] = fields;
            _packed[at++] = claim.Use;
            at = PutNumber(at, claim.Start - last.Start);
            at = PutNumber(at, claim.End - claim.Start);
            if ((fields & HasOwner) != 0)
                at = PutNumber(at, claim.Owner - (long)last.Owner);
            if ((fields & HasKind) != 0)
                _packed[at++] = claim.Kind;
            if ((fields & HasFlags) != 0)
                _packed[at++] = claim.Flags;
            if ((fields & HasLogical) != 0)
                at = PutNumber(at, claim.Logical);
            if ((fields & HasLength) != 0)
                at = PutNumber(at, claim.Length);
            last = claim;
        }
        _runs.Add(_packed[..at]);
        _open.Clear();
    }

    private static IEnumerable<RegionClaim> Unpack(byte[] packed)
    {
        RegionClaim last = default;
        for (int at = 0; at < packed.Length;)
        {
            byte fields = packed[at++], use = packed[at++];
            long start = last.Start + GetNumber(packed, ref at), end = start + GetNumber(packed, ref at);
            last = new RegionClaim
            {
                Start = start,
                End = end,
                Use = use,
                Owner = (fields & HasOwner) != 0 ? (int)(last.Owner + GetNumber(packed, ref at)) : last.Owner,
                Kind = (fields & HasKind) != 0 ? packed[at++] : default,
                Flags = (fields & HasFlags) != 0 ? packed[at++] : default,
                Logical = (fields & HasLogical) != 0 ? GetNumber(packed, ref at) : 0,
                Length = (fields & HasLength) != 0 ? (int)GetNumber(packed, ref at) : 0,
            };
            yield return last;
        }
    }

    /// <summary>Seven bits a byte, the lowest first; small negative numbers are as short as small positive ones.</summary>
    private int PutNumber(int at, long number)
    {
        ulong rest = (ulong)(number << 1 ^ number >> 63);
        for (; rest >= 0x80; rest >>= 7)
            _packed[at++] = (byte)(rest | 0x80);
        _packed[at++] = (byte)rest;
        return at;
    }

    private static long GetNumber(byte[] packed, ref int at)
    {
        ulong number = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte piece = packed[at++];
            number |= (ulong)(piece & 0x7F) << shift;
            if (piece < 0x80)
                return (long)(number >> 1) ^ -(long)(number & 1);
        }
    }
}
