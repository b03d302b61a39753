namespace Lamina.Compression;

/// <summary>Finds copies through a chain for each hash, the latest place first: quick to add to, for the low levels.</summary>
internal sealed unsafe class LzmaChainMatches(int window, int nice, int depth) : LzmaMatches(window, nice, depth, 1)
{
    /// <inheritdoc/>
    protected override int Search(byte* here, uint place, uint candidate, int limit, int longest, uint* pairs)
    {
        uint* links = Links;
        uint mask = Window - 1;
        links[place & mask] = candidate;
        int count = 0;
        for (int depth = Depth; depth > 0; depth--)
        {
            uint distance = place - candidate;
            if (distance > MaxDistance)
                break;
            byte* there = here - distance;
            // Below the limit there is a byte behind the longest so far; at the limit the search is over.
            if (there[longest] == here[longest] && *there == *here)
            {
                int common = Common(here, there, 0, limit);
                if (common > longest)
                {
                    longest = common;
                    pairs[2 * count] = (uint)common;
                    pairs[(2 * count) + 1] = distance - 1;
                    count++;
                    if (common == limit)
                        break;
                }
            }
            candidate = links[candidate & mask];
        }
        return count;
    }

    /// <inheritdoc/>
    protected override void Insert(byte* here, uint place, uint candidate, int limit) =>
        Links[place & (Window - 1)] = candidate;
}
