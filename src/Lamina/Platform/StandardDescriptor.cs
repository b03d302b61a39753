namespace Lamina.Platform;

/// <summary>
/// What the program was started with. A number that was closed then is given to the first file that is opened, by .NET itself as
/// a rule: who reads or writes it meets that file, and waits for ever or is believed to have written.
/// </summary>
internal static class StandardDescriptor
{
    internal const int Input = 0, Output = 1, Error = 2;

    private const int GetFlags = 1, CloseOnExec = 1;                    // F_GETFD, FD_CLOEXEC

    /// <summary>
    /// Whether a descriptor came with the program. What did has survived exec(2), so it is not one that closes then; what .NET
    /// opens is.
    /// </summary>
    public static bool IsInherited(int descriptor) =>
        !OperatingSystem.IsLinux() || Native.Descriptor(descriptor, GetFlags) is >= 0 and int flags && (flags & CloseOnExec) == 0;
}
