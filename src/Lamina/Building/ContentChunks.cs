namespace Lamina.Building;

/// <summary>
/// Cuts data where its content says so, so that equal runs are found also where one of them has moved: a cut depends on the 64
/// bytes
/// in front of it alone.
/// </summary>
internal static class ContentChunks
{
    /// <summary>A number for each byte value, without any order; fixed, as cuts decide what images look like.</summary>
    private static readonly ulong[] s_gear = Gear();

    /// <summary>Where chunks end; the last is the end of the data.</summary>
    /// <param name="data">The data.</param>
    /// <param name="usual">The usual size of a chunk, in bytes: a power of two. None is under a quarter or over one and a half of
    /// it.</param>
    /// <param name="alignment">What cuts are rounded up to, in bytes: 1, or the size of a block.</param>
    public static List<int> Ends(ReadOnlySpan<byte> data, int usual, int alignment)
    {
        int least = usual / 4, most = usual + usual / 2;
        ulong mask = ~0UL << (64 - int.Log2(usual - least));
        List<int> ends = [];
        for (int start = 0; start < data.Length;)
        {
            int end = Math.Min(start + most, data.Length);
            ulong hash = 0;
            for (int i = start + least - 64; i < end; i++)
            {
                hash = (hash << 1) + s_gear[data[i]];
                if (i < start + least || (hash & mask) != 0)
                    continue;
                end = Math.Min((i + alignment) / alignment * alignment, end);
                break;
            }
            ends.Add(start = end);
        }
        return ends;
    }

    private static ulong[] Gear()
    {
        ulong[] gear = new ulong[256];
        ulong state = 0;
        for (int i = 0; i < gear.Length; i++)
        {
            ulong mixed = state += 0x9E3779B97F4A7C15;          // SplitMix64
            mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
            mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
            gear[i] = mixed ^ mixed >> 31;
        }
        return gear;
    }
}
