using Lamina.Tree;

namespace Lamina.Reporting;

/// <summary>Data of a layer that nobody sees any more: of a file, or of all files of a directory.</summary>
/// <param name="path">The path from the root, as bytes.</param>
/// <param name="layer">The layer that it is in.</param>
/// <param name="by">The layer that hides it.</param>
/// <param name="isRemoved">Whether it is deleted there; if not, something else is in its place.</param>
internal sealed class WasteItem(byte[] path, int layer, int by, bool isRemoved)
{
    public byte[] Path => path;

    public int Layer => layer;

    public int By => by;

    public bool IsRemoved => isRemoved;

    /// <summary>How many files it is.</summary>
    public long Files { get; set; }

    /// <summary>Their data, in bytes.</summary>
    public long Bytes { get; set; }

    /// <summary>What that takes.</summary>
    public long Stored { get; set; }
}

/// <summary>A mark that hides what is below.</summary>
/// <param name="path">The path from the root, as bytes.</param>
/// <param name="layer">The layer that has it.</param>
/// <param name="isOpaque">Whether it is a directory that hides all below; if not, it removes one name.</param>
internal sealed class MarkItem(byte[] path, int layer, bool isOpaque)
{
    public byte[] Path => path;

    public int Layer => layer;

    public bool IsOpaque => isOpaque;

    /// <summary>How much data it hides; 0 if nothing is there.</summary>
    public long Bytes { get; set; }
}

/// <summary>Files with the same data, each of which takes room for it.</summary>
/// <param name="files">The files, by path.</param>
/// <param name="stored">What all but the one that takes the most take: what storing the data once saves.</param>
internal sealed class CopiesItem(ReportFile[] files, long stored)
{
    public ReportFile[] Files => files;

    public long Stored => stored;

    /// <summary>Bytes of one of them.</summary>
    public long Size => files[0].Size;

    /// <summary>Bytes of all but one.</summary>
    public long Bytes => ByteCounts.Multiply(Size, files.Length - 1);
}

/// <summary>Kernel modules of one folder.</summary>
/// <param name="name">Which: <c>drivers/net</c>.</param>
internal sealed class ModuleGroup(string name)
{
    public string Name => name;

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
