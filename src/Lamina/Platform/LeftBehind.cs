using Microsoft.Win32.SafeHandles;

namespace Lamina.Platform;

/// <summary>
/// Unfinished files under names of their own, <c>PREFIX NUMBERS .partial</c>. Who writes one holds a lock on it, which ends with
/// the process; one without is what a killed process left, and goes when the next process begins.
/// </summary>
internal static class LeftBehind
{
    private const string Ending = ".partial";

    /// <summary>
    /// Says that the file is in use. False if it no longer has its name: somebody took it for left behind before it was in use.
    /// </summary>
    public static bool TryUse(SafeFileHandle file, string path)
    {
        // Where the file system has no locks nothing can be proven to be left behind, and so nothing is removed.
        if (!OperatingSystem.IsLinux())
            return true;
        _ = FileLock.TryMark(file);
        return FileIdentity.Of(path) == FileIdentity.Of(file);
    }

    /// <summary>Removes the unfinished files of a name that nobody uses.</summary>
    /// <param name="folder">Their directory.</param>
    /// <param name="prefix">What their names begin with.</param>
    public static void Remove(string folder, string prefix)
    {
        foreach (string name in HostFile.Names(folder).Where(name => name.EndsWith(Ending, StringComparison.Ordinal)))
        {
            string path = Path.Combine(folder, name);
            if (name.Length <= prefix.Length + Ending.Length || !name.StartsWith(prefix, StringComparison.Ordinal) ||
                name.AsSpan(prefix.Length, name.Length - prefix.Length - Ending.Length).ContainsAnyExcept("-0123456789"))
                continue;
            if (OperatingSystem.IsLinux())
                RemoveUnused(path);
            else
                RemoveUnshared(path);
        }
    }

    private static void RemoveUnused(string path)
    {
        if (FileStatus.Find(path, followsLinks: false) is not { Type: FileStatus.RegularFile } status)
            return;
        int descriptor = Native.Open(path, Native.OpenReadWrite | Native.OpenCloseOnExec, 0);
        if (descriptor < 0)
            return;                                                     // another user's, who removes it then
        using SafeFileHandle file = new(descriptor, ownsHandle: true);
        // The lock is held while the name goes, so that nobody can begin to use it meanwhile.
        if (FileLock.TryMark(file) && FileIdentity.Of(file) == FileIdentity.Of(status))
            HostFile.Remove(path);
    }

    private static void RemoveUnshared(string path)
    {
        try
        {
            using SafeFileHandle unused = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.None);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return;
        }
        HostFile.Remove(path);
    }
}
