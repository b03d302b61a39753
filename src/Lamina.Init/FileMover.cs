using System.Runtime.InteropServices;
using System.Text;
using Lamina.Exporting;
using Lamina.Platform;

namespace Lamina.Init;

/// <summary>
/// Moves files from rootfs into the new root, as the kernel would have unpacked them over what is there: a file replaces a file,
/// a directory that is not empty gives way to nothing, and directories of one name become one, with owner and permissions of
/// the one that is moved but the time of the one that is there: the kernel sets those of directories last, the first one's at
/// the end. What was moved is gone from rootfs at once, so memory does not hold it twice.
/// </summary>
internal sealed unsafe class FileMover(OpenFolder targetRoot, Predicate<string> isLeft)
{
    private const uint PrivateFile = 0x180, PrivateDirectory = 0x1C0, PermissionMask = 0xFFF;
    private const int NotEmpty = 39;

    /// <summary>So much of a file is in memory twice for a moment.</summary>
    private const int StepSize = 1 << 20;

    /// <summary>XATTR_LIST_MAX and XATTR_SIZE_MAX.</summary>
    private const int AttributeLimit = 65536;

    private readonly byte[] _step = new byte[StepSize];
    private readonly Dictionary<ulong, byte[]> _links = [];

    /// <summary>Moves what is in a directory. The directory itself stays as it is.</summary>
    /// <param name="source">The directory.</param>
    /// <param name="target">Where to.</param>
    /// <param name="path">The path of both, from the root, with a slash at its end unless it is empty.</param>
    public void MoveAll(OpenFolder source, OpenFolder target, byte[] path)
    {
        foreach (byte[] name in source.Names())
            Move(source, target, name, path, setsAttributes: true);
    }

    /// <summary>Moves one file or directory, with all that is in it.</summary>
    public void Move(OpenFolder source, OpenFolder target, byte[] name, byte[] above, bool setsAttributes)
    {
        byte[] path = [.. above, .. name];
        FileStatus status = source.Find(name) ?? throw source.Failure(name, "cannot be looked at");
        if (isLeft(PathBytes.Decode(path)))
            return;
        if (status.Type == FileStatus.Directory)
            MoveDirectory(source, target, name, path, status, setsAttributes);
        else if (MakeRoom(source, target, name))
            MoveFile(source, target, name, path, status);
    }

    /// <summary>Gives a directory the attributes of another one, and a time.</summary>
    public static void CopyAttributes(OpenFolder source, in FileStatus status, OpenFolder target, in FileStatus time)
    {
        CopyExtended(source, "."u8, target, "."u8);
        bool isSet = HostCalls.SetOwner(target.Descriptor, status.User, status.Group) == 0
            && HostCalls.SetMode(target.Descriptor, status.Mode & PermissionMask) == 0;
        if (!isSet || !SetTime(target, time))
            throw target.Failure("."u8, "cannot be given its attributes");
    }

    /// <summary>Gives a directory the time that a status tells of.</summary>
    public static bool SetTime(OpenFolder folder, in FileStatus status)
    {
        TimeSpec* times = stackalloc TimeSpec[2];
        times[0] = times[1] = TimeOf(status);
        return HostCalls.SetTimes(folder.Descriptor, times) == 0;
    }

    private void MoveDirectory(
        OpenFolder source, OpenFolder target, byte[] name, byte[] path, in FileStatus status, bool setsAttributes)
    {
        FileStatus? there = target.Find(name);
        if (there is { } other && other.Type != FileStatus.Directory)
        {
            if (other.Type == FileStatus.SymbolicLink)
                KernelLog.Warn($"{source.PathOf(name)}: the directory takes the place of a symbolic link of the layers");
            Unlink(target, name);
            there = null;
        }
        fixed (byte* text = OpenFolder.Terminated(name))
        {
            if (there is null && HostCalls.MakeDirectory(target.Descriptor, text, PrivateDirectory) != 0)
                throw target.Failure(name, "cannot be made");
        }
        using OpenFolder from = source.Child(name), to = target.Child(name);
        MoveAll(from, to, [.. path, (byte)'/']);
        if (there is null || setsAttributes)
            CopyAttributes(from, status, to, there ?? status);
        else if (!SetTime(to, there.Value))
            throw target.Failure(name, "cannot be given its time");
    }

