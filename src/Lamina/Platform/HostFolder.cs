using System.Runtime.InteropServices;

namespace Lamina.Platform;

/// <summary>
/// A directory below one that becomes a layer. It is opened by way of the one above it, name by name and never through a link, so
/// neither the length of the path nor who renames things meanwhile matters: it is the directory that was seen, or an error.
/// </summary>
internal sealed unsafe class HostFolder
{
    /// <summary>NAME_MAX, with the NUL behind it one more.</summary>
    internal const int MaxName = 255;

    private readonly DescriptorCache _cache;
    private readonly HostFolder? _parent;
    private readonly byte[] _name;

    private HostFolder(DescriptorCache cache, HostFolder? parent, byte[] name, FileIdentity identity)
    {
        _cache = cache;
        _parent = parent;
        _name = name;
        Identity = identity;
        Depth = parent is null ? 0 : parent.Depth + 1;
    }

    /// <summary>Which directory it is.</summary>
    public FileIdentity Identity { get; }

    /// <summary>How many directories are above it.</summary>
    public int Depth { get; }

    /// <summary>The path from outside.</summary>
    public string Path => _parent is null ? PathBytes.Decode(_name) : _parent.PathOf(_name);

    /// <summary>The directory that begins it all; links to it are followed.</summary>
    public static HostFolder Open(string path, DescriptorCache cache)
    {
        HostFolder root = new(cache, null, PathBytes.Encode(path), FileIdentity.Of(FileStatus.Of(path)));
        using DescriptorCache.Lease lease = root.Open();                // an error now if it may not be read
        return root;
    }

    /// <summary>A directory in this one.</summary>
    public HostFolder Child(byte[] name, in FileStatus status) => new(_cache, this, name, FileIdentity.Of(status));

    /// <summary>The path of a name in this directory, from outside.</summary>
    public string PathOf(ReadOnlySpan<byte> name) => $"{Path.TrimEnd('/')}/{PathBytes.Decode(name)}";

    /// <summary>The nearest directory above that is the same one, mounted a second time; null if there is none.</summary>
    public HostFolder? Ancestor(FileIdentity identity)
    {
        for (HostFolder? at = this; at is not null; at = at._parent)
        {
            if (at.Identity == identity)
                return at;
        }
        return null;
    }

    /// <summary>Opens the directory, or gives what is open.</summary>
    public DescriptorCache.Lease Open()
    {
        if (_cache.Find(this) is { } found)
            return found;
        Stack<HostFolder> missing = new();
        DescriptorCache.Lease? above = null;
        for (HostFolder? at = this; at is not null && (above = _cache.Find(at)) is null; at = at._parent)
            missing.Push(at);
        while (missing.TryPop(out HostFolder? next))
        {
            DescriptorCache.Lease? before = above;
            try
            {
                above = _cache.Add(next, next.OpenBelow(before?.Descriptor ?? Native.CurrentDirectory));
            }
            finally
            {
                before?.Dispose();
            }
        }
        return above!.Value;
    }

    /// <summary>Opens what a name in this directory is, never through a link. The caller closes it.</summary>
    /// <returns>The descriptor, or the errno as a negative number.</returns>
    public int TryOpen(ReadOnlySpan<byte> name, int flags)
    {
        using DescriptorCache.Lease lease = Open();
        fixed (byte* text = Terminated(name, stackalloc byte[MaxName + 1]))
        {
            int descriptor = DirectoryCalls.OpenAt(lease.Descriptor, text, Native.OpenReadOnly | Native.OpenCloseOnExec
                | DirectoryCalls.NoFollow | DirectoryCalls.NonBlocking | flags, 0);
            return descriptor >= 0 ? descriptor : -Marshal.GetLastPInvokeError();
        }
    }

    /// <summary>The names in the directory, sorted by their bytes.</summary>
    public List<byte[]> Names()
    {
        int descriptor = TryOpen("."u8, DirectoryCalls.Directory);      // with a position of its own
        nint listing = descriptor < 0 ? 0 : DirectoryCalls.OpenListing(descriptor);
        if (listing == 0)
        {
            int failure = descriptor < 0 ? -descriptor : Marshal.GetLastPInvokeError();
            if (descriptor >= 0)
                _ = Native.Close(descriptor);
            throw SystemFailure.Make($"{Path}: cannot be listed", failure);
        }
        List<byte[]> names = [];
        for (byte* entry; (entry = Native.ReadListing(listing)) != null;)
        {
            ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + DirectoryCalls.EntryName);
            if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                names.Add(name.ToArray());
        }
        int errno = Marshal.GetLastPInvokeError();                      // 0 at the end
        _ = Native.CloseListing(listing);
        if (errno != 0)
            throw SystemFailure.Make($"{Path}: cannot be listed", errno);
        names.Sort(static (a, b) => a.AsSpan().SequenceCompareTo(b));
        return names;
    }

    /// <summary>A name with a NUL behind it, as the C library takes it.</summary>
    public static ReadOnlySpan<byte> Terminated(ReadOnlySpan<byte> name, Span<byte> buffer)
    {
        name.CopyTo(buffer);
        buffer[name.Length] = 0;
        return buffer;
    }

    private int OpenBelow(int directory)
    {
        byte[] name = [.. _name, 0];
        int noFollow = _parent is null ? 0 : DirectoryCalls.NoFollow;
        fixed (byte* text = name)
        {
            int descriptor = DirectoryCalls.OpenAt(directory, text,
                Native.OpenReadOnly | Native.OpenCloseOnExec | DirectoryCalls.Directory | noFollow, 0);
            if (descriptor < 0)
                throw SystemFailure.Last($"{Path}: cannot be opened");
            FileStatus status = default;
            byte nothing = 0;
            if (Native.Status(descriptor, &nothing, Native.EmptyPath, FileStatus.Basic, &status) == 0
                && FileIdentity.Of(status) == Identity)
            {
                return descriptor;
            }
            _ = Native.Close(descriptor);
            throw new IOException($"{Path}: is another directory than before: it changed while it was read");
        }
    }
}
