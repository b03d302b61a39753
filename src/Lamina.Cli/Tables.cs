using Spectre.Console;

namespace Lamina.Cli;

/// <summary>Tables, as all verbs draw them. Colours and line breaks are for terminals alone.</summary>
internal static class Tables
{
    public static Table New(params string[] columns)
    {
        Table table = new() { Border = TableBorder.Simple };
        foreach (string column in columns)
            table.AddColumn(new TableColumn(new Text(column, new Style(decoration: Decoration.Bold))).NoWrap());
        return table;
    }

    public static void Write(Session session, Table table)
    {
        using StringWriter text = new() { NewLine = "\n" };
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = session.UsesColour ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = session.UsesColour ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(text),
        });
        console.Profile.Width = session.Width;
        console.Profile.Capabilities.Unicode = true;
        console.Write(table);
        foreach (string line in text.ToString().Split('\n'))
        {
            if (line.Trim().Length > 0)
                session.Output.WriteLine(line.TrimEnd());
        }
    }
}
