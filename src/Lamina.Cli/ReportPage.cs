using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Lamina.Compression;
using Lamina.Reporting;

namespace Lamina.Cli;

/// <summary>
/// What layers cost, as a page that needs no other file. Its own policy allows its own script and style by their digests and
/// nothing else, and all that comes from layers is data: characters of base64, which end no element.
/// </summary>
internal static class ReportPage
{
    /// <summary>The page, its style and its script: Page/*, put together and compressed by the build.</summary>
    private const string Resource = "report.page";

    public static void Write(Stream output, LayerReport report, string title)
    {
        string version = typeof(ReportPage).Assembly.GetName().Version!.ToString(3);
        string[] parts = ReadParts();
        (string html, string style, string script) = (parts[0], parts[1], parts[2]);
        string page = html.Replace("{style-hash}", HashOf(style)).Replace("{script-hash}", HashOf(script));
        Put("{style}", style);
        Put("{data}", Convert.ToBase64String(PageData.Encode(report, title, version)));
        Put("{script}", script);
        output.Write(Encoding.UTF8.GetBytes(page));

        void Put(string mark, string value)
        {
            int at = page.IndexOf(mark, StringComparison.Ordinal);
            output.Write(Encoding.UTF8.GetBytes(page[..at]));
            output.Write(Encoding.UTF8.GetBytes(value));
            page = page[(at + mark.Length)..];
        }
    }

    private static string HashOf(string text) =>
        $"sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";

    private static string[] ReadParts()
    {
        using Stream stream = typeof(ReportPage).Assembly.GetManifestResourceStream(Resource)!;
        byte[] packed = new byte[stream.Length];
        stream.ReadExactly(packed);
        byte[] bytes = new byte[BinaryPrimitives.ReadInt32LittleEndian(packed)];
        if (!new Inflater().Decode(packed.AsSpan(sizeof(int)), bytes, isPartial: false))
            throw new InvalidOperationException("the page in the program is damaged");
        return Encoding.UTF8.GetString(bytes).Split('\0');
    }
}
