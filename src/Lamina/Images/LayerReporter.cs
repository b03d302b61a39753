using Lamina.Layers;
using Lamina.Reporting;
using Lamina.Tree;

namespace Lamina.Images;

/// <summary>From names to what the layers they stand for cost.</summary>
internal static class LayerReporter
{
    /// <summary>
    /// Opens layers, lowest first, and looks at them; of an image that Lamina made, at the layers it was made of.
    /// </summary>
    /// <param name="specifications">What names them.</param>
    /// <param name="options">How to open them.</param>
    /// <param name="comparesData">Whether files of the same size are compared.</param>
    /// <param name="userXattr">Whether marks of images are those of unprivileged overlays.</param>
    /// <param name="use">What becomes of it while the layers are open.</param>
    public static void Report(IReadOnlyList<string> specifications, LayerOptions options, bool comparesData, bool userXattr,
        Action<LayerReport, OpenedLayers> use)
    {
        using OpenedLayers opened = OpenedLayers.Open(specifications, options);
        bool isIncomplete = false;
        Layer[]? recorded = opened.All.Count == 1 ? RecordedLayers.Open(opened.All[0], options, userXattr, out isIncomplete)
            : null;
        LayerReport report = ReportBuilder.Build(recorded ?? opened.All, comparesData, userXattr, options.Work);
        if (isIncomplete)
            report.Note = "Not all layers that it was made of are in the image or beside it, so it is shown as one.";
        use(report, opened);
    }
}
