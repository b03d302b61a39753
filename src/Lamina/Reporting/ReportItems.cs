using Lamina.Tree;

namespace Lamina.Reporting;

/// <summary>Data of a layer that nobody sees any more: of a file, or of all files of a directory.</summary>
/// <param name="Path">The path from the root, as bytes.</param>
/// <param name="Layer">The layer that it is in.</param>
/// <param name="By">The layer that hides it.</param>
/// <param name="IsRemoved">Whether it is deleted there; if not, something else is in its place.</param>
/// <param name="Files">How many files it is.</param>
/// <param name="Bytes">Their data, in bytes.</param>
/// <param name="Stored">What that takes.</param>
internal sealed record WasteItem(byte[] Path, int Layer, int By, bool IsRemoved, long Files, long Bytes, long Stored);

/// <summary>A mark that hides what is below.</summary>
/// <param name="Path">The path from the root, as bytes.</param>
/// <param name="Layer">The layer that has it.</param>
/// <param name="IsOpaque">Whether it is a directory that hides all below; if not, it removes one name.</param>
/// <param name="Bytes">How much data it hides; 0 if nothing is there.</param>
internal sealed record MarkItem(byte[] Path, int Layer, bool IsOpaque, long Bytes);

/// <summary>Files with the same data, each of which takes room for it.</summary>
/// <param name="Files">The files, by path.</param>
/// <param name="Stored">What all but the one that takes the most take: what storing the data once saves.</param>
internal sealed record CopiesItem(ReportFile[] Files, long Stored)
{
    /// <summary>Bytes of one of them.</summary>
    public long Size => Files[0].Size;

    /// <summary>Bytes of all but one.</summary>
    public long Bytes => ByteCounts.Multiply(Size, Files.Length - 1);
}

/// <summary>Kernel modules of one folder.</summary>
/// <param name="Name">Which: <c>drivers/net</c>.</param>
internal sealed record ModuleGroup(string Name)
{
    public int Count { get; set; }

    public long Bytes { get; set; }

    public long Stored { get; set; }
}

/// <summary>What layers cost: all that a report says.</summary>
internal sealed class LayerReport
{
    public required ReportLayer[] Layers { get; init; }

    /// <summary>The merged tree.</summary>
    public required ReportFile Root { get; init; }

    /// <summary>What is hidden, the most bytes first.</summary>
    public required WasteItem[] Waste { get; init; }

    public required MarkItem[] Marks { get; init; }

    /// <summary>Files with the same data, those first that cost the most; null if data were not compared.</summary>
    public CopiesItem[]? Copies { get; set; }

    /// <summary>Programs that run with rights of their own: set-user-id, set-group-id, capabilities; by path.</summary>
    public required ReportFile[] Privileged { get; init; }

    /// <summary>Kernel modules by folder, the most bytes first.</summary>
    public required ModuleGroup[] Modules { get; init; }

    /// <summary>Regular files of the merged tree, each once, the largest first.</summary>
    public required ReportFile[] Files { get; init; }

    public required long Directories { get; init; }

    /// <summary>All names of the merged tree but the root's.</summary>
    public required long Names { get; init; }

    /// <summary>What is to be told besides.</summary>
    public string? Note { get; set; }

    public long Visible => Sum(layer => layer.Visible);

    public long Hidden => Sum(layer => layer.Hidden);

    public long Stored => Sum(layer => layer.Stored);

    public long Length => Sum(layer => layer.Length);

    public long CopiedBytes => Copies is null ? 0 : ByteCounts.Sum(Copies.Select(copies => copies.Bytes));

    /// <summary>What data would take less if the tree were built anew: nothing hidden, equal files once.</summary>
    public long Saving => ByteCounts.Add(Sum(layer => layer.HiddenStored),
        Copies is null ? 0 : ByteCounts.Sum(Copies.Select(copies => copies.Stored)));

    private long Sum(Func<ReportLayer, long> number) => ByteCounts.Sum(Layers.Select(number));
}
