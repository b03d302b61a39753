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
        json.Writer.WriteStartObject();
        Write(json.Writer, int.MaxValue, json.Step);
        json.Writer.WriteEndObject();
    }

    /// <summary>Writes the properties of the report into an object.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="most">The most items of a list.</param>
    /// <param name="step">Called after each item.</param>
    public void Write(Utf8JsonWriter writer, int most, Action step)
    {
        WriteList(writer, "layers", report.Layers, most, step, layer => WriteLayer(writer, layer));
        writer.WriteStartObject("total");
        writer.WriteNumber("names", report.Names);
        writer.WriteNumber("directories", report.Directories);
        writer.WriteNumber("files", report.Files.Length);
        writer.WriteNumber("length", report.Length);
        writer.WriteNumber("stored", report.Stored);
        writer.WriteNumber("visible", report.Visible);
        writer.WriteNumber("hidden", report.Hidden);
        if (report.Copies is not null)
            writer.WriteNumber("copies", report.CopiedBytes);
        writer.WriteNumber("saving", report.Saving);
        writer.WriteEndObject();
        writer.WriteBoolean("complete", report.Copies is not null && report.Note is null);
        if (report.Note is { } note)
            writer.WriteString("note", note);
        WriteList(writer, "largest", report.Files, Math.Min(most, LargestCount), step, file =>
        {
            WriteFile(writer, file);
            writer.WriteNumber("size", file.Size);
            writer.WriteNumber("stored", file.Stored);
        });
        WriteList(writer, "waste", report.Waste, most, step, item =>
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
            WriteList(writer, "copies", copies, most, step, item =>
            {
                writer.WriteNumber("size", item.Size);
                writer.WriteNumber("saving", item.Stored);
                WriteList(writer, "files", item.Files, most, step, file => WriteFile(writer, file));
            });
        }
        WriteList(writer, "marks", report.Marks, most, step, mark =>
        {
            writer.WriteString("path", ShownText.Of(mark.Path));
            writer.WriteNumber("layer", mark.Layer);
            writer.WriteString("kind", mark.IsOpaque ? "opaque" : "whiteout");
            writer.WriteNumber("hidden", mark.Bytes);
        });
        WriteList(writer, "privileged", report.Privileged, most, step, file =>
        {
            WriteFile(writer, file);
            writer.WriteString("mode", Texts.Octal(file.Node));
            writer.WriteNumber("uid", file.Node.UserId);
            writer.WriteNumber("gid", file.Node.GroupId);
            if (CapabilityText.Of(file.Node) is { } capabilities)
                writer.WriteString("capabilities", capabilities);
        });
        WriteList(writer, "modules", report.Modules, most, step, group =>
        {
            writer.WriteString("folder", group.Name);
            writer.WriteNumber("count", group.Count);
            writer.WriteNumber("size", group.Bytes);
            writer.WriteNumber("stored", group.Stored);
        });
    }

    private void WriteLayer(Utf8JsonWriter writer, ReportLayer layer)
    {
        writer.WriteNumber("layer", Array.IndexOf(report.Layers, layer));
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
    }

    private static void WriteFile(Utf8JsonWriter writer, ReportFile file)
    {
        writer.WriteString("path", ShownText.Of(file.Path));
        writer.WriteNumber("layer", file.Layer);
    }

    private static void WriteList<T>(
        Utf8JsonWriter writer, string name, T[] items, int most, Action step, Action<T> write) where T : class
    {
        writer.WriteStartArray(name);
        foreach (T item in items.AsSpan(0, Math.Min(items.Length, most)))
        {
            writer.WriteStartObject();
            write(item);
            writer.WriteEndObject();
            step();
        }
        writer.WriteEndArray();
    }
}
