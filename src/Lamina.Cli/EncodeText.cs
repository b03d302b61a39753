using System.Text.Json;
using Lamina.Building;
using Lamina.Tree;
using Spectre.Console;

namespace Lamina.Cli;

/// <summary>What encoding came to, for people and for programs.</summary>
internal static class EncodeText
{
    /// <summary>Writes a table: a row for each way of encoding.</summary>
    public static void Write(Session session, EncodeSummary summary)
    {
        Table table = Tables.New("encoded as", "data", "takes", "of it");
        foreach ((ClusterEncoding way, long data, long encoded) in summary.Ways)
            AddRow(table, NameOf(way), data, encoded);
        if (summary.Shared > 0)
            AddRow(table, "equal files, stored once", summary.Shared, 0);
        AddRow(table, "all", summary.Files, summary.Stored);
        Tables.Write(session, table);
        if (summary.Fragments > 0)
        {
            session.Output.WriteLine($"  {Texts.Size(summary.Fragments)} of the data share clusters with other files, " +
                "in the packed file");
        }
    }

    /// <summary>Writes the same as a JSON object.</summary>
    public static void WriteJson(Utf8JsonWriter writer, EncodeSummary summary)
    {
        writer.WriteStartObject("encoding");
        writer.WriteNumber("data", summary.Files);
        writer.WriteNumber("stored", summary.Stored);
        writer.WriteNumber("shared", summary.Shared);
        writer.WriteNumber("fragments", summary.Fragments);
        writer.WriteStartArray("ways");
        foreach ((ClusterEncoding way, long data, long encoded) in summary.Ways)
        {
            writer.WriteStartObject();
            writer.WriteString("encoding", NameOf(way));
            writer.WriteNumber("data", data);
            writer.WriteNumber("stored", encoded);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void AddRow(Table table, string name, long data, long encoded) => table.AddRow(new Text(name),
        new Text(Texts.Size(data)), new Text(Texts.Size(encoded)),
        new Text(data == 0 ? "" : FormattableString.Invariant($"{100.0 * encoded / data:0} %")));

    private static string NameOf(ClusterEncoding way) => way switch
    {
        ClusterEncoding.Lz4 => "lz4",
        ClusterEncoding.Lzma => "lzma",
        ClusterEncoding.Deflate => "deflate",
        ClusterEncoding.Zstd => "zstd",
        _ => "plain",
    };
}
