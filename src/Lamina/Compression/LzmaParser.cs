using System.Runtime.CompilerServices;

namespace Lamina.Compression;

/// <summary>Chooses literals and copies for a source, step by step.</summary>
internal abstract unsafe class LzmaParser(LzmaMatches matches, LzmaSymbolWriter writer, int nice)
{
    private readonly uint[] _pairMemory = GC.AllocateArray<uint>(2 * (LzmaChances.MaxCopy + 1), pinned: true);

    protected byte* Source { get; private set; }

    protected int Length { get; private set; }

    protected LzmaMatches Matches => matches;

    protected LzmaSymbolWriter Writer => writer;

    /// <summary>The length that is taken without looking further.</summary>
    protected int Nice => nice;

    /// <summary>Pairs of length and distance less 1, both growing, of the position looked at last.</summary>
    protected uint* Pairs => (uint*)Unsafe.AsPointer(ref _pairMemory[0]);

    /// <summary>How many pairs.</summary>
    protected int PairCount { get; private set; }

    /// <summary>Begins with a source, which stays where it is.</summary>
    public virtual void Start(byte* source, int length)
    {
        Source = source;
        (Length, PairCount) = (length, 0);
        matches.Start(source, length);
    }

    /// <summary>The next step: how many bytes it is for, and what it copies (<see cref="LzmaStep"/>).</summary>
    public abstract int Next(int at, out uint back);

    /// <summary>Looks for copies at the next position; returns the longest, which may be longer than a nice one.</summary>
    protected int Look()
    {
        int at = matches.At;
        uint* pairs = Pairs;
        PairCount = matches.Find(pairs);
        if (PairCount == 0)
            return 0;
        uint* last = pairs + (2 * (PairCount - 1));
        int longest = (int)last[0];
        if (longest >= nice)
        {
            byte* here = Source + at;
            longest = LzmaMatches.Common(here, here - last[1] - 1, longest, Math.Min(Length - at, LzmaChances.MaxCopy));
            last[0] = (uint)longest;
        }
        return longest;
    }

    /// <summary>How many bytes, up to a limit, a copy from a distance (less 1) would be right for; 0 rather than 1.</summary>
    protected int Common(int at, uint distance, int limit)
    {
        if (distance >= (uint)at)
            return 0;
        byte* here = Source + at, there = here - distance - 1;
        return here[0] == there[0] && here[1] == there[1] ? LzmaMatches.Common(here, there, 2, limit) : 0;
    }
}
