using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Platform;

/// <summary>
/// Where an output goes: what its name leads to, and how the result gets there. One rule for all outputs: a file appears whole
/// or not at all; a block device is written in its place; anything else is refused; a link is followed, not replaced; an input
/// is never an output.
/// </summary>
internal abstract class OutputPlace(SafeFileHandle handle) : IDisposable
{
    private const int MaxLinks = 40;

    /// <summary>What is written to.</summary>
    public SafeFileHandle Handle => handle;

    /// <summary>The block device this is; null of a file, which has as many bytes as are written.</summary>
    public virtual DeviceRoom? Device => null;

    /// <summary>Puts the result under its name, and waits until that is on the medium. The data are there already.</summary>
    public abstract void Commit();

    /// <inheritdoc/>
    public virtual void Dispose() => handle.Dispose();

    /// <summary>Opens a place for an output.</summary>
    /// <param name="path">The name the user gave.</param>
    /// <param name="overwrites">Whether a file, or what a device holds, may be replaced.</param>
    /// <param name="inputs">What may not be replaced in any case.</param>
    /// <param name="takesDevices">Whether a block device makes sense.</param>
    public static OutputPlace Open(string path, bool overwrites, InputFiles? inputs, bool takesDevices)
    {
        if (path.Length == 0)
            throw new ArgumentException("an output needs a name");
        inputs?.Refuse(path);
        if (!OperatingSystem.IsLinux())
            return NamedFile.Begin(System.IO.Path.GetFullPath(path), path, overwrites);
        if (FileStatus.Find(path) is { } status)
        {
            switch (status.Type)
            {
                case FileStatus.RegularFile when overwrites:
                    break;
                case FileStatus.RegularFile:
                    throw Exists(path);
                case FileStatus.BlockDevice when takesDevices && !overwrites:
                    throw new IOException($"{path}: is a block device; --force writes over what it holds");
                case FileStatus.BlockDevice when takesDevices:
                    return new DevicePlace(path, ChangedFile.OpenDevice(path));
                default:
                    throw new IOException($"{path}: is {Describe(status.Type)}; the output can only be a file" +
                        (takesDevices ? " or a block device" : ""));
            }
        }
        string end = EndOfLinks(path);
        return UnnamedFile.TryBegin(end, path, overwrites) ?? (OutputPlace)NamedFile.Begin(end, path, overwrites);
    }

    /// <summary>
    /// Opens what takes a stream of bytes as it comes, a FIFO or a character device; null if the name leads to anything else.
    /// </summary>
    public static Stream? OpenStream(string path) => OperatingSystem.IsLinux() &&
        FileStatus.Find(path) is { Type: FileStatus.Fifo or FileStatus.CharacterDevice }
        ? new FileStream(OpenExisting(path, Native.OpenWriteOnly), FileAccess.Write, 0) : null;

    /// <summary>Opens a place beside a file for what nobody is to see; it is gone when disposed.</summary>
    public static OutputPlace OpenAside(string path)
    {
        if (!OperatingSystem.IsLinux())
            return NamedFile.Begin(System.IO.Path.GetFullPath(path) + ".aside", path, overwrites: true);
        string end = EndOfLinks(path);
        return UnnamedFile.TryBegin(end, path, overwrites: true)
            ?? (OutputPlace)NamedFile.Begin(end + ".aside", path, overwrites: true);
    }

    /// <summary>What a file is, with its article.</summary>
    public static string Describe(uint type) => type switch
    {
        FileStatus.Directory => "a directory",
        FileStatus.CharacterDevice => "a character device",
        FileStatus.BlockDevice => "a block device",
        FileStatus.Fifo => "a FIFO",
        FileStatus.Socket => "a socket",
        FileStatus.SymbolicLink => "a symbolic link",
        _ => "a file",
    };

    /// <summary>Opens a file that is there.</summary>
    public static SafeFileHandle OpenExisting(string path, int flags)
    {
        int descriptor = Native.Open(path, flags | Native.OpenCloseOnExec, 0);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true)
            : throw SystemFailure.Last($"{path}: cannot be opened");
    }

    /// <summary>Whether two names lead to one file, or will when there is one.</summary>
    public static bool AreSame(string first, string second)
    {
        if (!OperatingSystem.IsLinux())
            return System.IO.Path.GetFullPath(first) == System.IO.Path.GetFullPath(second);
        if (FileIdentity.Of(first) is { } there)
            return FileIdentity.Of(second) is { } other && there.Touches(other);
        (string Folder, string Name) one = HostFile.Parts(EndOfLinks(first)), two = HostFile.Parts(EndOfLinks(second));
        return one.Name == two.Name && FileIdentity.Of(one.Folder) == FileIdentity.Of(two.Folder);
    }

    protected static IOException Exists(string path) => new($"{path}: exists already; --force replaces it", Errno.Exists);

    /// <summary>Refuses to replace a file that somebody is changing: what they say is done would be gone.</summary>
    protected static void RefuseChanging(string path)
    {
        if (FileStatus.Find(path) is not { Type: FileStatus.RegularFile } || Native.Open(path,
            Native.OpenReadOnly | Native.OpenCloseOnExec, 0) is not (>= 0 and int descriptor))
            return;
        using SafeFileHandle file = new(descriptor, ownsHandle: true);
        if (FileLock.IsTaken(file))
            throw new IOException($"{path}: is being changed by somebody else; try again when that is done", Errno.Again);
    }

    /// <summary>The name at the end of a chain of links; nothing need be there.</summary>
    private static unsafe string EndOfLinks(string path)
    {
        const int size = Native.PathLimit;
        byte* target = stackalloc byte[size];
        for (int links = 0; FileStatus.Find(path, followsLinks: false) is { Type: FileStatus.SymbolicLink }; links++)
        {
            nint length = Native.ReadLink(path, target, size);
            if (length < 0 || length == size || links == MaxLinks)
                throw SystemFailure.Last($"{path}: the link cannot be followed");
            string next = PathBytes.Decode(new ReadOnlySpan<byte>(target, (int)length));
            path = next.StartsWith('/') ? next : $"{HostFile.Parts(path).Folder}/{next}";
        }
        return path;
    }
}

/// <summary>A block device: what is written is there at once, but for the first page, which makes it an image.</summary>
internal sealed class DevicePlace : OutputPlace
{
    /// <summary>Holds the lock of the file under a loop device.</summary>
    private readonly SafeFileHandle? _below;

    /// <param name="path">Its name.</param>
    /// <param name="handle">The device, open; it is closed if this fails.</param>
    public DevicePlace(string path, SafeFileHandle handle) : base(handle)
    {
        try
        {
            Device = DeviceRoom.Of(path, handle);
            _below = FileLock.TakeBelow(handle, path);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override DeviceRoom Device { get; }

    /// <inheritdoc/>
    public override void Commit()
    {
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _below?.Dispose();
    }
}
