using System.Runtime.InteropServices;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Layers;

/// <summary>
/// The data of a file in a directory that is a layer. It is read when asked for, and must still be the file that was seen: its
/// size and its times are compared each time.
/// </summary>
internal sealed class HostContent(DescriptorCache cache, HostFolder folder, byte[] name, in FileStatus seen) : Content
{
    /// <summary>What <c>st_blocks</c> counts, in bytes.</summary>
    private const int BlockUnit = 512;

    private readonly ulong _inode = seen.Inode;
    private readonly (long, uint) _modified = (seen.ModifiedSeconds, seen.ModifiedNanoseconds);
    private readonly (long, uint) _changed = (seen.ChangedSeconds, seen.ChangedNanoseconds);

    /// <inheritdoc/>
    public override long Size { get; } = checked((long)seen.Size);

    private bool MayHaveHoles { get; } = seen.Blocks * BlockUnit < seen.Size;

    /// <inheritdoc/>
    public override ContentSource Open(string name = "file") => new Source(name, this);

    private IOException Changed() => new($"{folder.PathOf(name)}: changed while it was read");

    private DescriptorCache.Lease OpenFile()
    {
        if (cache.Find(this) is { } found)
            return found;
        int descriptor = folder.TryOpen(name, 0);
        if (descriptor >= 0)
            return cache.Add(this, descriptor);
        throw -descriptor is Errno.NoEntry or Errno.NotDirectory
            ? new IOException($"{folder.PathOf(name)}: vanished while its directory was read", -descriptor)
            : SystemFailure.Make($"{folder.PathOf(name)}: cannot be opened", -descriptor);
    }

    private unsafe void RequireSame(int descriptor)
    {
        FileStatus status = default;
        byte nothing = 0;
        if (Native.Status(descriptor, &nothing, Native.EmptyPath, FileStatus.Basic, &status) != 0)
            throw SystemFailure.Last($"{folder.PathOf(name)}: cannot be looked at");
        if (status.Inode != _inode || status.Size != (ulong)Size
            || (status.ModifiedSeconds, status.ModifiedNanoseconds) != _modified
            || (status.ChangedSeconds, status.ChangedNanoseconds) != _changed)
        {
            throw Changed();
        }
    }

    private unsafe void Read(long offset, Span<byte> destination)
    {
        using DescriptorCache.Lease file = OpenFile();
        while (!destination.IsEmpty)
        {
            nint count;
            fixed (byte* bytes = destination)
                count = DirectoryCalls.ReadAt(file.Descriptor, bytes, destination.Length, offset);
            if (count < 0)
                throw SystemFailure.Last($"{folder.PathOf(name)}: cannot be read at byte {offset}");
            if (count == 0)
                throw Changed();
            destination = destination[(int)count..];
            offset += count;
        }
        RequireSame(file.Descriptor);
    }

    private List<DataRange> FindData()
    {
        using DescriptorCache.Lease file = OpenFile();
        List<DataRange> ranges = [];
        for (long at = 0; at < Size;)
        {
            long start = DirectoryCalls.Seek(file.Descriptor, at, Native.ToData);
            if (start < 0 && Marshal.GetLastPInvokeError() == Errno.NoDeviceOrAddress)
                break;                                                  // nothing but a hole is left
            long end = start < 0 ? -1 : DirectoryCalls.Seek(file.Descriptor, start, Native.ToHole);
            if (end <= start || start < at)
            {
                ranges.Add(new DataRange(at, Size - at));               // the file system knows of no holes
                break;
            }
            if (start < Size)
                ranges.Add(new DataRange(start, Math.Min(end, Size) - start));
            at = end;
        }
        RequireSame(file.Descriptor);
        return ranges;
    }

    private sealed class Source(string name, HostContent content) : ContentSource(name, content.Size)
    {
        protected override IEnumerable<DataRange> EnumerateParts() =>
            content.MayHaveHoles ? content.FindData() : [new DataRange(0, content.Size)];

        protected override void ReadWithin(long offset, Span<byte> destination) => content.Read(offset, destination);
    }
}
