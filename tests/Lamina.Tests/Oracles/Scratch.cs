using System.Globalization;

namespace Lamina.Tests.Oracles;

/// <summary>A private folder of this test run, deleted when the process exits; also the place where mounts are made.</summary>
internal static class Scratch
{
    private static readonly Lazy<string> s_root = new(Create);
    private static readonly List<Action> s_endings = [];
    private static int s_count;

    /// <summary>A new empty folder.</summary>
    internal static string NewFolder(string label)
    {
        string number = Interlocked.Increment(ref s_count).ToString(CultureInfo.InvariantCulture);
        return Directory.CreateDirectory(Path.Combine(s_root.Value, $"{label}-{number}")).FullName;
    }

    /// <summary>A new path in a folder of its own; nothing is there yet.</summary>
    internal static string NewPath(string name) => Path.Combine(NewFolder("file"), name);

    /// <summary>Runs before the folder is deleted: a mount left behind must go first.</summary>
    internal static void AtExit(Action ending)
    {
        lock (s_endings)
            s_endings.Add(ending);
    }

    private static string Create()
    {
        string root = Directory.CreateTempSubdirectory("lamina-tests-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Delete(root);
        return root;
    }

    private static void Delete(string root)
    {
        lock (s_endings)
            s_endings.ForEach(ending => ending());
        try
        {
            Directory.Delete(root, recursive: true);
        }
        catch (IOException failure)
        {
            Console.Error.WriteLine($"{root} is left behind: {failure.Message}");
        }
    }
}
