namespace Lamina.Describing;

/// <summary>Node numbers that were met, as bits: those of a sound image are close to one another.</summary>
internal sealed class VisitedNodes
{
    private const int PageBits = 10, WordBits = 6;

    private readonly Dictionary<ulong, ulong[]> _pages = [];

    /// <summary>Adds a node number; false if it was met before.</summary>
    public bool Add(ulong nid)
    {
        if (!_pages.TryGetValue(nid >> PageBits, out ulong[]? page))
            _pages.Add(nid >> PageBits, page = new ulong[1 << (PageBits - WordBits)]);
        ref ulong word = ref page[(int)(nid >> WordBits) & (page.Length - 1)];
        ulong bit = 1UL << (int)(nid & 63);
        bool isNew = (word & bit) == 0;
        word |= bit;
        return isNew;
    }
}
