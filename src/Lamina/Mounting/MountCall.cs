using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Lamina.Platform;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Mounting;

/// <summary>
/// Mounting by either of the kernel's two ways: mount(2), which every kernel has but which silently cuts its options at a page,
/// and the file system context (fsopen, fsconfig, fsmount), which has no such limit and explains itself.
/// </summary>
internal static unsafe class MountCall
{
    /// <summary>mount(2) copies one page of options, its final NUL included, and drops the rest without a word.</summary>
    private const int OptionPage = 4096;

    /// <summary>fsconfig(2) takes no longer string, its NUL included.</summary>
    private const int ContextStringLimit = 256;

    /// <summary>More lines than a file system has reason to write; the log of a context holds 8.</summary>
    private const int LogLimit = 32;

    /// <summary>Longer than any process takes to start.</summary>
    private const int BusyMilliseconds = 1000;

    private const uint CloseOnExec = 1, SetFlag = 0, SetString = 1, Create = 6, EmptyPath = 4, AttributeNoAccessTime = 0x10;

    /// <summary>Whether the kernel has a file system, built in or as a module, and lets this process mount it.</summary>
    public static bool IsAvailable(string fileSystem)
    {
        if (!OperatingSystem.IsLinux())
            return false;
        int context = Native.FsOpen(fileSystem, CloseOnExec);
        if (context < 0)
            return false;
        _ = Native.Close(context);
        return true;
    }

