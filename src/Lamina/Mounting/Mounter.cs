using Lamina.Platform;

namespace Lamina.Mounting;

/// <summary>An image to mount, with the devices that its device table names, in the table's order.</summary>
/// <param name="Image">The image: a file or a block device.</param>
/// <param name="Devices">Its further devices: files or block devices.</param>
/// <param name="Target">The directory to mount on.</param>
public sealed record MountRequest(string Image, IReadOnlyList<string> Devices, string Target)
{
    /// <summary>Whether to use loop devices even where the kernel could mount files.</summary>
    public bool ForceLoop { get; init; }

    /// <summary>Further options, separated by commas as mount(8) takes them.</summary>
    public string? ExtraOptions { get; init; }
}

/// <summary>What a mount came to.</summary>
/// <param name="Target">The directory it is mounted on.</param>
/// <param name="LoopDevices">The loop devices made for it, the image's first; the kernel frees them when it is unmounted.</param>
public sealed record MountResult(string Target, IReadOnlyList<string> LoopDevices)
{
    /// <summary>Whether files are mounted as they are, or block devices were given: no loop device is in between.</summary>
    public bool Direct => LoopDevices.Count == 0;
}

/// <summary>
/// Mounts EROFS images, always read-only. The kernel wants the image and its devices to be all files or all block devices, so
/// files are mounted as they are where the kernel can (since 6.12), and all of them get loop devices where it cannot.
/// </summary>
public static class Mounter
{
    private const string FileSystem = "erofs";

    /// <summary>Mounts an image. After a failure nothing of it is left.</summary>
    /// <exception cref="IOException">A file is missing or the kernel refused.</exception>
    /// <exception cref="UnauthorizedAccessException">Not permitted.</exception>
    public static MountResult Mount(MountRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!OperatingSystem.IsLinux())
            throw new PlatformNotSupportedException("mounting needs Linux");
        (MountFlags flags, IReadOnlyList<MountOption> extra) = MountOption.Parse(request.ExtraOptions);
        flags |= MountFlags.ReadOnly;
        // Messages have names as they were given; the kernel is told what they lead to.
        if (FileStatus.Find(request.Target) is not { } found)
            throw new DirectoryNotFoundException($"{request.Target}: there is no such directory");
        if (found.Type != FileStatus.Directory)
            throw new IOException($"{request.Target} is not a directory, nothing can be mounted there");
        string target = HostFile.FullPath(request.Target);
        List<bool> isBlock = [.. request.Devices.Prepend(request.Image).Select(IsBlockDevice)];
        List<string> sources = [HostFile.FullPath(request.Image), .. request.Devices.Select(HostFile.FullPath)];
        bool mountable = isBlock.TrueForAll(block => block) || (!request.ForceLoop && !isBlock.Contains(true));
        return mountable && TryMount(sources, target, flags, extra)
            ? new MountResult(target, [])
            : MountByLoop(sources, isBlock, target, flags, extra);
    }

    /// <summary>Unmounts what <see cref="Mount"/> mounted; its loop devices go with it.</summary>
    /// <exception cref="IOException">Nothing, or something other than EROFS, is mounted there, or it is in use.</exception>
    public static void Unmount(string target)
    {
        MountTableEntry entry = MountTable.Find(target) ?? throw new IOException($"{target}: nothing is mounted here");
        if (entry.FileSystem != FileSystem)
            throw new IOException($"{target}: this is {entry.FileSystem}, not {FileSystem}; umount(8) unmounts it");
        MountCall.Unmount(entry.Target);
    }

    private static bool TryMount(List<string> sources, string target, MountFlags flags, IReadOnlyList<MountOption> extra)
    {
        try
        {
            MountAll(sources, target, flags, extra);
            return true;
        }
        catch (IOException refusal) when (refusal.HResult == Errno.NotBlockDevice)
        {
            return false;       // a kernel before 6.12, or a file on a file system, such as tmpfs, that cannot stand under EROFS
        }
    }

    private static MountResult MountByLoop(
        List<string> sources, List<bool> isBlock, string target, MountFlags flags, IReadOnlyList<MountOption> extra)
    {
        List<LoopDevice> loops = [];
        try
        {
            List<string> devices = [];
            for (int i = 0; i < sources.Count; i++)
            {
                if (!isBlock[i])
                    loops.Add(LoopDevice.Attach(sources[i]));
                devices.Add(isBlock[i] ? sources[i] : loops[^1].Path);
            }
            MountAll(devices, target, flags, extra);
            return new MountResult(target, [.. loops.Select(loop => loop.Path)]);
        }
        finally
        {
            loops.ForEach(loop => loop.Dispose());      // a mount keeps them open; without one this frees them
        }
    }

    private static void MountAll(List<string> sources, string target, MountFlags flags, IReadOnlyList<MountOption> extra)
    {
        List<MountOption> options = [.. extra, .. sources.Skip(1).Select(device => new MountOption("device", device))];
        MountCall.Mount(FileSystem, sources[0], target, flags, options);
    }

    private static bool IsBlockDevice(string path) => FileStatus.Of(path).Type switch
    {
        FileStatus.BlockDevice => true,
        FileStatus.RegularFile => false,
        _ => throw new IOException($"{path} is neither a file nor a block device"),
    };
}
