using System.Text.Json;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Cli;

/// <summary>What became of page cache sharing in a merge, for people and for programs.</summary>
internal static class SharingText
{
    /// <summary>What a mount is to be told; any word will do for the domain.</summary>
    public const string MountOptions = "inode_share,domain_id=NAME";

    public static void Write(TextWriter output, PageSharing sharing)
    {
        if (sharing.Loss is { } loss)
        {
            output.WriteLine($"  page cache sharing is lost: {loss}");
            if (sharing.Advice is { } advice)
                output.WriteLine($"    {advice}");
            return;
        }
        output.WriteLine($"  pages are shared by {ShownText.Of(sharing.Attribute.Span)} where mounted with -o {MountOptions} " +
            "(Linux 7.0)");
        if (sharing.LayersWithout.Count > 0)
            output.WriteLine($"    but for files of {string.Join(", ", sharing.LayersWithout)}, which have no fingerprints");
    }

    public static void WriteJson(JsonOutput json, PageSharing sharing)
    {
        Utf8JsonWriter writer = json.Writer;
        writer.WriteStartObject("sharing");
        writer.WriteBoolean("kept", sharing.IsKept);
        if (!sharing.Attribute.IsEmpty)
            writer.WriteString("attribute", ShownText.Of(sharing.Attribute.Span));
        if (sharing.Loss is { } loss)
            writer.WriteString("loss", loss);
        json.WriteStrings("layersWithout", sharing.LayersWithout);
        writer.WriteEndObject();
    }
}
