using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Platform;

/// <summary>A block device that is written in its place.</summary>
/// <param name="Path">Its name, for messages.</param>
/// <param name="Length">The bytes it has.</param>
internal sealed record DeviceRoom(string Path, long Length)
{
    /// <summary>Of a device that is open.</summary>
    public static DeviceRoom Of(string path, SafeFileHandle device) =>
        new(path, Math.Max(0, Native.Seek(device, 0, Native.FromEnd)));
}

/// <summary>Where an image is written: a file, by position.</summary>
/// <param name="handle">The file.</param>
/// <param name="progress">Is told how many bytes were written.</param>
/// <param name="device">Of a block device, its name and size; null of a file.</param>
/// <param name="name">What failures call it.</param>
internal class ImageOutput(SafeFileHandle handle, Action<long>? progress, DeviceRoom? device = null, string name = "the output")
    : IDisposable
{
    /// <summary>Bytes a step when data has to go through memory.</summary>
    private const int BufferSize = 1 << 20;

    /// <summary>Bytes a step when the kernel copies, so that progress can be told and a signal is not kept waiting.</summary>
    private const long KernelStep = 64 << 20;

    /// <summary>Sources that the kernel copies nothing of to here: on another file system, most of all.</summary>
    private readonly HashSet<SafeFileHandle> _unwilling = [];

    protected SafeFileHandle Handle => handle;

    /// <summary>Is told of every run of bytes that is in the file now: position and length. Null for nobody.</summary>
    public Action<long, long>? Wrote { get; set; }

    /// <summary>What was written, to be read again; it may still grow.</summary>
    public ByteSource ReadBack(string name) => new WrittenSource(handle, name, device);

    public virtual void Write(ReadOnlySpan<byte> bytes, long position)
    {
        FillTo(position);
        Put(bytes, position);
        Report(position, bytes.Length);
    }

    /// <summary>Writes what is not part of the image's own bytes, and so of no interest to who listens. From any
    /// thread.</summary>
    public virtual void WriteAside(ReadOnlySpan<byte> bytes, long position) => Put(bytes, position);

    /// <summary>
    /// Up to where a device is written without a gap. A file needs no such count: what was never written in it reads as zeros.
    /// </summary>
    public long Filled { get; set; }

    /// <summary>Sets the length; what was not written reads as zeros. A device only has to be long enough.</summary>
    public virtual void SetLength(long length)
    {
        if (device is not null)
        {
            if (length > device.Length)
                throw new IOException($"{device.Path}: {length} bytes are to be written, the device has {device.Length}");
            return;
        }
        try
        {
            RandomAccess.SetLength(handle, length);
        }
        catch (IOException failure)
        {
            throw Named(failure);
        }
    }

    /// <summary>Makes sure that the file system has room for bytes that are to be written, where it can say so.</summary>
    public void Reserve(long position, long length)
    {
        if (device is not null || !OperatingSystem.IsLinux() || Native.Allocate(handle, 0, position, length) == 0)
            return;
        int errno = Marshal.GetLastPInvokeError();
        if (errno is not (Errno.NotSupported or Errno.NotImplemented or Errno.Invalid))
            throw SystemFailure.Make($"{name}: room for {length} bytes cannot be had", errno);
    }

    /// <summary>
    /// Clears what a device has behind the image, as far as there is room: the tree of an image that was there before is none of
    /// this one.
    /// </summary>
    public void ClearBehind(long position, int count)
    {
        if (device is not null && device.Length > position)
            Put(new byte[(int)Math.Min(count, device.Length - position)], position);
    }

    /// <summary>Makes what was not written up to a position zeros, on a device as well.</summary>
    public void FillTo(long position)
    {
        if (device is null || position <= Filled)
            return;
        byte[] zeros = new byte[(int)Math.Min(position - Filled, BufferSize)];
        for (long at = Filled; at < position; at += zeros.Length)
            Put(zeros.AsSpan(0, (int)Math.Min(zeros.Length, position - at)), at);
        Filled = position;
    }

    /// <summary>Waits until all that was written is on the medium.</summary>
    public virtual void Flush()
    {
        try
        {
            RandomAccess.FlushToDisk(handle);
        }
        catch (IOException failure)
        {
            throw Named(failure);
        }
    }

    /// <summary>
    /// Copies bytes of a source, by the kernel where it can (which shares the blocks where the file system can). Holes stay
    /// holes.
    /// </summary>
    public virtual void CopyFrom(ByteSource source, long offset, long position, long length)
    {
        if (source.Memory is { IsEmpty: false } memory)
        {
            Write(memory.Span.Slice((int)offset, (int)length), position);
            return;
        }
        SafeFileHandle? file = OperatingSystem.IsLinux() ? source.Handle : null;
        while (length > 0)
        {
            long hole = file is null || device is not null ? 0 : Math.Min(length, NextData(file, offset) - offset);
            if (hole > 0)
            {
                Report(position, hole);
                (offset, position, length) = (offset + hole, position + hole, length - hole);
            }
            if (length == 0)
                break;
            long data = file is null || device is not null ? length : Math.Min(length, NextHole(file, offset) - offset);
            CopyData(source, file, offset, position, data);
            (offset, position, length) = (offset + data, position + data, length - data);
        }
    }

    /// <inheritdoc/>
    public virtual void Dispose() => handle.Dispose();

    /// <summary>Writes bytes to their place.</summary>
    protected virtual void Put(ReadOnlySpan<byte> bytes, long position)
    {
        try
        {
            RandomAccess.Write(handle, bytes, position);
        }
        catch (IOException failure)
        {
            throw Named(failure);
        }
    }

    /// <summary>.NET does not know the names of files that it did not open itself.</summary>
    private IOException Named(IOException failure) => new($"{name}: {failure.Message}", failure.HResult);

    /// <summary>Where data go on, from a position on; that position where the file system does not know.</summary>
    private static long NextData(SafeFileHandle file, long offset)
    {
        long next = Native.Seek(file, offset, Native.ToData);
        if (next >= offset)
            return next;
        // No data up to the end. A file that has become shorter is found when its end is read.
        return Marshal.GetLastPInvokeError() == Errno.NoDeviceOrAddress && RandomAccess.GetLength(file) is var end && end > offset
            ? end : offset;
    }

    /// <summary>Where the next hole begins; far away where the file system does not know.</summary>
    private static long NextHole(SafeFileHandle file, long offset) =>
        Native.Seek(file, offset, Native.ToHole) is var next && next > offset ? next : long.MaxValue;

    private void CopyData(ByteSource source, SafeFileHandle? file, long offset, long position, long length)
    {
        if (file is not null && device is null && !_unwilling.Contains(file))
        {
            long copied = CopyInKernel(file, offset, position, length);
            (offset, position, length) = (offset + copied, position + copied, length - copied);
        }
        if (length == 0)
            return;
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(length, BufferSize));
        while (length > 0)
        {
            Span<byte> part = buffer.AsSpan(0, (int)Math.Min(length, BufferSize));
            source.ReadExactly(offset, part);
            Write(part, position);
            (offset, position, length) = (offset + part.Length, position + part.Length, length - part.Length);
        }
        ArrayPool<byte>.Shared.Return(buffer);
    }

    private long CopyInKernel(SafeFileHandle from, long offset, long position, long length)
    {
        long done = 0;
        while (done < length)
        {
            long inOffset = offset + done, outOffset = position + done;
            nint step = (nint)Math.Min(length - done, KernelStep);
            nint count = Native.CopyFileRange(from, ref inOffset, handle, ref outOffset, step, 0);
            if (count <= 0)
            {
                // Another file system, a device, an old kernel: this source goes through memory. An end too early is found there.
                if (count < 0)
                    _unwilling.Add(from);
                break;
            }
            Report(position + done, count);
            done += count;
        }
        return done;
    }

    private void Report(long position, long count)
    {
        Filled = Math.Max(Filled, position + count);
        Wrote?.Invoke(position, count);
        progress?.Invoke(count);
    }

    private sealed class WrittenSource(SafeFileHandle file, string name, DeviceRoom? device) : ByteSource
    {
        public override string Name => name;

        public override long Length => device?.Length ?? RandomAccess.GetLength(file);

        public override int Read(long offset, Span<byte> destination)
        {
            int done = 0;
            for (int count; done < destination.Length; done += count)
            {
                count = RandomAccess.Read(file, destination[done..], offset + done);
                if (count == 0)
                    break;
            }
            return done;
        }
    }
}
