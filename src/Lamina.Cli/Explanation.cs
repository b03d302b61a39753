using System.Text.Json;
using Lamina.Merging;
using Lamina.Tree;
using Spectre.Console;

namespace Lamina.Cli;

/// <summary>The account of a merge: of every name that several layers have, who won it and what is hidden.</summary>
internal sealed class Explanation(MergeAccount account, IReadOnlyList<string> layers)
{
    private readonly MergeEvent[] _events = [.. account.Events
        .OrderBy(what => what.Path.ToArray(), Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)))];

    public void Write(Session session)
    {
        if (_events.Length == 0)
        {
            session.Output.WriteLine("No name is in more than one layer.");
            return;
        }
        Table table = Tables.New("Path", "What happened", "By", "To", "Wasted");
        table.Columns[4].RightAligned();
        foreach (MergeEvent what in _events)
        {
            Style style = what.Outcome == MergeOutcome.Merged ? new Style(Color.Grey) : Style.Plain;
            table.AddRow(new Text(ShownText.Of(what.Path.Span), style), new Text(Describe(what.Outcome), style),
                new Text(layers[what.Winner], style),
                new Text(Texts.Names([.. what.Hidden.Select(layer => layers[layer])]), style),
                new Text(what.WastedBytes > 0 ? Texts.Size(what.WastedBytes) : "", style));
        }
        Tables.Write(session, table);
        session.Output.WriteLine($"{Texts.Count(_events.Length, "name")} in more than one layer; " +
            $"{Texts.Size(account.WastedBytes)} of file data hidden");
    }

    public void WriteJson(JsonOutput json)
    {
        Utf8JsonWriter writer = json.Writer;
        writer.WriteStartObject("explain");
        writer.WriteNumber("wastedBytes", account.WastedBytes);
        writer.WriteStartArray("names");
        foreach (MergeEvent what in _events)
        {
            writer.WriteStartObject();
            writer.WriteString("path", ShownText.Of(what.Path.Span));
            writer.WriteString("outcome", Describe(what.Outcome));
            writer.WriteNumber("winner", what.Winner);
            writer.WriteStartArray("hidden");
            foreach (int layer in what.Hidden)
                writer.WriteNumberValue(layer);
            writer.WriteEndArray();
            writer.WriteNumber("wastedBytes", what.WastedBytes);
            writer.WriteEndObject();
            json.Step();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static string Describe(MergeOutcome outcome) => outcome switch
    {
        MergeOutcome.Replaced => "replaced",
        MergeOutcome.Removed => "removed",
        MergeOutcome.Opaque => "hidden as a whole",
        MergeOutcome.Followed => "goes through a link",
        MergeOutcome.Linked => "names a file below",
        _ => "merged",
    };
}
