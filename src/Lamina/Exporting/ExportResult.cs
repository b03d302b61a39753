namespace Lamina.Exporting;

/// <summary>What an archive holds.</summary>
public sealed record ExportResult
{
    /// <summary>Entries, one for each name; the root has one too.</summary>
    public required long Entries { get; init; }

    /// <summary>The bytes that were written.</summary>
    public required long Bytes { get; init; }

    /// <summary>What the form of the archive has no place for: the archive lacks it.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}

/// <summary>How an archive is written.</summary>
public sealed record ExportOptions : WorkOptions
{
}
