using Lamina.Mounting;
using Lamina.Platform;

namespace Lamina.Tests.Oracles;

/// <summary>A mount made by the kernel of this machine, in a folder of its own; gone when disposed.</summary>
internal sealed class KernelMount : IDisposable
{
    private static readonly Lazy<string?> s_obstacle = new(FindObstacle);
    private static readonly Lazy<string?> s_overlayObstacle =
        new(() => s_obstacle.Value ?? (MountCall.IsAvailable("overlay") ? null : "this kernel has no overlayfs"));

    private readonly List<KernelMount> _lower;
    private readonly bool _isOverlay;
    private int _disposed;

    private KernelMount(string path, List<KernelMount> lower, bool isOverlay = false)
    {
        Path = path;
        _isOverlay = isOverlay;
        _lower = lower;
        Scratch.AtExit(Dispose);
    }

    /// <summary>The directory where the tree can be seen.</summary>
    internal string Path { get; }

    /// <summary>Why EROFS cannot be mounted here; null where it can.</summary>
    internal static string? Obstacle => s_obstacle.Value;

    /// <summary>Why overlays of EROFS cannot be mounted here; null where they can.</summary>
    internal static string? OverlayObstacle => s_overlayObstacle.Value;

    /// <summary>Skips the test, visibly, where the kernel or the user's rights do not allow mounting EROFS.</summary>
    internal static void SkipUnlessPossible() => Assert.SkipUnless(s_obstacle.Value is null, s_obstacle.Value ?? "");

    /// <summary>Skips the test, visibly, where overlayfs cannot be mounted.</summary>
    internal static void SkipUnlessOverlayIsPossible() =>
        Assert.SkipUnless(s_overlayObstacle.Value is null, s_overlayObstacle.Value ?? "");

    /// <summary>Mounts an image and its devices as files where the kernel can, otherwise from loop devices.</summary>
    internal static KernelMount Erofs(string image, params IReadOnlyList<string> devices) =>
        MountErofs(image, devices, forceLoop: false);

    /// <summary>Mounts an image and its devices from loop devices.</summary>
    internal static KernelMount ErofsByLoop(string image, params IReadOnlyList<string> devices) =>
        MountErofs(image, devices, forceLoop: true);

    /// <summary>Mounts an overlay of directories, lowest first.</summary>
    internal static KernelMount Overlay(params IReadOnlyList<string> lowestFirst)
    {
        SkipUnlessOverlayIsPossible();
        return MountOverlay(lowestFirst, []);
    }

    /// <summary>Mounts an overlay of images, lowest first, each on a loop device of its own.</summary>
    internal static KernelMount OverlayOfImages(params IReadOnlyList<string> lowestFirst) =>
        OverlayOfImages(lowestFirst, userXattr: false);

    /// <summary>Mounts an overlay of images; with <c>userxattr</c>, marks of unprivileged overlays count in it.</summary>
    internal static KernelMount OverlayOfImages(IReadOnlyList<string> lowestFirst, bool userXattr)
    {
        SkipUnlessOverlayIsPossible();
        List<KernelMount> lower = [];
        try
        {
            foreach (string image in lowestFirst)
                lower.Add(ErofsByLoop(image));
            return MountOverlay([.. lower.Select(mount => mount.Path)], lower, userXattr);
        }
        catch
        {
            lower.ForEach(mount => mount.Dispose());
            throw;
        }
    }

    /// <summary>What the kernel shows of the tree.</summary>
    internal string[] Manifest(bool noLinkCounts = false) => KernelManifest.Of(Path, noLinkCounts, _isOverlay);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
            return;
        try
        {
            MountCall.Unmount(Path);
        }
        catch (IOException)
        {
            MountCall.Unmount(Path, lazy: true);        // a test that failed may have left a file open
        }
        Directory.Delete(Path);
        _lower.ForEach(mount => mount.Dispose());
    }

    private static KernelMount MountErofs(string image, IReadOnlyList<string> devices, bool forceLoop)
    {
        SkipUnlessPossible();
        string target = Scratch.NewFolder("mount");
        Mounter.Mount(new MountRequest(image, devices, target) { ForceLoop = forceLoop });
        return new KernelMount(target, []);
    }

    private static KernelMount MountOverlay(IReadOnlyList<string> lowestFirst, List<KernelMount> lower, bool userXattr = false)
    {
        const int pageOfOptions = 4000;
        string target = Scratch.NewFolder("overlay");
        List<string> upperFirst = [.. lowestFirst.Reverse()];
        string joined = string.Join(':', upperFirst);
        List<MountOption> options = joined.Length < pageOfOptions
            ? [new MountOption("lowerdir", joined)]
            : [.. upperFirst.Select(directory => new MountOption("lowerdir+", directory))];
        if (userXattr)
            options.Add(new MountOption("userxattr", null));
        MountCall.Mount("overlay", "overlay", target, MountFlags.ReadOnly, options, context: joined.Length >= pageOfOptions);
        return new KernelMount(target, lower, isOverlay: true);
    }

    private static string? FindObstacle()
    {
        if (!OperatingSystem.IsLinux())
            return "mounting needs Linux";
        if (Native.EffectiveUser() != 0)
            return "mounting needs root";
        return MountCall.IsAvailable("erofs") ? null : "this kernel has no EROFS, or this container may not mount";
    }
}
