using System.Runtime.InteropServices;

namespace Lamina.Init;

/// <summary>The system calls that only the first process makes.</summary>
internal static unsafe partial class Native
{
    internal const nuint MoveMount = 8192;
    internal const int AccessExecute = 1, WriteOnly = 1, CloseOnExec = 0x80000;

    private const string Libc = "libc";
    private const nint LoadModuleNumberX64 = 313, LoadModuleNumberArm64 = 273;
    private const int SetMask = 2, MaskSize = 128, LastSignal = 31, WatchCreate = 0x100, WatchAttributes = 0x4, PollIn = 1;
    private const int EventSize = 4096;

    /// <summary>The errno of the last call that failed.</summary>
    internal static string LastError => Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());

    /// <summary>finit_module(2), which the C library does not wrap. Returns 0 or the errno.</summary>
    internal static int LoadModule(int descriptor)
    {
        nint number = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? LoadModuleNumberArm64 : LoadModuleNumberX64;
        return SystemCall(number, descriptor, "", 0) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>
    /// Signals as a new process expects them: the runtime ignores or handles some, and what is ignored stays so through
    /// execve(2).
    /// </summary>
    internal static void ResetSignals()
    {
        for (int signal = 1; signal <= LastSignal; signal++)
            _ = SetSignal(signal, 0);
        byte* none = stackalloc byte[MaskSize];
        new Span<byte>(none, MaskSize).Clear();
        _ = SetSignalMask(SetMask, none, null);
    }

    /// <summary>Puts another program in this one's place. Returns the errno: it does not come back if all goes well.</summary>
    internal static int Execute(string path, IReadOnlyList<string> arguments)
    {
        nint[] list = [.. arguments.Select(Marshal.StringToCoTaskMemUTF8), 0];
        fixed (nint* pointer = list)
            _ = ExecuteProgram(path, pointer);
        return Marshal.GetLastPInvokeError();
    }

    /// <summary>Waits until something appears or changes in a directory, or time is up. Returns the milliseconds left.</summary>
    internal static int WaitForChange(string directory, int milliseconds, Func<bool> isThere)
    {
        int watch = StartWatch(CloseOnExec);
        _ = AddWatch(watch, directory, WatchCreate | WatchAttributes);
        // Looked at after the watch is set up, so what appears in between is not missed.
        byte* events = stackalloc byte[EventSize];
        long start = Environment.TickCount64;
        while (!isThere())
        {
            int left = milliseconds - (int)(Environment.TickCount64 - start);
            PollEntry entry = new() { Descriptor = watch, Events = PollIn };
            if (left <= 0 || Poll(&entry, 1, left) <= 0)
                break;
            _ = Read(watch, events, EventSize);
        }
        _ = Close(watch);
        return Math.Max(0, milliseconds - (int)(Environment.TickCount64 - start));
    }

    [LibraryImport(Libc, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags, uint mode);

    [LibraryImport(Libc, EntryPoint = "close")]
    internal static partial int Close(int descriptor);

    [LibraryImport(Libc, EntryPoint = "write", SetLastError = true)]
    internal static partial nint Write(int descriptor, byte* bytes, nint count);

    [LibraryImport(Libc, EntryPoint = "read", SetLastError = true)]
    internal static partial nint Read(int descriptor, byte* bytes, nint count);

    [LibraryImport(Libc, EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Mount(string source, string target, string? type, nuint flags, string? data);

    [LibraryImport(Libc, EntryPoint = "chroot", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int ChangeRoot(string path);

    [LibraryImport(Libc, EntryPoint = "chdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int ChangeDirectory(string path);

    [LibraryImport(Libc, EntryPoint = "access", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Access(string path, int mode);

    [LibraryImport(Libc, EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint SystemCall(nint number, nint first, string second, nint third);

    [LibraryImport(Libc, EntryPoint = "signal")]
    private static partial nint SetSignal(int signal, nint handler);

    [LibraryImport(Libc, EntryPoint = "sigprocmask")]
    private static partial int SetSignalMask(int how, byte* mask, byte* old);

    [LibraryImport(Libc, EntryPoint = "execv", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ExecuteProgram(string path, nint* arguments);

    [LibraryImport(Libc, EntryPoint = "inotify_init1", SetLastError = true)]
    private static partial int StartWatch(int flags);

    [LibraryImport(Libc, EntryPoint = "inotify_add_watch", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int AddWatch(int watch, string path, int events);

    [LibraryImport(Libc, EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(PollEntry* entries, nuint count, int milliseconds);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
