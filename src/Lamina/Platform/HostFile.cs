using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Platform;

/// <summary>
/// Files of the host under the names that the kernel means. The base library collapses <c>DIR/../x</c> as text before it asks,
/// which is another file where DIR is a link; and it knows no names that are not UTF-8.
/// </summary>
internal static unsafe class HostFile
{
    /// <summary>Keys, certificates, lists and programs are smaller; what is larger is no such thing, in bytes.</summary>
    private const int WholeLimit = 256 << 20;

    private const uint AllRights = 0x1FF;                               // 0777, less what umask takes away

    /// <summary>Whether there is something other than a directory; false as well if that cannot be known.</summary>
    public static bool Exists(string path) =>
        OperatingSystem.IsLinux() ? Type(path) is { } type && type != FileStatus.Directory : File.Exists(path);

    /// <summary>Whether there is a directory; false as well if that cannot be known.</summary>
    public static bool IsDirectory(string path) =>
        OperatingSystem.IsLinux() ? Type(path) == FileStatus.Directory : Directory.Exists(path);

    /// <summary>Opens a file for reading.</summary>
    /// <exception cref="FileNotFoundException">There is nothing.</exception>
    /// <exception cref="IOException">It is a directory, or the system refused.</exception>
    public static SafeFileHandle OpenRead(string path)
    {
        if (!OperatingSystem.IsLinux())
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        int descriptor = Native.Open(path, Native.OpenReadOnly | Native.OpenCloseOnExec, 0);
        if (descriptor < 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            throw errno is Errno.NoEntry or Errno.NotDirectory
                ? new FileNotFoundException($"{path}: there is no such file", path)
                : SystemFailure.Make($"{path}: cannot be opened", errno);
        }
        SafeFileHandle file = new(descriptor, ownsHandle: true);
        if (FileStatus.Of(file).Type != FileStatus.Directory)
            return file;
        file.Dispose();
        throw new IOException($"{path}: is a directory, which cannot be read as a file", Errno.IsDirectory);
    }

    /// <summary>Opens a file to be read from its start on; a pipe as well.</summary>
    public static FileStream OpenStream(string path) => new(OpenRead(path), FileAccess.Read, 0);

    /// <summary>Reads a small file.</summary>
    /// <exception cref="IOException">It is larger than what is read in one piece.</exception>
    public static byte[] ReadAllBytes(string path)
    {
        using FileStream file = OpenStream(path);
        using MemoryStream all = new();
        byte[] step = new byte[1 << 16];
        for (int count; (count = file.Read(step)) > 0;)
        {
            if (all.Length + count > WholeLimit)
                throw new IOException($"{path}: has more than {WholeLimit} bytes, which cannot be what it is read for");
            all.Write(step, 0, count);
        }
        return all.ToArray();
    }

    /// <summary>The lines of a text, read as they are asked for.</summary>
    public static IEnumerable<string> ReadLines(string path)
    {
        using StreamReader reader = new(OpenStream(path));
        while (reader.ReadLine() is { } line)
            yield return line;
    }

