using System.Text.Json;
using Lamina.Containers;
using Lamina.Platform;
using Spectre.Console;

namespace Lamina.Cli;

/// <summary>What a container image is, for people and for programs.</summary>
internal static class ContainerText
{
    public static void Write(Session session, ContainerImage image)
    {
        TextWriter output = session.Output;
        ImageConfig config = image.Config;
        output.WriteLine($"{image.Name}: a container image for {config.Platform}, {Texts.Count(image.Layers.Count, "layer")}" +
            (config.Created.Length > 0 ? $", created {Plain(config.Created)}" : ""));
        Line("user", config.User);
        Line("working directory", config.WorkingDirectory);
        Line("stop signal", config.StopSignal);
        Line("entrypoint", string.Join(' ', config.Entrypoint.Select(Word)));
        Line("command", string.Join(' ', config.Command.Select(Word)));
        Line("ports", string.Join(", ", config.Ports));
        Line("volumes", string.Join(", ", config.Volumes));
        foreach (string variable in config.Environment)
            Line("environment", variable);
        foreach ((string name, string value) in config.Labels)
            Line("label", $"{name}={value}");
        if (image.Layers.Count == 0)
            return;
        Table table = Tables.New("Layer", "DiffID", "Media type", "Size");
        table.Columns[3].RightAligned();
        for (int i = 0; i < image.Layers.Count; i++)
        {
            ImageLayer layer = image.Layers[i];
            table.AddRow(new Text($"{i + 1}"), new Text($"{layer.DiffId}"),
                new Text(Plain(layer.MediaType.Length > 0 ? layer.MediaType : layer.Path)),
                new Text(layer.Blob is { } blob ? Texts.Size(blob.Size) : ""));
        }
        output.WriteLine();
        Tables.Write(session, table);

        void Line(string what, string value)
        {
            if (value.Length > 0)
                output.WriteLine($"  {what} {Plain(value)}");
        }
    }

    public static void WriteJson(TextWriter output, ContainerImage image)
    {
        using JsonOutput json = new(output);
        Utf8JsonWriter writer = json.Writer;
        writer.WriteStartObject();
        writer.WriteString("image", image.Name);
        writer.WriteString("platform", image.Config.Platform.ToString());
        writer.WritePropertyName("config");
        using (JsonDocument config = JsonDocument.Parse(image.Config.Bytes))
            config.RootElement.WriteTo(writer);
        writer.WriteStartArray("layers");
        foreach (ImageLayer layer in image.Layers)
        {
            writer.WriteStartObject();
            writer.WriteString("diffId", layer.DiffId.ToString());
            if (layer.MediaType.Length > 0)
                writer.WriteString("mediaType", layer.MediaType);
            if (layer.Blob is { } blob)
            {
                writer.WriteString("digest", blob.Digest.ToString());
                writer.WriteNumber("size", blob.Size);
            }
            writer.WriteString("path", layer.Path);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>A word of a command; a path is quoted as a shell needs it, an option is no path.</summary>
    private static string Word(string word) => word.StartsWith('-') ? word : ShellText.Quote(word);

    /// <summary>A text of the image without what a terminal would take for commands.</summary>
    private static string Plain(string text) =>
        string.Concat(text.Select(letter => char.IsControl(letter) ? $"\\x{(int)letter:x2}" : $"{letter}"));
}