    /// <summary>Removes what a file is to replace; false if the kernel would leave it, and so the new one is left out.</summary>
    private static bool MakeRoom(OpenFolder source, OpenFolder target, byte[] name)
    {
        if (target.Find(name) is not { } there)
            return true;
        if (there.Type != FileStatus.Directory)
        {
            Unlink(target, name);
            return true;
        }
        fixed (byte* text = OpenFolder.Terminated(name))
        {
            if (HostCalls.Unlink(target.Descriptor, text, HostCalls.RemoveDirectory) == 0)
                return true;
        }
        if (Marshal.GetLastPInvokeError() is not (NotEmpty or HostError.Exists))
            throw target.Failure(name, "cannot be replaced");
        KernelLog.Warn($"{source.PathOf(name)}: left out, a directory of the layers that is not empty has this name");
        return false;
    }

    private void MoveFile(OpenFolder source, OpenFolder target, byte[] name, byte[] path, in FileStatus status)
    {
        bool isLinked = status.Links > 1 && _links.TryAdd(status.Inode, path) is false;
        fixed (byte* text = OpenFolder.Terminated(name))
        {
            if (isLinked)
            {
                fixed (byte* first = OpenFolder.Terminated(_links[status.Inode]))
                {
                    if (HostCalls.MakeLink(targetRoot.Descriptor, first, target.Descriptor, text, 0) != 0)
                        throw target.Failure(name, "cannot be linked to its first name");
                }
            }
            else if (status.Type == FileStatus.RegularFile)
            {
                CopyFile(source, target, name, status);
            }
            else if (status.Type == FileStatus.SymbolicLink)
            {
                byte[] link = ReadLink(source, name);
                fixed (byte* to = OpenFolder.Terminated(link))
                {
                    if (HostCalls.MakeSymbolicLink(to, target.Descriptor, text) != 0)
                        throw target.Failure(name, "cannot be made");
                }
            }
            else if (!MakeNode(source, target, name, status))
            {
                return;
            }
            if (!isLinked)
                SetAttributes(source, target, name, status);
        }
        Unlink(source, name);
    }

    private static bool MakeNode(OpenFolder source, OpenFolder target, byte[] name, in FileStatus status)
    {
        fixed (byte* text = OpenFolder.Terminated(name))
        {
            uint major = status.DeviceMajor, minor = status.DeviceMinor;
            if (status.Type == FileStatus.CharacterDevice && (major | minor) == 0)
            {
                KernelLog.Warn($"{source.PathOf(name)}: left out, overlayfs takes a character device 0:0 for a mark");
                return false;
            }
            ulong device = (minor & 0xFF) | (ulong)(major & 0xFFF) << 8 | (ulong)(minor & ~0xFFu) << 12;
            if (HostCalls.MakeNode(target.Descriptor, text, status.Type | PrivateFile, device) != 0)
                throw target.Failure(name, "cannot be made");
            return true;
        }
    }

    /// <summary>
    /// Copies from the end to the beginning: what was copied is cut off, which gives its memory back on any rootfs.
    /// </summary>
    private void CopyFile(OpenFolder source, OpenFolder target, byte[] name, in FileStatus status)
    {
        int from = -1, to = -1;
        try
        {
            bool isLast = status.Links == 1;
            from = source.TryOpen(name, isLast ? Platform.Native.OpenReadWrite : HostCalls.ReadOnly);
            if (from < 0)
                throw source.Failure(name, "cannot be opened");
            to = target.TryOpen(name, HostCalls.WriteOnly | HostCalls.Create | HostCalls.Exclusive, PrivateFile);
            if (to < 0 || HostCalls.SetLength(to, (long)status.Size) != 0)
                throw target.Failure(name, "cannot be made");
            for (long end = (long)status.Size, at; end > 0; end = at)
            {
                at = (end - 1) & -(long)StepSize;
                if (!CopyStep(from, to, at, (int)(end - at)))
                    throw target.Failure(name, "cannot be copied");
                if (isLast && HostCalls.SetLength(from, at) != 0)
                    throw source.Failure(name, "cannot be cut off");
            }
        }
        finally
        {
            _ = from >= 0 ? HostCalls.Close(from) : 0;
            _ = to >= 0 ? HostCalls.Close(to) : 0;
        }
    }

