using System.Runtime.InteropServices;
using Lamina.Platform;
using Lamina.Reading;

namespace Lamina.Fuzz;

/// <summary>
/// Files as the kernel has them: names, targets and attribute values are bytes, which System.IO cannot say. Paths are
/// without a final NUL here.
/// </summary>
internal static unsafe partial class RawFiles
{
    /// <summary>The kernel's own limit of a value and of a list of names (XATTR_SIZE_MAX, XATTR_LIST_MAX).</summary>
    private const int AttributeLimit = 65536;

    private const int NameAtInDirent = 19;

    internal static FileStatus Status(byte[] path)
    {
        FileStatus status = default;
        fixed (byte* name = Terminated(path))
        {
            if (Native.Status(Native.CurrentDirectory, name, Native.NoFollow, FileStatus.Basic, &status) != 0)
                throw Failure("statx", path);
        }
        return status;
    }

    internal static List<byte[]> ListDirectory(byte[] path)
    {
        nint stream;
        fixed (byte* name = Terminated(path))
            stream = OpenDirectory(name);
        if (stream == 0)
            throw Failure("opendir", path);
        List<byte[]> names = [];
        while (true)
        {
            Marshal.SetLastSystemError(0);
            byte* entry = ReadDirectory(stream);
            if (entry == null)
                break;
            ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + NameAtInDirent);
            if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                names.Add(name.ToArray());
        }
        int errno = Marshal.GetLastSystemError();
        _ = CloseDirectory(stream);
        return errno == 0 ? names : throw Failure("readdir", path, errno);
    }

    internal static byte[] LinkTarget(byte[] path)
    {
        byte[] buffer = new byte[Native.PathLimit];
        nint count;
        fixed (byte* name = Terminated(path), target = buffer)
            count = ReadLink(name, target, buffer.Length);
        return count >= 0 ? buffer[..(int)count] : throw Failure("readlink", path);
    }

    /// <summary>Extended attributes, sorted by name bytes as the tests compare them.</summary>
    internal static List<(byte[] Name, byte[] Value)> Attributes(byte[] path)
    {
        List<(byte[] Name, byte[] Value)> attributes = [];
        fixed (byte* name = Terminated(path))
        {
            nint length = ListAttributes(name, null, 0);
            if (length < 0)
                throw Failure("llistxattr", path);
            if (length == 0)
                return attributes;
            byte[] list = new byte[length];
            fixed (byte* pointer = list)
                length = ListAttributes(name, pointer, length);
            if (length < 0)
                throw Failure("llistxattr", path);
            int start = 0;
            while (start < length)
            {
                int end = Array.IndexOf(list, (byte)0, start);
                byte[] key = list[start..end];
                attributes.Add((key, Attribute(path, name, key)));
                start = end + 1;
            }
        }
        attributes.Sort((a, b) => a.Name.AsSpan().SequenceCompareTo(b.Name));
        return attributes;
    }

    /// <summary>Opens a file for reading, without following a link at its end.</summary>
    internal static int Open(byte[] path)
    {
        fixed (byte* name = Terminated(path))
        {
            int descriptor = OpenFile(name, Native.OpenReadOnly | Native.OpenCloseOnExec);
            return descriptor >= 0 ? descriptor : throw Failure("open", path);
        }
    }

    internal static int Read(int descriptor, Span<byte> buffer, byte[] path)
    {
        fixed (byte* pointer = buffer)
        {
            nint count = Native.Read(descriptor, pointer, buffer.Length);
            return count >= 0 ? (int)count : throw Failure("read", path);
        }
    }

    private static byte[] Attribute(byte[] path, byte* pathPointer, byte[] key)
    {
        // Most values are tiny; ask for the size only where the small buffer is too small.
        byte* small = stackalloc byte[512];
        fixed (byte* keyPointer = Terminated(key))
        {
            nint count = GetAttribute(pathPointer, keyPointer, small, 512);
            if (count >= 0)
                return new ReadOnlySpan<byte>(small, (int)count).ToArray();
            byte[] large = new byte[AttributeLimit];
            fixed (byte* pointer = large)
                count = GetAttribute(pathPointer, keyPointer, pointer, large.Length);
            return count >= 0 ? large[..(int)count] : throw Failure("lgetxattr", path);
        }
    }

    private static byte[] Terminated(byte[] path) => [.. path, 0];

    private static Exception Failure(string call, byte[] path, int? errno = null) =>
        SystemFailure.Make($"{call} {ShownBytes.Of(path)}", errno ?? Marshal.GetLastPInvokeError());

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true)]
    private static partial int OpenFile(byte* path, int flags);

    [LibraryImport("libc", EntryPoint = "opendir", SetLastError = true)]
    private static partial nint OpenDirectory(byte* path);

    [LibraryImport("libc", EntryPoint = "readdir")]
    private static partial byte* ReadDirectory(nint stream);

    [LibraryImport("libc", EntryPoint = "closedir")]
    private static partial int CloseDirectory(nint stream);

    [LibraryImport("libc", EntryPoint = "readlink", SetLastError = true)]
    private static partial nint ReadLink(byte* path, byte* target, nint size);

    [LibraryImport("libc", EntryPoint = "llistxattr", SetLastError = true)]
    private static partial nint ListAttributes(byte* path, byte* list, nint size);

    [LibraryImport("libc", EntryPoint = "lgetxattr", SetLastError = true)]
    private static partial nint GetAttribute(byte* path, byte* name, byte* value, nint size);
}
