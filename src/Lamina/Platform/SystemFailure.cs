using System.Runtime.InteropServices;

namespace Lamina.Platform;

/// <summary>The errno values that something here reacts to, by the numbers they have on Linux.</summary>
internal static class Errno
{
    internal const int NotPermitted = 1, NoEntry = 2, NoDeviceOrAddress = 6, Again = 11, AccessDenied = 13, NotBlockDevice = 15;
    internal const int Busy = 16, Exists = 17, NoDevice = 19, NotDirectory = 20, IsDirectory = 21;
    internal const int Invalid = 22, NotImplemented = 38, NotSupported = 95, Corrupt = 117;
}

/// <summary>
/// Turns a failed system call into the exception that the BCL would throw. As there, HResult holds the errno, so that a caller
/// can tell causes apart.
/// </summary>
internal static class SystemFailure
{
    /// <summary>The failure of the call just made on this thread.</summary>
    internal static Exception Last(string what, string? hint = null) => Make(what, Marshal.GetLastPInvokeError(), hint);

    internal static Exception Make(string what, int errno, string? hint = null)
    {
        string message = $"{what}: {Marshal.GetPInvokeErrorMessage(errno)}";
        if (hint is not null)
            message += $"\n{hint}";
        return errno is Errno.NotPermitted or Errno.AccessDenied
            ? new UnauthorizedAccessException(message) { HResult = errno }
            : new IOException(message, errno);
    }
}
