using Lamina.Platform;

namespace Lamina.Exporting;

/// <summary>
/// Opens the directories below the one extracted into, one name after the other and never through a link, and keeps those on
/// the way to the last one open. For one thread.
/// </summary>
internal sealed class DirectoryCursor(string target, int root) : IDisposable
{
    /// <summary>Directories kept open at once: deeper ones are rare, and descriptors are few.</summary>
    private const int MaxOpen = 48;

    private readonly List<(ItemPath Path, int Descriptor)> _open = [];
    private readonly List<ItemPath> _missing = [];

    /// <summary>The descriptor of a directory, good until the next call.</summary>
    public int MoveTo(ItemPath path)
    {
        if (path.Parent is null)
            return root;
        while (_open.Count > 0 && !IsAbove(_open[^1].Path, path))
            CloseLast();
        ItemPath reached = _open.Count > 0 ? _open[^1].Path : ItemPath.Root;
        for (ItemPath at = path; at != reached; at = at.Parent!)
            _missing.Add(at);
        while (_missing.Count > 0)
        {
            Open(_missing[^1]);
            _missing.RemoveAt(_missing.Count - 1);
        }
        return _open[^1].Descriptor;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_open.Count > 0)
            CloseLast();
    }

    private static bool IsAbove(ItemPath upper, ItemPath path)
    {
        while (path.Depth > upper.Depth)
            path = path.Parent!;
        return path == upper;
    }

    private unsafe void Open(ItemPath path)
    {
        byte* name = stackalloc byte[HostName.BufferSize];
        HostName.Copy(path.Name.Span, name);
        int above = _open.Count > 0 ? _open[^1].Descriptor : root;
        int flags = HostCalls.ReadOnly | DirectoryCalls.Directory | DirectoryCalls.NoFollow | HostCalls.CloseOnExec;
        int descriptor = DirectoryCalls.OpenAt(above, name, flags, 0);
        if (descriptor < 0)
            throw HostError.Failure($"{target}{path}: the directory cannot be opened");
        _open.Add((path, descriptor));
        if (_open.Count > MaxOpen)
        {
            _ = HostCalls.Close(_open[0].Descriptor);
            _open.RemoveAt(0);
        }
    }

    private void CloseLast()
    {
        _ = HostCalls.Close(_open[^1].Descriptor);
        _open.RemoveAt(_open.Count - 1);
    }
}

/// <summary>Names for the C library: a NUL behind, in memory of the caller's.</summary>
internal static unsafe class HostName
{
    /// <summary>The longest name and the NUL.</summary>
    public const int BufferSize = Tree.Entry.MaxNameLength + 1;

    /// <summary>Copies a name that has been checked; a buffer of <see cref="BufferSize"/> takes it.</summary>
    public static void Copy(ReadOnlySpan<byte> name, byte* buffer)
    {
        name.CopyTo(new Span<byte>(buffer, BufferSize - 1));
        buffer[name.Length] = 0;
    }
}
