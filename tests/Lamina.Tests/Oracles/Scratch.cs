using System.Globalization;

[assembly: AssemblyFixture(typeof(Lamina.Tests.Oracles.ScratchLife))]

namespace Lamina.Tests.Oracles;

/// <summary>
/// Ends the scratch folder after the last test. Left to the end of the process, seconds of deleting look to the test runner like
/// threads that do not end, and after ten of them it calls the run failed.
/// </summary>
public sealed class ScratchLife : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Scratch.Delete();
}

/// <summary>A private folder of this test run, deleted after the last test; also the place where mounts are made.</summary>
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
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Delete();      // when the run is broken off
        return root;
    }

    /// <summary>Deletes the folder, what is mounted in it first.</summary>
    internal static void Delete()
    {
        if (!s_root.IsValueCreated || !Directory.Exists(s_root.Value))
            return;
        string root = s_root.Value;
        lock (s_endings)
        {
            s_endings.ForEach(ending => ending());
            s_endings.Clear();
        }
        try
        {
            // Trees that tests extract have directories that only root could empty.
            if (!Environment.IsPrivilegedProcess)
                Tools.Run("chmod", "-R", "u+rwx", root);
            Directory.Delete(root, recursive: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"{root} is left behind: {failure.Message}");
        }
    }
}
