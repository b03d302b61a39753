namespace Lamina.Compression;

/// <summary>
/// Finds copies through a binary tree for each hash: sorted by the bytes that follow, the latest place at the root. Finds more
/// than a chain in as many looks.
/// </summary>
internal sealed unsafe class LzmaTreeMatches(int window, int nice, int depth) : LzmaMatches(window, nice, depth, 2)
{
    /// <inheritdoc/>
    protected override int Search(byte* here, uint place, uint candidate, int limit, int longest, uint* pairs)
    {
        uint* links = Links;
        uint mask = Window - 1, maxDistance = MaxDistance;
        uint* less = links + (2 * (place & mask)), more = less + 1;
        int commonLess = 0, commonMore = 0, count = 0;
        for (int depth = Depth; depth > 0; depth--)
        {
            uint distance = place - candidate;
            if (distance > maxDistance)
                break;
            uint* pair = links + (2 * (candidate & mask));
            byte* there = here - distance;
            int common = Math.Min(commonLess, commonMore);
            if (there[common] == here[common])
            {
                common = Common(here, there, common + 1, limit);
                if (common > longest)
                {
                    longest = common;
                    pairs[2 * count] = (uint)common;
                    pairs[(2 * count) + 1] = distance - 1;
                    count++;
                }
                if (common == limit)
                {
                    *less = pair[0];
                    *more = pair[1];
                    return count;
                }
            }
            if (there[common] < here[common])
            {
                *less = candidate;
                less = pair + 1;
                candidate = *less;
                commonLess = common;
            }
            else
            {
                *more = candidate;
                more = pair;
                candidate = *more;
                commonMore = common;
            }
        }
        *less = *more = 0;
        return count;
    }

    /// <inheritdoc/>
    /// <remarks>The tree takes the place as a search does on its way; no copy is longer than the limit, so none is
    /// noted.</remarks>
    protected override void Insert(byte* here, uint place, uint candidate, int limit) =>
        Search(here, place, candidate, limit, longest: limit, null);
}
