using System.Runtime.InteropServices;
using Lamina.Boot;
using Lamina.Exporting;
using Lamina.Mounting;
using Lamina.Platform;

namespace Lamina.Init;

/// <summary>The end of /init: the new root becomes the root, what is not needed goes, the system's own init takes over.</summary>
internal static unsafe class SystemStart
{
    private static readonly string[] s_shells = [$"/{BootFiles.Shell}", "/bin/sh"];

    /// <summary>Makes a mounted tree the root.</summary>
    /// <param name="root">Where it is mounted.</param>
    /// <param name="movesTrees">Whether /dev and the like move with it; else they are gone.</param>
    public static void SwitchRoot(string root, bool movesTrees)
    {
        foreach (string tree in KernelTrees.All)
        {
            if (movesTrees)
                MoveTree(tree, root + tree);
            else
                MountCall.Unmount(tree, lazy: true);
        }
        Check(Native.ChangeDirectory(root), $"entering {root}");
        int removed;
        using (OpenFolder rootfs = OpenFolder.Open("/"))
            removed = Remove(rootfs, rootfs.Device);
        Check(Native.Mount(".", "/", null, Native.MoveMount, null), $"moving {root} to /");
        Check(Native.ChangeRoot("."), "changing the root");
        Check(Native.ChangeDirectory("/"), "entering the new root");
        KernelLog.Say($"switched to the new root; {removed} files of the archive removed");
    }

    /// <summary>Starts init in this process's place; comes back only by failing.</summary>
    public static void Execute(BootOptions options, string[] arguments)
    {
        bool isInitrd = options.Start == BootStart.Initrd;
        string? told = isInitrd ? options.InitramfsInit ?? "/init" : options.Init ?? options.InitramfsInit;
        string? program = told ?? BootFiles.InitPrograms.FirstOrDefault(path =>
            Native.Access(path, Native.AccessExecute) == 0);
        if (program is null)
        {
            throw new BootFailure(
                $"the new root has no init; these were looked for: {string.Join(", ", BootFiles.InitPrograms)}");
        }
        if (told is not null && Native.Access(told, Native.AccessExecute) != 0)
        {
            string who = isInitrd ? "an initramfs is started" : "the command line says";
            throw new BootFailure($"{told}, as {who}: {Native.LastError}");
        }
        KernelLog.Say($"starting {program}");
        Native.ResetSignals();
        int errno = Native.Execute(program, [program, .. arguments]);
        throw new BootFailure($"{program} cannot be executed: {Marshal.GetPInvokeErrorMessage(errno)}");
    }

    /// <summary>Gives whoever sits at the console a shell, if there is one.</summary>
    public static void Rescue()
    {
        string? shell = s_shells.FirstOrDefault(path => Native.Access(path, Native.AccessExecute) == 0);
        if (shell is null)
        {
            KernelLog.Warn("there is no shell for a rescue (--rescue-shell); an archive with /bin/sh can be appended");
            return;
        }
        KernelLog.Say($"rescue: {shell}; the machine stops when it ends");
        Native.ResetSignals();
        _ = Native.Execute(shell, ["sh"]);
    }

    private static void MoveTree(string tree, string target)
    {
        if (!Directory.Exists(target))
        {
            try
            {
                Directory.CreateDirectory(target);
            }
            catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
            {
                KernelLog.Warn($"the new root has no {tree} and is read-only: {tree} is not there after the switch");
                MountCall.Unmount(tree, lazy: true);
                return;
            }
        }
        Check(Native.Mount(tree, target, null, Native.MoveMount, null), $"moving {tree}");
    }

    /// <summary>
    /// Removes everything on this file system below a directory: rootfs cannot be unmounted, what is in it would stay.
    /// </summary>
    private static int Remove(OpenFolder folder, ulong device)
    {
        int count = 0;
        foreach (byte[] name in folder.Names())
        {
            FileStatus status = folder.Find(name) ?? throw folder.Failure(name, "cannot be looked at");
            if (status.Type == FileStatus.Directory)
            {
                if (OpenFolder.DeviceOf(status) != device)
                    continue;
                using OpenFolder child = folder.Child(name);
                count += Remove(child, device);
                continue;
            }
            fixed (byte* text = OpenFolder.Terminated(name))
                Check(HostCalls.Unlink(folder.Descriptor, text, 0), $"removing {folder.PathOf(name)}");
            count++;
        }
        return count;
    }

    private static void Check(int result, string what)
    {
        if (result != 0)
            throw new BootFailure($"{what}: {Native.LastError}");
    }
}