    /// <summary>Makes a directory, and those above it that are missing.</summary>
    /// <param name="path">The directory; nothing is done if it is there.</param>
    /// <param name="mode">The permissions of a new one.</param>
    public static void MakeDirectory(string path, uint mode = AllRights)
    {
        if (path.Length == 0)
            throw new ArgumentException("a directory needs a name");
        if (!OperatingSystem.IsLinux())
        {
            Directory.CreateDirectory(path);
            return;
        }
        string above = path.TrimEnd('/');
        above = above[..Math.Max(0, above.LastIndexOf('/'))];
        int errno = Try();
        if (errno == Errno.NoEntry && above.Length > 0)
        {
            MakeDirectory(above);
            errno = Try();
        }
        if (errno == Errno.Exists && !IsDirectory(path))
            throw new IOException($"{path}: is there, and no directory", errno);
        if (errno is not (0 or Errno.Exists))
            throw SystemFailure.Make($"{path}: the directory cannot be made", errno);

        int Try() => Native.MakeDirectory(path, mode) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>Makes a directory for what is needed for a while only, which nobody else can enter.</summary>
    /// <param name="prefix">What its name begins with.</param>
    public static string MakeTemporaryDirectory(string prefix)
    {
        const uint ownerOnly = 0x1C0;                                   // 0700
        if (!OperatingSystem.IsLinux())
            return Directory.CreateTempSubdirectory(prefix).FullName;
        string folder = Resolve(Path.GetTempPath());
        for (int i = 0; ; i++)
        {
            string path = $"{folder}/{prefix}{Environment.ProcessId}-{i}";
            if (Native.MakeDirectory(path, ownerOnly) == 0)
                return path;
            if (Marshal.GetLastPInvokeError() is not Errno.Exists)
                throw SystemFailure.Last($"{path}: the directory cannot be made");
        }
    }

    /// <summary>Removes an empty directory.</summary>
    public static void RemoveDirectory(string path)
    {
        if (!OperatingSystem.IsLinux())
            Directory.Delete(path);
        else if (Native.RemoveDirectory(path) != 0)
            throw SystemFailure.Last($"{path}: the directory cannot be removed");
    }

    /// <summary>Removes a file, if there is one.</summary>
    public static void Remove(string path)
    {
        if (!OperatingSystem.IsLinux())
            File.Delete(path);
        else if (Native.Unlink(path) != 0 && Marshal.GetLastPInvokeError() is not (Errno.NoEntry or Errno.NotDirectory))
            throw SystemFailure.Last($"{path}: cannot be removed");
    }

    /// <summary>The names in a directory, in no order.</summary>
    public static List<string> Names(string folder)
    {
        if (!OperatingSystem.IsLinux())
            return [.. Directory.EnumerateFileSystemEntries(folder).Select(path => Path.GetFileName(path))];
        nint listing = Native.OpenListing(folder);
        if (listing == 0)
            throw SystemFailure.Last($"{folder}: cannot be listed");
        List<string> names = [];
        for (byte* entry; (entry = Native.ReadListing(listing)) != null;)
        {
            string name = PathBytes.Decode(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + DirectoryCalls.EntryName));
            if (name is not ("." or ".."))
                names.Add(name);
        }
        int errno = Marshal.GetLastPInvokeError();                      // 0 at the end
        _ = Native.CloseListing(listing);
        return errno == 0 ? names : throw SystemFailure.Make($"{folder}: cannot be listed", errno);
    }

    /// <summary>Folder and name of a path, as the kernel means them: nothing is collapsed.</summary>
    public static (string Folder, string Name) Parts(string path)
    {
        if (!OperatingSystem.IsLinux())
            return (Path.GetDirectoryName(Path.GetFullPath(path)) ?? path, Path.GetFileName(path));
        int slash = path.LastIndexOf('/');
        return slash < 0 ? (".", path) : (slash == 0 ? "/" : path[..slash], path[(slash + 1)..]);
    }

    /// <summary>The path from the root to what a path names, a link or not; its folder must be there.</summary>
    public static string FullPath(string path)
    {
        if (!OperatingSystem.IsLinux())
            return Path.GetFullPath(path);
        (string folder, string name) = Parts(path);
        return name is "" or "." or ".." ? Resolve(path) : $"{Resolve(folder, path).TrimEnd('/')}/{name}";
    }

    /// <summary>The path from the root without any links to what is there.</summary>
    public static string Resolve(string path) => Resolve(path, path);

    private static string Resolve(string path, string shown)
    {
        byte* resolved = stackalloc byte[Native.PathLimit];
        return Native.RealPath(path, resolved) == 0 ? throw SystemFailure.Last($"{shown} cannot be looked at")
            : PathBytes.Decode(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(resolved));
    }

    private static uint? Type(string path)
    {
        if (path.Contains('\0', StringComparison.Ordinal))
            return null;
        FileStatus status = default;
        fixed (byte* name = PathBytes.EncodeTerminated(path))
        {
            return Native.Status(Native.CurrentDirectory, name, 0, FileStatus.Basic, &status) == 0 ? status.Type : null;
        }
    }
}
