using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Platform;

/// <summary>
/// Which file it is, by whatever name or link it was reached: file system and inode, or of a block device the device itself.
/// </summary>
/// <param name="IsBlockDevice">Whether the numbers are those of a block device.</param>
/// <param name="Major">The major number of the device, or of the file system's.</param>
/// <param name="Minor">The minor number of it.</param>
/// <param name="Inode">The inode; 0 of a block device.</param>
internal readonly record struct FileIdentity(bool IsBlockDevice, uint Major, uint Minor, ulong Inode)
{
    /// <summary>How far down is looked: a loop device over a partition of a loop device, and so on.</summary>
    private const int MaxDepth = 8;

    /// <summary>Of what a path leads to; null if it leads to nothing, or where the system has no such numbers.</summary>
    public static FileIdentity? Of(string path) =>
        OperatingSystem.IsLinux() && FileStatus.Find(path) is { } status ? Of(status) : null;

    /// <summary>Of a file that is open; null where the system has no such numbers.</summary>
    public static FileIdentity? Of(SafeFileHandle file) => OperatingSystem.IsLinux() ? Of(FileStatus.Of(file)) : null;

    public static FileIdentity Of(in FileStatus status) => status.Type == FileStatus.BlockDevice
        ? new FileIdentity(true, status.DeviceMajor, status.DeviceMinor, 0)
        : new FileIdentity(false, status.FileSystemMajor, status.FileSystemMinor, status.Inode);

    /// <summary>
    /// Whether writing to one changes the other: they are the same, or one is a partition of the other or a loop device over it.
    /// </summary>
    public bool Touches(FileIdentity other) => StandsOn(other) || other.StandsOn(this);

    /// <summary>The regular file at the bottom of loop devices; null if this is no block device, or of a disk.</summary>
    public string? BackingFile()
    {
        string? file = null;
        FileIdentity? at = this;
        for (int depth = 0; at is { IsBlockDevice: true } place && depth < MaxDepth; depth++)
        {
            file = place.LoopFile();
            at = place.Below();
        }
        return at is { IsBlockDevice: false } ? file : null;
    }

    private bool StandsOn(FileIdentity other)
    {
        FileIdentity? at = this;
        for (int depth = 0; at is { } place && depth < MaxDepth; depth++)
        {
            if (place == other)
                return true;
            at = place.Below();
        }
        return false;
    }

    /// <summary>The disk that a partition is of, or the file that a loop device shows.</summary>
    private FileIdentity? Below()
    {
        if (!IsBlockDevice)
            return null;
        string device = string.Create(CultureInfo.InvariantCulture, $"/sys/dev/block/{Major}:{Minor}");
        string[] disk = HostFile.Exists(device + "/partition") && HostFile.Exists(device + "/../dev")
            ? PathBytes.Decode(HostFile.ReadAllBytes(device + "/../dev")).Trim().Split(':') : [];
        if (disk is [{ } major, { } minor] && uint.TryParse(major, out uint first) && uint.TryParse(minor, out uint second))
            return new FileIdentity(true, first, second, 0);
        return LoopFile() is { } file ? Of(file) : null;
    }

    /// <summary>The file that a loop device shows; null of anything else, or if the file has no name any more.</summary>
    private string? LoopFile()
    {
        const string ending = " (deleted)";
        string backing = string.Create(CultureInfo.InvariantCulture, $"/sys/dev/block/{Major}:{Minor}/loop/backing_file");
        if (!IsBlockDevice || !HostFile.Exists(backing))
            return null;
        string file = PathBytes.Decode(HostFile.ReadAllBytes(backing)).TrimEnd('\n');
        return file.EndsWith(ending, StringComparison.Ordinal) ? null : file;
    }
}
