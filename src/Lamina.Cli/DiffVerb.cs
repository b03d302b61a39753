using System.CommandLine;
using System.Text.Json;
using Lamina.Exporting;
using Lamina.Images;
using Lamina.Tree;

namespace Lamina.Cli;

/// <summary><c>lamina diff</c>: in what two trees differ.</summary>
internal sealed class DiffVerb : Verb
{
    private readonly Argument<string> _first =
        new("A") { Description = "Anything that can be a layer; an image with devices: IMAGE@DEVICE@DEVICE" };
    private readonly Argument<string> _second = new("B") { Description = "What to compare it with" };

    private readonly Option<string[]> _ignore = new Option<string[]>("--ignore")
    {
        HelpName = "KIND",
        Description = "What may differ: added, removed, type, mode, owner, time, xattrs, target, device, content, links. " +
            "Can be given " +
            "several times",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    }.AcceptOnlyFromAmong([.. Enum.GetValues<DifferenceKind>().Select(DifferenceReport.Word)]);

    private readonly Option<bool> _json = JsonOption();
    private readonly Option<string> _platform = OpeningArguments.PlatformOption();

    public DiffVerb(Session session) : base(session, "diff",
        "Shows in what two images or layers differ, by path: names, types, metadata, links and all data. Exit code 1 if " +
            "they differ.",
        "lamina diff old.erofs new.erofs",
        "lamina diff layer.tar layer.erofs --ignore time --ignore owner")
    {
        Add(_first);
        Add(_second);
        Add(_ignore);
        Add(_platform);
        Add(_json);
    }

    protected override int Run(ParseResult arguments)
    {
        string first = arguments.GetRequiredValue(_first), second = arguments.GetRequiredValue(_second);
        string[] ignored = arguments.GetValue(_ignore) ?? [];
        using ProgressLine progress = new(Session, "comparing");
        using Layer firstLayer = OpenedLayers.OpenOne(first, OpeningArguments.Looking(arguments, _platform));
        using Layer secondLayer = OpenedLayers.OpenOne(second, OpeningArguments.Looking(arguments, _platform));
        CompareResult result = TreeComparison.Compare(first, firstLayer.Root, second, secondLayer.Root, new CompareOptions
        {
            Ignored = Enum.GetValues<DifferenceKind>().Where(kind => ignored.Contains(DifferenceReport.Word(kind))).ToHashSet(),
            Progress = progress,
            Threads = Session.Threads,
            Cancellation = Session.Interrupts.Token,
        });
        progress.Complete();
        if (arguments.GetValue(_json))
            DifferenceReport.WriteJson(Output, result);
        else
            DifferenceReport.Write(Output, result, Session.IsQuiet);
        return result.AreSame ? ExitCodes.Done : ExitCodes.No;
    }
}

/// <summary>What a comparison found, as text and as JSON.</summary>
internal static class DifferenceReport
{
    /// <summary>The word for a kind of difference, in output and in arguments.</summary>
    public static string Word(DifferenceKind kind) => kind switch
    {
        DifferenceKind.Added => "added",
        DifferenceKind.Removed => "removed",
        DifferenceKind.Type => "type",
        DifferenceKind.Mode => "mode",
        DifferenceKind.Owner => "owner",
        DifferenceKind.Time => "time",
        DifferenceKind.Xattrs => "xattrs",
        DifferenceKind.Target => "target",
        DifferenceKind.Device => "device",
        DifferenceKind.Content => "content",
        _ => "links",
    };

    public static void Write(TextWriter output, CompareResult result, bool isQuiet = false)
    {
        foreach (Difference one in result.Differences)
        {
            string what = one.Kind switch
            {
                DifferenceKind.Added => one.Second,
                DifferenceKind.Removed => one.First,
                _ => $"{Side(one.First)} | {Side(one.Second)}",
            };
            string place = one.Offset is { } offset ? $" at byte {offset}" : "";
            output.WriteLine($"{Word(one.Kind),-8} {one.PathText}: {what}{place}");
        }
        if (isQuiet)
            return;
        string verdict = result.AreSame ? "no difference" : Texts.Count(result.Differences.Count, "difference");
        output.WriteLine($"{verdict}; {Texts.Count(result.Paths, "path")} in both, {Texts.Size(result.Bytes)} of data compared");
    }

    public static void WriteJson(TextWriter output, CompareResult result)
    {
        using JsonOutput json = new(output);
        json.Writer.WriteStartObject();
        WriteMembers(json, result);
        json.Writer.WriteEndObject();
    }

    /// <summary>What stands in the object that is begun.</summary>
    public static void WriteMembers(JsonOutput json, CompareResult result)
    {
        Utf8JsonWriter writer = json.Writer;
        writer.WriteBoolean("same", result.AreSame);
        writer.WriteNumber("paths", result.Paths);
        writer.WriteNumber("bytes", result.Bytes);
        writer.WriteStartArray("differences");
        foreach (Difference one in result.Differences)
        {
            writer.WriteStartObject();
            writer.WriteString("path", one.PathText);
            writer.WriteString("kind", Word(one.Kind));
            writer.WriteString("first", one.First);
            writer.WriteString("second", one.Second);
            if (one.Offset is { } offset)
                writer.WriteNumber("offset", offset);
            writer.WriteEndObject();
            json.Step();
        }
        writer.WriteEndArray();
    }

    private static string Side(string text) => text.Length == 0 ? "none" : text;
}
