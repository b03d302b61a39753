using System.Text.Json;
using Lamina.Reporting;
using Lamina.Tree;

namespace Lamina.Cli;

/// <summary>What layers cost, as JSON.</summary>
internal sealed class ReportJson(LayerReport report)
{
    /// <summary>The largest files that are named; all are in the page and in <c>lamina ls</c>.</summary>
    private const int LargestCount = 50;

    public void Write(TextWriter output)
    {
        using JsonOutput json = new(output);
        Utf8JsonWriter writer = json.Writer;
        writer.WriteStartObject();
        writer.WriteStartArray("layers");
        for (int i = 0; i < report.Layers.Length; i++)
            WriteLayer(writer, i, report.Layers[i]);
        writer.WriteEndArray();
        WriteTotal(writer, report);
        writer.WriteBoolean("complete", report.Copies is not null && report.Note is null);
        if (report.Note is { } note)
            writer.WriteString("note", note);
        WriteList(json, "largest", report.Files.Take(LargestCount), file =>
        {
            WriteFile(writer, file);
            writer.WriteNumber("size", file.Size);
            writer.WriteNumber("stored", file.Stored);
        });
        WriteList(json, "waste", report.Waste, item =>
        {
            writer.WriteString("path", ShownText.Of(item.Path));
            writer.WriteNumber("layer", item.Layer);
            writer.WriteString("outcome", item.IsRemoved ? "removed" : "replaced");
            writer.WriteNumber("by", item.By);
            writer.WriteNumber("files", item.Files);
            writer.WriteNumber("size", item.Bytes);
            writer.WriteNumber("stored", item.Stored);
        });
        if (report.Copies is { } copies)
        {
            WriteList(json, "copies", copies, item =>
            {
                writer.WriteNumber("size", item.Size);
                writer.WriteNumber("saving", item.Stored);
                WriteList(json, "files", item.Files, file => WriteFile(writer, file));
            });
        }
        WriteList(json, "marks", report.Marks, mark =>
        {
            writer.WriteString("path", ShownText.Of(mark.Path));
            writer.WriteNumber("layer", mark.Layer);
            writer.WriteString("kind", mark.IsOpaque ? "opaque" : "whiteout");
            writer.WriteNumber("hidden", mark.Bytes);
        });
        WriteList(json, "privileged", report.Privileged, file =>
        {
            WriteFile(writer, file);
            writer.WriteString("mode", Texts.Octal(file.Node));
            writer.WriteNumber("uid", file.Node.UserId);
            writer.WriteNumber("gid", file.Node.GroupId);
            if (CapabilityText.Of(file.Node) is { } capabilities)
                writer.WriteString("capabilities", capabilities);
        });
        WriteList(json, "modules", report.Modules, group =>
        {
            writer.WriteString("folder", group.Name);
            writer.WriteNumber("count", group.Count);
            writer.WriteNumber("size", group.Bytes);
            writer.WriteNumber("stored", group.Stored);
        });
        writer.WriteEndObject();
    }

    /// <summary>The sums of all layers.</summary>
    public static void WriteTotal(Utf8JsonWriter writer, LayerReport report)
    {
        writer.WriteStartObject("total");
        writer.WriteNumber("names", report.Names);
        writer.WriteNumber("directories", report.Directories);
        writer.WriteNumber("files", report.Files.Length);
        writer.WriteNumber("length", report.Length);
        writer.WriteNumber("stored", report.Stored);
        writer.WriteNumber("visible", report.Visible);
        writer.WriteNumber("hidden", report.Hidden);
        if (report.Copies is null)
            writer.WriteNull("copies");
        else
            writer.WriteNumber("copies", report.CopiedBytes);
        writer.WriteNumber("saving", report.Saving);
        writer.WriteEndObject();
    }

    /// <summary>The numbers of one layer.</summary>
    public static void WriteLayer(Utf8JsonWriter writer, int index, ReportLayer layer)
    {
        writer.WriteStartObject();
        writer.WriteNumber("layer", index);
        writer.WriteString("name", layer.Name);
        writer.WriteString("label", ReportText.LabelOf(layer.Name));
        writer.WriteString("kind", layer.Kind);
        writer.WriteString("codec", layer.Codec);
        writer.WriteNumber("length", layer.Length);
        writer.WriteNumber("files", layer.Files);
        writer.WriteNumber("visible", layer.Visible);
        if (layer.Unique is { } unique)
            writer.WriteNumber("unique", unique);
        writer.WriteNumber("shared", layer.Shared);
        writer.WriteNumber("hidden", layer.Hidden);
        writer.WriteNumber("replaced", layer.Replaced);
        writer.WriteNumber("removed", layer.Removed);
        writer.WriteStartArray("hiddenBy");
        foreach (long bytes in layer.HiddenBy)
            writer.WriteNumberValue(bytes);
        writer.WriteEndArray();
        writer.WriteNumber("stored", layer.Stored);
        writer.WriteNumber("hiddenStored", layer.HiddenStored);
        writer.WriteEndObject();
    }

    private static void WriteFile(Utf8JsonWriter writer, ReportFile file)
    {
        writer.WriteString("path", ShownText.Of(file.Path));
        writer.WriteNumber("layer", file.Layer);
    }

    private static void WriteList<T>(JsonOutput json, string name, IEnumerable<T> items, Action<T> write) where T : class
    {
        json.Writer.WriteStartArray(name);
        foreach (T item in items)
        {
            json.Writer.WriteStartObject();
            write(item);
            json.Writer.WriteEndObject();
            json.Step();
        }
        json.Writer.WriteEndArray();
    }
}
