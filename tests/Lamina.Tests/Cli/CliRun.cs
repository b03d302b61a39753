using System.Text.Json;
using Lamina.Cli;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Cli;

/// <summary>A run of the program within the test's process.</summary>
internal sealed record CliRun(int Code, string Output, string Error)
{
    /// <summary>Runs the program.</summary>
    internal static CliRun Of(params string[] arguments)
    {
        using StringWriter output = new() { NewLine = "\n" }, error = new() { NewLine = "\n" };
        int code = Program.Run(arguments, output, error);
        return new CliRun(code, output.ToString(), error.ToString());
    }

    /// <summary>The result itself, after making sure that all went well.</summary>
    internal CliRun MustSucceed(bool mayWarn = false)
    {
        Assert.True(Code == 0, $"exit code {Code}\n{Output}\n{Error}");
        Assert.DoesNotContain(Error.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line => !mayWarn || !line.StartsWith("lamina: warning: ", StringComparison.Ordinal));
        return this;
    }

    /// <summary>What was printed, as JSON.</summary>
    internal JsonElement Json(bool mayWarn = false)
    {
        MustSucceed(mayWarn);
        return JsonDocument.Parse(Output).RootElement.Clone();
    }

    /// <summary>A new folder with the layers of the demonstration: base.erofs, app.erofs, config.tar.</summary>
    internal static string NewFolderWithLayers()
    {
        string folder = Scratch.NewFolder("cli");
        DemoVerb.WriteLayers(folder);
        return folder;
    }

    /// <summary>Merges the demonstration's layers as an index; gives the index and its devices.</summary>
    internal static (string Index, string[] Devices) NewIndex()
    {
        string folder = NewFolderWithLayers();
        string[] devices = [.. new[] { "base.erofs", "app.erofs" }.Select(name => Path.Combine(folder, name))];
        string index = Path.Combine(folder, "index.erofs");
        Of(["merge", "--mode", "index", .. devices, "-o", index]).MustSucceed();
        return (index, devices);
    }
}
