using System.Text.Json;
using Lamina.Describing;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Cli;

/// <summary>What <c>lamina inspect</c> found, as JSON.</summary>
internal static class InspectJson
{
    public static void Write(TextWriter output, ImageInfo info)
    {
        using JsonOutput json = new(output);
        Utf8JsonWriter writer = json.Writer;
        writer.WriteStartObject();
        writer.WriteString("image", info.Name);
        writer.WriteNumber("length", info.Length);
        writer.WriteNumber("blockSize", info.BlockSize);
        writer.WriteNumber("blocks", info.Blocks);
        writer.WriteString("kernel", info.Kernel.ToString(2));
        writer.WriteString("uuid", info.Uuid.ToString());
        writer.WriteString("label", ShownText.Of(info.Label.Span));
        writer.WriteString("made", Texts.Time(info.BuildTime));
        writer.WriteNumber("inodes", info.InodeCount);
        writer.WriteNumber("rootNid", info.RootNid);
        writer.WriteNumber("packedNid", info.PackedNid);
        writer.WriteNumber("metadataStart", info.MetadataStart);
        if (!info.FingerprintName.IsEmpty)
            writer.WriteString("fingerprints", ShownText.Of(info.FingerprintName.Span));
        WriteFeatures(writer, info);
        WriteDevices(writer, info);
        WriteLayers(writer, info);
        writer.WriteStartObject("counts");
        writer.WriteNumber("directories", info.Counts.Directories);
        writer.WriteNumber("files", info.Counts.RegularFiles);
        writer.WriteNumber("symlinks", info.Counts.SymbolicLinks);
        writer.WriteNumber("others", info.Counts.Others);
        writer.WriteNumber("names", info.Counts.Names);
        writer.WriteNumber("bytes", info.Counts.Bytes);
        writer.WriteEndObject();
        writer.WriteStartObject("uses");
        foreach (ImageUse use in info.Uses)
            writer.WriteNumber(use.Use, use.Bytes);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteFeatures(Utf8JsonWriter writer, ImageInfo info)
    {
        writer.WriteStartArray("features");
        foreach (ImageFeature feature in info.Features)
        {
            writer.WriteStartObject();
            writer.WriteString("name", feature.Name);
            writer.WriteString("linux", feature.Linux);
            writer.WriteBoolean("required", feature.IsRequired);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteStartArray("codecs");
        foreach (ImageCodec codec in info.Codecs)
        {
            writer.WriteStartObject();
            writer.WriteString("name", codec.Name);
            writer.WriteString("linux", codec.Linux);
            writer.WriteString("limits", codec.Limits);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    private static void WriteDevices(Utf8JsonWriter writer, ImageInfo info)
    {
        writer.WriteStartArray("devices");
        foreach (ImageDevice device in info.Devices)
        {
            writer.WriteStartObject();
            writer.WriteString("tag", ShownText.Of(device.Tag.Span));
            writer.WriteNumber("length", device.Length);
            writer.WriteNumber("unifiedAddress", device.UnifiedAddress);
            writer.WriteString("path", device.Path);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    private static void WriteLayers(Utf8JsonWriter writer, ImageInfo info)
    {
        if (info.Originals is null)
            return;
        writer.WriteStartArray("layers");
        foreach (ImageOriginal original in info.Originals)
        {
            writer.WriteStartObject();
            writer.WriteNumber("layer", original.Layer);
            writer.WriteString("kind", Texts.Kind(original.Kind));
            writer.WriteString("name", ShownText.Of(original.Name.Span));
            writer.WriteNumber("length", original.Length);
            if (original.Start is { } start)
                writer.WriteNumber("start", start);
            if (!original.Digest.IsEmpty)
                writer.WriteString("sha256", Convert.ToHexStringLower(original.Digest.Span));
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteStartArray("formerLengths");
        foreach (long length in info.FormerLengths)
            writer.WriteNumberValue(length);
        writer.WriteEndArray();
    }
}
