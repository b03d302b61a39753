namespace Lamina.Compression;

/// <summary>
/// Takes the longest copy, unless the next byte has a better one: fast, for the low levels. A copy from one of the last
/// distances is worth a byte or more of length, a far one must be longer.
/// </summary>
internal sealed unsafe class LzmaLazyParser(LzmaMatches matches, LzmaSymbolWriter writer, int nice)
    : LzmaParser(matches, writer, nice)
{
    private int _longest;

    /// <inheritdoc/>
    public override int Next(int at, out uint back)
    {
        int longest = Matches.At == at ? Look() : _longest;
        int limit = Math.Min(Length - at, LzmaChances.MaxCopy);
        back = LzmaStep.Literal;
        if (limit < LzmaChances.MinCopy)
            return 1;
        uint* distances = stackalloc uint[4];
        Writer.Distances(distances);
        int best = 0;
        for (int i = 0; i < 4; i++)
        {
            int common = Common(at, distances[i], limit);
            if (common > best)
                (best, back) = (common, (uint)i);
        }
        if (best >= Nice)
            return Take(at, best);
        uint distance = longest > 0 ? Pairs[(2 * PairCount) - 1] : 0;
        if (longest >= Nice)
        {
            back = distance + LzmaStep.FirstDistance;
            return Take(at, longest);
        }
        for (int i = PairCount - 2; i >= 0; i--)
        {
            if (longest != (int)Pairs[2 * i] + 1 || !IsMuchFarther(distance, Pairs[(2 * i) + 1]))
                break;
            (longest, distance) = ((int)Pairs[2 * i], Pairs[(2 * i) + 1]);
        }
        if (longest == 2 && distance >= 0x80)
            longest = 1;
        if (best >= 2 && (best + 1 >= longest || (best + 2 >= longest && distance >= 1 << 9)
            || (best + 3 >= longest && distance >= 1 << 15)))
            return Take(at, best);

        back = LzmaStep.Literal;
        if (longest < 2)
            return 1;
        _longest = limit > longest ? Look() : 0;
        if (_longest >= 2)
        {
            uint next = Pairs[(2 * PairCount) - 1];
            if ((_longest >= longest && next < distance) || (_longest == longest + 1 && !IsMuchFarther(next, distance))
                || _longest > longest + 1 || (_longest + 1 >= longest && longest >= 3 && IsMuchFarther(distance, next)))
                return 1;
        }
        for (int i = 0; i < 4; i++)
        {
            if (Common(at + 1, distances[i], Math.Min(limit - 1, Math.Max(2, longest - 1))) >= Math.Max(2, longest - 1))
                return 1;
        }
        back = distance + LzmaStep.FirstDistance;
        return Take(at, longest);
    }

    private int Take(int at, int length)
    {
        Matches.Skip(at + length - Matches.At);
        return length;
    }

    private static bool IsMuchFarther(uint far, uint near) => near < far >> 7;
}
