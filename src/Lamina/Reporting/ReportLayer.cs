using Lamina.Tree;

namespace Lamina.Reporting;

/// <summary>What one layer is, and what it costs.</summary>
/// <param name="layer">The layer.</param>
internal sealed class ReportLayer(Layer layer)
{
    public string Name => layer.Name;

    /// <summary>What it is, in words.</summary>
    public string Kind { get; } = StoredData.KindOf(layer);

    /// <summary>How its data is compressed: names with commas between them; empty if it is not.</summary>
    public string Codec { get; set; } = "";

    /// <summary>The length of its files in bytes; of a directory, of the data in it.</summary>
    public long Length { get; set; } = StoredData.LengthOf(layer);

    /// <summary>Regular files, seen and hidden, each counted once.</summary>
    public long Files { get; set; }

    /// <summary>Data of files that are seen, in bytes, each file once.</summary>
    public long Visible { get; set; }

    /// <summary>Of these, data that no other file has; null if data were not compared.</summary>
    public long? Unique { get; set; }

    /// <summary>
    /// What further names and files over data that lies there already would take, if each had its own.
    /// </summary>
    public long Shared { get; set; }

    /// <summary>Data that upper layers hide, in bytes.</summary>
    public long Hidden => Replaced + Removed;

    /// <summary>Data of files that upper layers have anew.</summary>
    public long Replaced { get; set; }

    /// <summary>Data of files that upper layers delete.</summary>
    public long Removed { get; set; }

    /// <summary>By each upper layer: how much of this one it hides.</summary>
    public long[] HiddenBy { get; set; } = [];

    /// <summary>Bytes that all of its data takes, compressed or not.</summary>
    public long Stored { get; set; }

    /// <summary>Bytes that hidden data takes.</summary>
    public long HiddenStored { get; set; }
}
