using System.Runtime.InteropServices;
using System.Text;

namespace Lamina.Init;

/// <summary>What .NET does not say about files: their kind, and their attributes as a whole.</summary>
internal static unsafe partial class NativeFiles
{
    private const int CurrentDirectory = -100, NoFollow = 0x100, StatusSize = 256, BasicStatus = 0x7FF;
    private const int UserAt = 20, GroupAt = 24, ModeAt = 28, SecondsAt = 112,
        NanosecondsAt = 120;
    private const int TypeMask = 0xF000, DirectoryType = 0x4000, BlockDeviceType = 0x6000, RegularType = 0x8000,
        PermissionMask = 0xFFF;
    private const string Libc = "libc";

    /// <summary>XATTR_LIST_MAX and XATTR_SIZE_MAX.</summary>
    private const int AttributeLimit = 65536;

    /// <summary>Whether a path is a directory itself, not a link to one.</summary>
    public static bool IsDirectory(string path) => (BitConverter.ToUInt16(Status(path), ModeAt) & TypeMask) == DirectoryType;

    /// <summary>Whether a path is a regular file itself.</summary>
    public static bool IsRegularFile(string path) => (BitConverter.ToUInt16(Status(path), ModeAt) & TypeMask) == RegularType;

    /// <summary>Whether a path leads to a block device, whatever it is called; false as well if there is nothing.</summary>
    public static bool IsBlockDevice(string path)
    {
        Span<byte> status = stackalloc byte[StatusSize];
        fixed (byte* pointer = status)
        {
            return GetStatus(CurrentDirectory, path, 0, BasicStatus, pointer) == 0 &&
                (BitConverter.ToUInt16(status[ModeAt..]) & TypeMask) == BlockDeviceType;
        }
    }

    /// <summary>Gives one directory the owner, permissions, extended attributes and time of another.</summary>
    public static void CopyAttributes(string from, string to)
    {
        byte[] status = Status(from);
        _ = ChangeOwner(to, BitConverter.ToUInt32(status, UserAt), BitConverter.ToUInt32(status, GroupAt));
        _ = ChangeMode(to, (uint)(BitConverter.ToUInt16(status, ModeAt) & PermissionMask));
        foreach (string name in AttributeNames(from))
        {
            byte[] value = new byte[AttributeLimit];
            nint size;
            fixed (byte* pointer = value)
            {
                size = GetAttribute(from, name, pointer, value.Length);
                if (size >= 0 && SetAttribute(to, name, pointer, size, 0) == 0)
                    continue;
            }
            KernelLog.Warn($"the root's attribute {name} cannot be kept: {Native.LastError}");
        }
        CopyTimes(status, to);
    }

    /// <summary>Gives one symbolic link the owner and time of another.</summary>
    public static void CopyLinkAttributes(string from, string to)
    {
        byte[] status = Status(from);
        _ = ChangeLinkOwner(to, BitConverter.ToUInt32(status, UserAt), BitConverter.ToUInt32(status, GroupAt));
        CopyTimes(status, to);
    }

    private static void CopyTimes(byte[] status, string to)
    {
        long seconds = BitConverter.ToInt64(status, SecondsAt), nanoseconds = BitConverter.ToUInt32(status, NanosecondsAt);
        long* times = stackalloc long[] { seconds, nanoseconds, seconds, nanoseconds };
        _ = SetTimes(CurrentDirectory, to, times, NoFollow);
    }

    private static string[] AttributeNames(string path)
    {
        byte[] names = new byte[AttributeLimit];
        fixed (byte* pointer = names)
        {
            nint size = ListAttributes(path, pointer, names.Length);
            return size <= 0 ? [] : Encoding.UTF8.GetString(names, 0, (int)size).Split('\0',
                StringSplitOptions.RemoveEmptyEntries);
        }
    }

    private static byte[] Status(string path)
    {
        byte[] status = new byte[StatusSize];
        fixed (byte* pointer = status)
        {
            if (GetStatus(CurrentDirectory, path, NoFollow, BasicStatus, pointer) != 0)
                throw new IOException($"{path} cannot be looked at: {Native.LastError}");
        }
        return status;
    }

    [LibraryImport(Libc, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int GetStatus(int directory, string path, int flags, uint mask, byte* status);

    [LibraryImport(Libc, EntryPoint = "chown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, uint user, uint group);

    [LibraryImport(Libc, EntryPoint = "lchown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeLinkOwner(string path, uint user, uint group);

    [LibraryImport(Libc, EntryPoint = "chmod", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeMode(string path, uint mode);

    [LibraryImport(Libc, EntryPoint = "utimensat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetTimes(int directory, string path, long* times, int flags);

    [LibraryImport(Libc, EntryPoint = "listxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint ListAttributes(string path, byte* names, nint size);

    [LibraryImport(Libc, EntryPoint = "getxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint GetAttribute(string path, string name, byte* value, nint size);

    [LibraryImport(Libc, EntryPoint = "setxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetAttribute(string path, string name, byte* value, nint size, int flags);
}