    /// <summary>Mounts, with mount(2) where the options fit, otherwise through a context.</summary>
    /// <param name="fileSystem">The kernel's name of the file system.</param>
    /// <param name="source">What is mounted; null where the file system has no source.</param>
    /// <param name="target">The directory to mount on.</param>
    /// <param name="flags">How the mount behaves.</param>
    /// <param name="options">Options of the file system, in order.</param>
    /// <param name="context">Whether to use a context in any case.</param>
    /// <exception cref="IOException">The kernel refused; HResult is the errno.</exception>
    /// <exception cref="UnauthorizedAccessException">Not permitted.</exception>
    public static void Mount(
        string fileSystem,
        string? source,
        string target,
        MountFlags flags,
        IReadOnlyList<MountOption> options,
        bool context = false)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!OperatingSystem.IsLinux())
            throw new PlatformNotSupportedException("mounting needs Linux");
        if (context || !FitsPage(options, out string data))
        {
            MountByContext(fileSystem, source, target, flags, options);
            return;
        }
        if (Native.Mount(source ?? "none", target, fileSystem, (nuint)(int)flags, data) != 0)
            throw Refusal(fileSystem, source, target, Marshal.GetLastPInvokeError(), []);
    }

    /// <summary>
    /// Unmounts what is uppermost on a directory. A busy mount is tried again for a second: a process that another thread starts
    /// holds copies of all descriptors for the moment until it becomes its program.
    /// </summary>
    /// <param name="target">The directory.</param>
    /// <param name="lazy">Whether to take it out of sight now and let the kernel finish when its last user is gone.</param>
    public static void Unmount(string target, bool lazy = false)
    {
        const int detach = 2, noFollow = 8;
        int errno = 0;
        SpinWait.SpinUntil(() => (errno = Try()) != Errno.Busy, BusyMilliseconds);
        if (errno == 0)
            return;
        throw SystemFailure.Make($"{target} cannot be unmounted", errno, errno switch
        {
            Errno.Busy => "A process has a file open or its working directory there.",
            Errno.Invalid => "Nothing is mounted there.",
            Errno.NotPermitted => "Unmounting needs root (CAP_SYS_ADMIN).",
            _ => null,
        });

        int Try() => Native.Unmount(target, noFollow | (lazy ? detach : 0)) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>mount(2) has no way to write a comma in a value, so such options do not fit either.</summary>
    private static bool FitsPage(IReadOnlyList<MountOption> options, out string data)
    {
        data = string.Join(',', options);
        return Encoding.UTF8.GetByteCount(data) < OptionPage && !options.Any(option => option.Value?.Contains(',') == true);
    }

    private static void MountByContext(
        string fileSystem, string? source, string target, MountFlags flags, IReadOnlyList<MountOption> options)
    {
        int opened = Native.FsOpen(fileSystem, CloseOnExec);
        if (opened < 0)
            throw Refusal(fileSystem, source, target, Marshal.GetLastPInvokeError(), []);
        using SafeFileHandle handle = new(opened, true);
        List<SafeFileHandle> held = [];
        try
        {
            if (source is not null)
                Check(Native.FsConfig(opened, SetString, "source", Shorten(source, held)));
            if (flags.HasFlag(MountFlags.ReadOnly))
                Check(Native.FsConfig(opened, SetFlag, "ro", null));
            foreach (MountOption option in options)
            {
                Check(option.Value is null
                    ? Native.FsConfig(opened, SetFlag, option.Key, null)
                    : Native.FsConfig(opened, SetString, option.Key, Shorten(option.Value, held)));
            }
            Check(Native.FsConfig(opened, Create, null, null));

            int mounted = Native.FsMount(opened, CloseOnExec, Attributes(flags));
            Check(mounted);
            using SafeFileHandle mount = new(mounted, true);
            Check(Native.MoveMount(mounted, "", Native.CurrentDirectory, target, EmptyPath));
        }
        finally
        {
            held.ForEach(file => file.Dispose());
        }

        void Check(int result)
        {
            if (result >= 0)
                return;
            int errno = Marshal.GetLastPInvokeError();
            throw Refusal(fileSystem, source, target, errno, ReadLog(opened));
        }
    }

    private static uint Attributes(MountFlags flags) =>
        ((uint)flags & 0xF) | (flags.HasFlag(MountFlags.NoAccessTime) ? AttributeNoAccessTime : 0);

    /// <summary>A path too long for fsconfig gets a short name: that of an open descriptor, which the kernel follows.</summary>
    private static string Shorten(string value, List<SafeFileHandle> held)
    {
        if (Encoding.UTF8.GetByteCount(value) < ContextStringLimit)
            return value;
        int descriptor = Native.Open(value, Native.OpenPath | Native.OpenCloseOnExec, 0);
        if (descriptor < 0)
            throw SystemFailure.Last($"{value} cannot be opened");
        held.Add(new SafeFileHandle(descriptor, true));
        return string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{descriptor}");
    }

    /// <summary>What the file system wrote into its context: lines that start with e, w or i for how bad it is.</summary>
    private static List<string> ReadLog(int context)
    {
        List<string> lines = [];
        byte[] buffer = new byte[1024];
        fixed (byte* pointer = buffer)
        {
            nint count;
            while (lines.Count < LogLimit && (count = Native.Read(context, pointer, buffer.Length)) > 0)
                lines.Add(Encoding.UTF8.GetString(buffer, 0, (int)count).TrimEnd('\n', '\0'));
        }
        return lines;
    }

    private static Exception Refusal(string fileSystem, string? source, string target, int errno, List<string> log)
    {
        string what = $"{source ?? fileSystem} cannot be mounted on {target} as {fileSystem}";
        string? said = log.Count == 0 ? null : "The kernel says: " + string.Join("; ", log);
        string? hint = errno switch
        {
            Errno.NotPermitted or Errno.AccessDenied => "Mounting needs root (CAP_SYS_ADMIN).",
            Errno.NoDevice => $"This kernel has no {fileSystem}, neither built in nor as a module.",
            Errno.NotSupported => "This kernel lacks a feature or a codec that the image uses; its log (dmesg) names it.",
            Errno.NotImplemented => "This kernel, or the sandbox around this process, lacks fsopen(2).",
            Errno.NotBlockDevice => "This kernel cannot mount it from a file; a loop device can stand in.",
            Errno.Invalid or Errno.Corrupt when said is null => "The kernel's log (dmesg) says why.",
            _ => null,
        };
        return SystemFailure.Make(what, errno, said is null ? hint : hint is null ? said : $"{said}\n{hint}");
    }
}
