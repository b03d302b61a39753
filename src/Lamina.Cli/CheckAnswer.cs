using System.Text.Json;
using Lamina.Checking;
using Lamina.Exporting;
using Lamina.Images;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Cli;

/// <summary>What a check came to, for people and for programs.</summary>
/// <param name="Image">The image, as it was named.</param>
/// <param name="Report">What was found in the image itself.</param>
internal sealed record CheckAnswer(string Image, CheckReport Report)
{
    /// <summary>How it differs from the merge of its layers; null if that was not asked, or the image is not sound.</summary>
    public CompareResult? Comparison { get; init; }

    /// <summary>What a root hash says of the image and its devices; null if none was given.</summary>
    public TrustReport? Trust { get; init; }

    /// <summary>Whether all is well.</summary>
    public bool IsYes => Report.IsSound && (Comparison?.AreSame ?? true) && (Trust?.IsSound ?? true);

    public void Write(TextWriter output, IReadOnlyList<string>? layers)
    {
        if (Trust is { IsSound: false })
        {
            foreach (string fault in TrustCheck.FaultsOf(Image, Trust))
                output.WriteLine($"fault: {fault}");
            output.WriteLine($"{Image} is not what the root hash says, with all that it refers to; nothing else was looked at");
            return;
        }
        foreach (ImageFault fault in Report.Faults)
            output.WriteLine($"{Word(fault.Severity)}: {fault}");
        string digests = Report.DigestCount == 0 ? ""
            : $"; {Texts.Count(Report.DigestCount, "layer")} as recorded";
        if (!Report.FingerprintName.IsEmpty)
        {
            digests += $"; pages are shared by {ShownText.Of(Report.FingerprintName.Span)}, " +
                $"{Texts.Count(Report.FingerprintCount, "fingerprint")} right";
        }
        output.WriteLine($"{Image}: {Verdict()}; {Texts.Count(Report.FileCount, "inode")}, " +
            $"{Texts.Count(Report.DirectoryCount, "directory", "directories")}, " +
            $"{Texts.Size(Report.ByteCount)} of data read{digests}");
        if (Trust is not null)
            output.WriteLine($"{Image} is what the root hash says, with all that it refers to");
        if (Comparison is not null)
        {
            DifferenceReport.Write(output, Comparison);
            output.WriteLine($"{Image} is {(Comparison.AreSame ? "" : "not ")}the merge of {Texts.Names(layers!)}");
        }
        else if (layers is not null)
        {
            output.WriteLine("It was not compared with the layers, as it is not sound");
        }
    }

    public void WriteJson(TextWriter output)
    {
        using JsonOutput json = new(output);
        Utf8JsonWriter writer = json.Writer;
        writer.WriteStartObject();
        writer.WriteString("image", Image);
        writer.WriteBoolean("sound", Report.IsSound && Trust is not { IsSound: false });
        writer.WriteBoolean("complete", Report.IsComplete);
        writer.WriteNumber("inodes", Report.FileCount);
        writer.WriteNumber("directories", Report.DirectoryCount);
        writer.WriteNumber("bytes", Report.ByteCount);
        writer.WriteNumber("digests", Report.DigestCount);
        if (!Report.FingerprintName.IsEmpty)
        {
            writer.WriteString("fingerprintName", ShownText.Of(Report.FingerprintName.Span));
            writer.WriteNumber("fingerprints", Report.FingerprintCount);
        }
        writer.WriteStartArray("faults");
        foreach (ImageFault fault in Report.Faults)
        {
            Write(writer, fault);
            json.Step();
        }
        writer.WriteEndArray();
        if (Trust is not null)
        {
            writer.WriteStartObject("rootHash");
            writer.WriteBoolean("sound", Trust.IsSound);
            json.WriteStrings("faults", TrustCheck.FaultsOf(Image, Trust));
            writer.WriteEndObject();
        }
        if (Comparison is not null)
        {
            writer.WriteStartObject("against");
            DifferenceReport.WriteMembers(json, Comparison);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, ImageFault fault)
    {
        writer.WriteStartObject();
        writer.WriteString("severity", Word(fault.Severity));
        if (fault.Inode is { } inode)
            writer.WriteNumber("inode", inode);
        if (fault.Path is { } path)
            writer.WriteString("path", ShownText.Of(path.Span));
        if (fault.Offset is { } offset)
            writer.WriteNumber("offset", offset);
        writer.WriteString("message", fault.Message);
        writer.WriteEndObject();
    }

    private string Verdict()
    {
        int warnings = Report.Faults.Count(fault => fault.Severity == FaultSeverity.Warning);
        int faults = Report.Faults.Count - warnings;
        string more = Report.IsComplete ? "" : ", and more that are not shown";
        return $"{(faults == 0 ? "no fault" : Texts.Count(faults, "fault"))}" +
            $"{(warnings == 0 ? "" : $", {Texts.Count(warnings, "warning")}")}{more}";
    }

    private static string Word(FaultSeverity severity) => severity == FaultSeverity.Warning ? "warning" : "fault";
}
