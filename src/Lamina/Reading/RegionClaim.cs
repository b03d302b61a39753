namespace Lamina.Reading;

/// <summary>
/// A part of a file that is for something. There may be millions: what it is for is said in numbers, and put into words by an
/// <see cref="IExplainer"/> when it is written.
/// </summary>
internal readonly record struct RegionClaim : IComparable<RegionClaim>
{
    /// <summary>The first byte.</summary>
    public required long Start { get; init; }

    /// <summary>The first byte behind it.</summary>
    public required long End { get; init; }

    /// <summary>Where it begins in what it is a part of, or which of its kind it is.</summary>
    public long Logical { get; init; }

    /// <summary>The count of bytes it stands for, where those are others than it has.</summary>
    public int Length { get; init; }

    /// <summary>Whose it is.</summary>
    public int Owner { get; init; }

    /// <summary>What it is; known to who explains it.</summary>
    public byte Kind { get; init; }

    /// <summary>More of that.</summary>
    public byte Flags { get; init; }

    /// <summary>The line of the table at the end that it counts for.</summary>
    public byte Use { get; init; }

    /// <summary>By places; what is in the same place by owners, in the order in which they were met.</summary>
    public int CompareTo(RegionClaim other)
    {
        int byStart = Start.CompareTo(other.Start);
        int byPlace = byStart != 0 ? byStart : End.CompareTo(other.End);
        return byPlace != 0 ? byPlace : (Owner, Kind, Logical).CompareTo((other.Owner, other.Kind, other.Logical));
    }
}

/// <summary>Puts claims into words.</summary>
internal interface IExplainer
{
    /// <summary>What the claim is, in a line.</summary>
    string TextOf(RegionClaim claim);

    /// <summary>Lines that explain it further.</summary>
    IEnumerable<string> DetailsOf(RegionClaim claim);
}
