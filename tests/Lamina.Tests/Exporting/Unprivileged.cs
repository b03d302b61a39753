using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Lamina.Tests.Exporting;

/// <summary>Runs code as nobody: on Linux users belong to threads, and a thread gives its own to those it starts.</summary>
internal static partial class Unprivileged
{
    private const nint Nobody = 65534;

    public static void Run(Action action)
    {
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                BecomeNobody();
                action();
            }
            catch (Exception fault)
            {
                failure = ExceptionDispatchInfo.Capture(fault);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    /// <summary>A folder that nobody may write into.</summary>
    public static string NewFolder()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("lamina-nobody-");
        File.SetUnixFileMode(folder.FullName, (UnixFileMode)0x1FF);
        Oracles.Scratch.AtExit(() =>
        {
            if (Directory.Exists(folder.FullName))
                folder.Delete(recursive: true);
        });
        return folder.FullName;
    }

    private static void BecomeNobody()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can become somebody else");
        // The C library would change all threads; the system call itself changes the one that makes it.
        bool isX86 = RuntimeInformation.ProcessArchitecture == Architecture.X64;
        Assert.Equal(0, Call(isX86 ? 119 : 149, Nobody, Nobody, Nobody));
        Assert.Equal(0, Call(isX86 ? 117 : 147, Nobody, Nobody, Nobody));
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Call(nint number, nint real, nint effective, nint saved);
}
