using Lamina.Boot;
using Lamina.Mounting;

namespace Lamina.Init;

/// <summary>
/// A tmpfs that looks like the tree: its directories are mounted in it, the few other files beside them are copied. Programs such
/// as run-init delete their root when they leave it, and refuse to if it is no memory of the kernel's.
/// </summary>
internal static class TmpfsRoot
{
    private const string Place = "/lamina/memory";

    /// <summary>What a file beside the directories may have; /init of an initramfs has some kilobytes, in bytes.</summary>
    private const long CopyLimit = 16 << 20;

    /// <summary>Makes one of a mounted tree, and gives the directory where it is to be seen.</summary>
    public static string Make(string tree)
    {
        Directory.CreateDirectory(Place);
        MountCall.Mount("tmpfs", "lamina", Place, MountFlags.None, [new MountOption("mode", "0755")]);
        NativeFiles.CopyAttributes(tree, Place);
        foreach (string path in Directory.GetFileSystemEntries(tree).Order(StringComparer.Ordinal))
        {
            string target = $"{Place}/{Path.GetFileName(path)}";
            if (NativeFiles.IsDirectory(path))
                Bind(path, target);
            else if (new FileInfo(path) is { LinkTarget: { } link })
                CopyLink(path, link, target);
            else
                Copy(path, target);
        }
        MountCall.Unmount(tree, lazy: true);        // its directories stay mounted
        KernelLog.Say("a tmpfs is the root, with the directories of the tree mounted in it");
        return Place;
    }

    private static void Bind(string path, string target)
    {
        const nuint bind = 4096;
        Directory.CreateDirectory(target);
        if (Native.Mount(path, target, null, bind, null) != 0)
            throw new BootFailure($"mounting {path} on {target}: {Native.LastError}");
    }

    private static void CopyLink(string path, string link, string target)
    {
        File.CreateSymbolicLink(target, link);
        NativeFiles.CopyLinkAttributes(path, target);
    }

    private static void Copy(string path, string target)
    {
        if (!NativeFiles.IsRegularFile(path))
        {
            KernelLog.Warn($"{path} is a device or the like: it is left out of the tmpfs");
            return;
        }
        if (new FileInfo(path).Length > CopyLimit)
            throw new BootFailure($"{path} has more than {CopyLimit} bytes, too many for a copy in the root itself");
        File.Copy(path, target);
        NativeFiles.CopyAttributes(path, target);
    }
}
