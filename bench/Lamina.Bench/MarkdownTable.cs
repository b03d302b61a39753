using System.Globalization;

namespace Lamina.Bench;

/// <summary>Prints a Markdown table line by line, so that a long run shows what it has.</summary>
internal sealed class MarkdownTable
{
    public MarkdownTable(string title, params string[] columns)
    {
        Console.WriteLine($"\n### {title}\n");
        Row(columns);
        Row([.. columns.Select(_ => "---")]);
    }

    public void Row(params string[] cells) => Console.WriteLine($"| {string.Join(" | ", cells)} |");

    public static string Seconds(double value) => value.ToString(value < 1 ? "0.000" : "0.00", CultureInfo.InvariantCulture);

    public static string Megabytes(double value) => value.ToString(value < 10 ? "0.0" : "0", CultureInfo.InvariantCulture);

    /// <summary>How many times less than the reference.</summary>
    public static string Times(double reference, double value) =>
        value <= 0 ? "" : (reference / value).ToString("0.0", CultureInfo.InvariantCulture) + "x";

    /// <summary>How much of the reference.</summary>
    public static string Percent(double reference, double value) =>
        reference <= 0 ? "" : (100 * value / reference).ToString("0", CultureInfo.InvariantCulture) + "%";
}
