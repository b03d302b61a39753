using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Writing;

/// <summary>Where an image is written: a file, by position.</summary>
internal partial class ImageOutput(SafeFileHandle handle, Action<long>? progress) : IDisposable
{
    /// <summary>Bytes a step when data has to go through memory.</summary>
    private const int BufferSize = 1 << 20;

    /// <summary>Bytes a step when the kernel copies, so that progress can be told and a signal is not kept waiting.</summary>
    private const long KernelStep = 64 << 20;

    private bool _kernelCopies = OperatingSystem.IsLinux();

    protected SafeFileHandle Handle => handle;

    /// <summary>Is told of every run of bytes that is in the file now: position and length. Null for nobody.</summary>
    public Action<long, long>? Wrote { get; set; }

    /// <summary>What was written, to be read again; it may still grow.</summary>
    public ByteSource ReadBack(string name) => new WrittenSource(handle, name);

    public virtual void Write(ReadOnlySpan<byte> bytes, long position)
    {
        RandomAccess.Write(handle, bytes, position);
        Report(position, bytes.Length);
    }

    /// <summary>Writes what is not part of the image's own bytes, and so of no interest to who listens. From any
    /// thread.</summary>
    public virtual void WriteAside(ReadOnlySpan<byte> bytes, long position) => RandomAccess.Write(handle, bytes, position);

    /// <summary>Sets the length; what was not written reads as zeros.</summary>
    public virtual void SetLength(long length) => RandomAccess.SetLength(handle, length);

    /// <summary>Waits until all that was written is on the medium.</summary>
    public virtual void Flush() => RandomAccess.FlushToDisk(handle);

    /// <summary>
    /// Copies bytes of a source, by the kernel where it can (which shares the blocks where the file system can).
    /// </summary>
    public virtual void CopyFrom(ByteSource source, long offset, long position, long length)
    {
        if (_kernelCopies && source.Handle is { } from)
        {
            long copied = CopyInKernel(from, offset, position, length);
            offset += copied;
            position += copied;
            length -= copied;
        }
        byte[] buffer = length > 0 ? GC.AllocateUninitializedArray<byte>((int)Math.Min(length, BufferSize)) : [];
        while (length > 0)
        {
            Span<byte> part = buffer.AsSpan(0, (int)Math.Min(length, buffer.Length));
            source.ReadExactly(offset, part);
            Write(part, position);
            offset += part.Length;
            position += part.Length;
            length -= part.Length;
        }
    }

    /// <inheritdoc/>
    public virtual void Dispose() => handle.Dispose();

    private long CopyInKernel(SafeFileHandle from, long offset, long position, long length)
    {
        long done = 0;
        while (done < length)
        {
            long inOffset = offset + done, outOffset = position + done;
            nint count = CopyFileRange(from, ref inOffset, handle, ref outOffset, (nint)Math.Min(length - done, KernelStep), 0);
            if (count <= 0)
            {
                // Other file systems, pipes, old kernels: through memory from here on. An end too early is found there.
                _kernelCopies = count == 0 && _kernelCopies;
                break;
            }
            Report(position + done, count);
            done += count;
        }
        return done;
    }

    private void Report(long position, long count)
    {
        Wrote?.Invoke(position, count);
        progress?.Invoke(count);
    }

    [LibraryImport("libc", EntryPoint = "copy_file_range", SetLastError = true)]
    private static partial nint CopyFileRange(
        SafeFileHandle from, ref long fromOffset, SafeFileHandle to, ref long toOffset, nint length, uint flags);

    private sealed class WrittenSource(SafeFileHandle file, string name) : ByteSource
    {
        public override string Name => name;

        public override long Length => RandomAccess.GetLength(file);

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
