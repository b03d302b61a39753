using System.Runtime.InteropServices;

namespace Lamina.Fuzz;

/// <summary>
/// Lets the calling thread, and the programs it starts, make and change files in one folder only (Landlock, Linux 5.19 and
/// later). What is tried elsewhere is refused by the kernel, whatever way leads there.
/// </summary>
internal static unsafe partial class Sandbox
{
    private const int CreateRuleset = 444, AddRule = 445, RestrictSelf = 446, RulePathBeneath = 1, NoNewPrivileges = 38;
    private const int AskVersion = 1, PathOnly = 0x200000, CloseOnExec = 0x80000;

    /// <summary>Linux 5.19: before, links from one directory to another cannot be allowed.</summary>
    private const int VersionWithLinks = 2;

    /// <summary>Write to a file; and that, removing and making, of every kind of file, and links between directories.</summary>
    private const ulong Write = 1 << 1, Changes = Write | 0x3FF0;

    /// <summary>Restricts the calling thread for good; false if this kernel cannot.</summary>
    public static bool TryEnter(string folder)
    {
        if (Call(CreateRuleset, 0, 0, AskVersion, 0) < VersionWithLinks)
            return false;
        ulong handled = Changes;
        nint rules = Call(CreateRuleset, (nint)(&handled), sizeof(ulong), 0, 0);
        if (rules < 0)
            return false;
        // Where a process asks that its peak of memory counts anew is a file.
        bool isDone = Allow(rules, folder, Changes) && Allow(rules, "/proc", Write) && Allow(rules, "/dev/null", Write)
            && Control(NoNewPrivileges, 1, 0, 0, 0) == 0 && Call(RestrictSelf, rules, 0, 0, 0) == 0;
        _ = Close((int)rules);
        return isDone;
    }

    private static bool Allow(nint rules, string path, ulong access)
    {
        byte* rule = stackalloc byte[sizeof(ulong) + sizeof(int)];
        int place = Open(path, PathOnly | CloseOnExec, 0);
        *(ulong*)rule = access;
        *(int*)(rule + sizeof(ulong)) = place;
        bool isDone = place >= 0 && Call(AddRule, rules, RulePathBeneath, (nint)rule, 0) == 0;
        _ = Close(place);
        return isDone;
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Call(nint number, nint first, nint second, nint third, nint fourth);

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int Control(int option, nuint first, nuint second, nuint third, nuint fourth);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