    private bool CopyStep(int from, int to, long at, int count)
    {
        fixed (byte* buffer = _step)
        {
            for (int done = 0; done < count;)
            {
                nint read = DirectoryCalls.ReadAt(from, buffer + done, count - done, at + done);
                if (read <= 0)
                    return false;
                done += (int)read;
            }
            // What is zero need not take memory.
            if (!_step.AsSpan(0, count).ContainsAnyExcept((byte)0))
                return true;
            for (int done = 0; done < count;)
            {
                nint written = HostCalls.Write(to, buffer + done, count - done, at + done);
                if (written <= 0)
                    return false;
                done += (int)written;
            }
        }
        return true;
    }

    private static byte[] ReadLink(OpenFolder source, byte[] name)
    {
        byte[] target = new byte[Platform.Native.PathLimit];
        fixed (byte* text = OpenFolder.Terminated(name))
        fixed (byte* bytes = target)
        {
            nint length = DirectoryCalls.ReadLink(source.Descriptor, text, bytes, target.Length);
            return length >= 0 ? target[..(int)length] : throw source.Failure(name, "cannot be read");
        }
    }

    /// <summary>Owner first: a change of it takes the set-id bits away.</summary>
    private static void SetAttributes(OpenFolder source, OpenFolder target, byte[] name, in FileStatus status)
    {
        CopyExtended(source, name, target, name);
        TimeSpec* times = stackalloc TimeSpec[2];
        times[0] = times[1] = TimeOf(status);
        fixed (byte* text = OpenFolder.Terminated(name))
        {
            bool isSet = HostCalls.SetOwnerAt(target.Descriptor, text, status.User, status.Group, HostCalls.LinkNoFollow) == 0
                && (status.Type == FileStatus.SymbolicLink
                    || HostCalls.SetModeAt(target.Descriptor, text, status.Mode & PermissionMask, 0) == 0)
                && HostCalls.SetTimesAt(target.Descriptor, text, times, HostCalls.LinkNoFollow) == 0;
            if (!isSet)
                throw target.Failure(name, "cannot be given its attributes");
        }
    }

    private static void CopyExtended(
        OpenFolder source, ReadOnlySpan<byte> name, OpenFolder target, ReadOnlySpan<byte> targetName)
    {
        byte[] names = new byte[AttributeLimit], value = new byte[AttributeLimit];
        fixed (byte* from = Reach(source, name), to = Reach(target, targetName), list = names, bytes = value)
        {
            nint size = DirectoryCalls.ListAttributes(from, list, names.Length);
            for (int start = 0, end; start < size; start = end + 1)
            {
                end = start + names.AsSpan(start).IndexOf((byte)0);
                nint length = DirectoryCalls.GetAttribute(from, list + start, bytes, value.Length);
                if (length < 0 || HostCalls.SetAttributeOfLink(to, list + start, bytes, length, 0) != 0)
                {
                    string attribute = Encoding.UTF8.GetString(names.AsSpan(start, end - start));
                    KernelLog.Warn($"{source.PathOf(name)}: the attribute {attribute} cannot be kept: {Native.LastError}");
                }
            }
        }
    }

    /// <summary>A path to a name in an open directory, for calls that take no directory.</summary>
    private static byte[] Reach(OpenFolder folder, ReadOnlySpan<byte> name) =>
        [.. Encoding.ASCII.GetBytes($"/proc/self/fd/{folder.Descriptor}/"), .. name, 0];

    private static TimeSpec TimeOf(in FileStatus status) =>
        new() { Seconds = (nint)status.ModifiedSeconds, Nanoseconds = (nint)status.ModifiedNanoseconds };

    private static void Unlink(OpenFolder folder, byte[] name)
    {
        fixed (byte* text = OpenFolder.Terminated(name))
        {
            if (HostCalls.Unlink(folder.Descriptor, text, 0) != 0)
                throw folder.Failure(name, "cannot be removed");
        }
    }
}
