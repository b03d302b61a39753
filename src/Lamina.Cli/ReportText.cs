using Lamina.Reporting;
using Lamina.Tree;

namespace Lamina.Cli;

/// <summary>What layers cost, on a screen: a bar for each layer, and what is largest.</summary>
internal sealed class ReportText(LayerReport report, IReadOnlyList<string> sources)
{
    /// <summary>Columns where nobody looks at a terminal.</summary>
    private const int UsualWidth = 100;

    private const int ItemCount = 10, LeastBar = 10, MaxLabel = 28;

    /// <summary>The colours of layers on a terminal, by SGR number: they differ in brightness for those who see few.</summary>
    private static readonly int[] s_colours = [36, 33, 35, 32, 34, 31];

    /// <summary>What a report is about, in a line.</summary>
    public static string Headline(LayerReport report) =>
        $"{Texts.Size(ByteCounts.Add(report.Visible, report.Hidden))} in {Texts.Count(report.Layers.Length, "layer")}; " +
        $"{Texts.Size(report.Hidden)} hidden; a rebuild saves {Texts.Size(report.Saving)}";

    public void Write(Session session)
    {
        int width = Math.Min(session.Width == Session.UnlimitedWidth ? UsualWidth : session.Width, 160);
        TextWriter output = session.Output;
        output.WriteLine($"{string.Join(", ", sources)}: {Headline(report)}");
        output.WriteLine($"  {Texts.Count(report.Files.Length, "file")} of {Texts.Size(report.Visible)}, " +
            $"{Texts.Count(report.Directories, "directory", "directories")}, {Texts.Count(report.Names, "name")}; " +
            $"data takes {Texts.Size(report.Stored)}");
        if (report.Note is { } note)
            output.WriteLine($"  {note}");
        output.WriteLine();
        WriteLayers(session, width);
        WriteItems(output, "Most is hidden of:", report.Waste, item => item.Bytes, item =>
            $"{ShownText.Of(item.Path)}{(item.Files > 1 ? $" ({Texts.Count(item.Files, "file")})" : "")}: " +
            $"of {NameOf(item.Layer)}, {(item.IsRemoved ? "removed" : "replaced")} by {NameOf(item.By)}", width);
        WriteItems(output, "There more than once, with the same data:", report.Copies ?? [], item => item.Bytes, item =>
            $"{ShownText.Of(item.Files[0].Path)} and {(item.Files.Length == 2 ? ShownText.Of(item.Files[1].Path)
            : $"{item.Files.Length - 1} more")}", width);
        WriteItems(output, "Largest files:", report.Files, file => file.Size, file =>
            $"{ShownText.Of(file.Path)}{(report.Layers.Length > 1 ? $": of {NameOf(file.Layer)}" : "")}", width);
        WriteItems(output, "Kernel modules:", report.Modules, group => group.Bytes, group =>
            $"{group.Name} ({Texts.Number(group.Count)})", width);
        if (report.Marks.Length > 0 || report.Privileged.Length > 0)
        {
            output.WriteLine();
            output.WriteLine($"{Texts.Count(report.Marks.Length, "whiteout or opaque mark", "whiteouts and opaque marks")}; " +
                $"{Texts.Count(report.Privileged.Length, "file")} with set-id bits or capabilities");
        }
    }

    private string NameOf(int layer) => LabelOf(report.Layers[layer].Name);

    /// <summary>A layer's name, short: without folders, and of a digest the first digits.</summary>
    public static string LabelOf(string name)
    {
        string last = Path.GetFileName(name.TrimEnd('/'));
        return NameText.Shown(last.Length == 0 ? name : last.Length > MaxLabel ? $"{last[..(MaxLabel - 3)]}..." : last);
    }

    private void WriteLayers(Session session, int width)
    {
        TextWriter output = session.Output;
        const int numbers = 11;
        int nameWidth = Math.Clamp(Enumerable.Range(0, report.Layers.Length).Max(i => NameOf(i).Length), 5, MaxLabel);
        int barWidth = Math.Max(width - nameWidth - 4 * numbers - 6, LeastBar);
        long most = Math.Max(report.Layers.Max(layer => ByteCounts.Add(layer.Visible, layer.Hidden)), 1);
        output.WriteLine($"  {"Layer".PadRight(nameWidth + barWidth + 4)}{"seen",numbers}{"hidden",numbers}{"stored",numbers}" +
            $"{"ratio",numbers}");
        for (int i = report.Layers.Length - 1; i >= 0; i--)
        {
            ReportLayer layer = report.Layers[i];
            int seen = (int)((double)layer.Visible / most * barWidth), hidden = (int)((double)layer.Hidden / most * barWidth);
            seen = seen == 0 && layer.Visible > 0 ? 1 : seen;
            hidden = hidden == 0 && layer.Hidden > 0 && seen < barWidth ? 1 : hidden;
            string bar = new string('\u2588', seen) + new string('\u2591', hidden);
            string shown = session.UsesColour ? $"\e[{s_colours[i % s_colours.Length]}m{bar}\e[0m" : bar;
            long bytes = ByteCounts.Add(layer.Visible, layer.Hidden);
            string ratio = layer.Stored > 0 ? FormattableString.Invariant($"{(double)bytes / layer.Stored:0.0}") : "";
            output.WriteLine($"  {NameOf(i).PadRight(nameWidth)}  {shown}{new string(' ', barWidth - bar.Length + 2)}" +
                $"{Texts.Size(layer.Visible),numbers}{Texts.Size(layer.Hidden),numbers}{Texts.Size(layer.Stored),numbers}" +
                $"{ratio,numbers}");
        }
    }

    private static void WriteItems<T>(
        TextWriter output, string title, T[] items, Func<T, long> size, Func<T, string> describe, int width) where T : class
    {
        if (items.Length == 0)
            return;
        output.WriteLine();
        output.WriteLine(title);
        int room = width - 14;
        foreach (T item in items.AsSpan(0, Math.Min(items.Length, ItemCount)))
        {
            string text = describe(item);
            string end = text.Length <= room ? text : string.Concat("...", text.AsSpan(text.Length - room + 3));
            output.WriteLine($"  {Texts.Size(size(item)),8}  {end}");
        }
    }
}
