using Lamina.Mounting;

namespace Lamina.Init;

/// <summary>The trees that the kernel itself provides, and /run.</summary>
internal static class KernelTrees
{
    private const int Busy = 16;

    /// <summary>All of them, as they move to the new root in the end.</summary>
    public static readonly string[] All = ["/dev", "/proc", "/sys", "/run"];

    /// <summary>Mounts them where they are not mounted yet.</summary>
    public static void Mount()
    {
        Mount("devtmpfs", "/dev", MountFlags.NoSetUser, [new MountOption("mode", "0755")]);
        Mount("proc", "/proc", MountFlags.NoSetUser | MountFlags.NoDevices | MountFlags.NoExecute, []);
        Mount("sysfs", "/sys", MountFlags.NoSetUser | MountFlags.NoDevices | MountFlags.NoExecute, []);
        Mount("tmpfs", "/run", MountFlags.NoSetUser | MountFlags.NoDevices, [new MountOption("mode", "0755")]);
    }

    private static void Mount(string type, string target, MountFlags flags, MountOption[] options)
    {
        Directory.CreateDirectory(target);
        try
        {
            MountCall.Mount(type, type, target, flags, options);
        }
        catch (IOException refusal) when (refusal.HResult == Busy)
        {
            KernelLog.Say($"{target} is mounted already");      // some kernels mount devtmpfs themselves
        }
    }
}
