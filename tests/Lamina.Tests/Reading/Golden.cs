namespace Lamina.Tests.Reading;

/// <summary>
/// Texts that are kept beside the tests. What differs is a failed test; with LAMINA_UPDATE_GOLDEN=1 in the environment the files
/// are written anew instead, to be looked at before they are committed.
/// </summary>
internal static class Golden
{
    private const string UpdateVariable = "LAMINA_UPDATE_GOLDEN";

    /// <summary>Compares a text with the file of that name, relative to the test project.</summary>
    public static void AssertEqual(string file, string text)
    {
        string path = Path.Combine(FindTests(), file);
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
            return;
        }
        string expected = File.Exists(path) ? File.ReadAllText(path) : "";
        if (expected == text)
            return;
        string[] before = expected.Split('\n'), after = text.Split('\n');
        List<string> changes =
            [.. before.Except(after).Select(line => $"- {line}"), .. after.Except(before).Select(line => $"+ {line}")];
        Assert.Fail($"{file} differs; {UpdateVariable}=1 writes it anew\n{string.Join('\n', changes.Take(60))}");
    }

    private static string FindTests()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Lamina.slnx")))
                return Path.Combine(folder.FullName, "tests", "Lamina.Tests");
        }
        throw new DirectoryNotFoundException("these tests need the sources they were built from");
    }
}
