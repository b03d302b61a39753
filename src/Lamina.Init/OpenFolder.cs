using System.Runtime.InteropServices;
using Lamina.Platform;
using Host = Lamina.Platform.Native;

namespace Lamina.Init;

/// <summary>
/// A directory that is open. Names in it are bytes, and no link is followed on the way: the archives of others decide both.
/// </summary>
internal sealed unsafe class OpenFolder : IDisposable
{
    private OpenFolder(int descriptor, string path)
    {
        Descriptor = descriptor;
        Path = path;
    }

    /// <summary>Its descriptor.</summary>
    public int Descriptor { get; }

    /// <summary>How messages call it; ends in a slash.</summary>
    public string Path { get; }

    /// <summary>The device of its file system: another one further down means that something is mounted there.</summary>
    public ulong Device => DeviceOf(FileStatus.Find(Descriptor, "."u8) ?? throw Failure("."u8, "cannot be looked at"));

    /// <summary>Opens a directory by its path.</summary>
    /// <param name="path">The path.</param>
    /// <param name="shown">How messages call it.</param>
    public static OpenFolder Open(string path, string? shown = null)
    {
        int descriptor = Native.Open(path, DirectoryCalls.Directory | Native.CloseOnExec, 0);
        return descriptor >= 0 ? new OpenFolder(descriptor, shown ?? $"{path.TrimEnd('/')}/")
            : throw new IOException($"{path} cannot be opened: {Native.LastError}");
    }

    /// <summary>Opens a directory in this one.</summary>
    public OpenFolder Child(ReadOnlySpan<byte> name)
    {
        int descriptor = TryOpen(name, DirectoryCalls.Directory);
        return descriptor >= 0 ? new OpenFolder(descriptor, $"{PathOf(name)}/") : throw Failure(name, "cannot be opened");
    }

    /// <summary>Opens what has a name; less than 0 after a failure. The caller closes it.</summary>
    public int TryOpen(ReadOnlySpan<byte> name, int flags, uint mode = 0)
    {
        fixed (byte* text = Terminated(name))
            return DirectoryCalls.OpenAt(Descriptor, text, flags | DirectoryCalls.NoFollow | Native.CloseOnExec, mode);
    }

    /// <summary>Looks at what has a name; null if nothing has.</summary>
    public FileStatus? Find(ReadOnlySpan<byte> name) => FileStatus.Find(Descriptor, name);

    /// <summary>The names in it, sorted by their bytes.</summary>
    public List<byte[]> Names()
    {
        int descriptor = TryOpen("."u8, DirectoryCalls.Directory);          // with a position of its own
        nint listing = descriptor < 0 ? 0 : DirectoryCalls.OpenListing(descriptor);
        if (listing == 0)
            throw Failure("."u8, "cannot be listed");
        List<byte[]> names = [];
        for (byte* entry; (entry = Host.ReadListing(listing)) != null;)
        {
            ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + DirectoryCalls.EntryName);
            if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                names.Add(name.ToArray());
        }
        _ = Host.CloseListing(listing);
        names.Sort(static (a, b) => a.AsSpan().SequenceCompareTo(b));
        return names;
    }

    /// <summary>How messages call a name in it.</summary>
    public string PathOf(ReadOnlySpan<byte> name) => Path + PathBytes.ToText(PathBytes.Decode(name));

    /// <summary>The failure of the call just made.</summary>
    public IOException Failure(ReadOnlySpan<byte> name, string what)
    {
        int errno = Marshal.GetLastPInvokeError();
        return new IOException($"{PathOf(name)} {what}: {Marshal.GetPInvokeErrorMessage(errno)}", errno);
    }

    /// <summary>The device that a status tells of.</summary>
    public static ulong DeviceOf(in FileStatus status) => (ulong)status.FileSystemMajor << 32 | status.FileSystemMinor;

    /// <summary>A name as the C library takes it.</summary>
    public static byte[] Terminated(ReadOnlySpan<byte> name) => [.. name, 0];

    /// <inheritdoc/>
    public void Dispose() => _ = Native.Close(Descriptor);
}
