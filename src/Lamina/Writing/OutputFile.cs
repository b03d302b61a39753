using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Writing;

/// <summary>
/// A file that appears whole or not at all: written beside its place under another name, flushed, renamed. Disposing it before
/// <see cref="Commit"/> leaves nothing behind.
/// </summary>
internal sealed partial class OutputFile : IDisposable
{
    /// <summary>Bytes a step when data has to go through memory.</summary>
    private const int BufferSize = 1 << 20;

    /// <summary>Bytes a step when the kernel copies, so that progress can be told and a signal is not kept waiting.</summary>
    private const long KernelStep = 64 << 20;

    private readonly string _path;
    private readonly string _temporary;
    private readonly bool _overwrites;
    private readonly SafeFileHandle _handle;
    private readonly Action<long>? _progress;
    private bool _committed;
    private bool _kernelCopies = OperatingSystem.IsLinux();

    /// <summary>Begins a new file.</summary>
    /// <exception cref="IOException">A file is there already and may not be replaced, or none can be made.</exception>
    public OutputFile(string path, bool overwrites, Action<long>? progress = null)
    {
        _path = Path.GetFullPath(path);
        _overwrites = overwrites;
        _progress = progress;
        RefuseExisting();
        _temporary = $"{_path}.{Guid.NewGuid():N}.partial";
        _handle = File.OpenHandle(_temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read);
    }

    public void Write(ReadOnlySpan<byte> bytes, long position)
    {
        RandomAccess.Write(_handle, bytes, position);
        _progress?.Invoke(bytes.Length);
    }

    /// <summary>Sets the length; what was not written reads as zeros.</summary>
    public void SetLength(long length) => RandomAccess.SetLength(_handle, length);

    /// <summary>Copies bytes of a source, by the kernel where it can (which shares the blocks where the file system can).</summary>
    public void CopyFrom(ByteSource source, long offset, long position, long length)
    {
        if (_kernelCopies && source.Handle is { } handle)
        {
            long copied = CopyInKernel(handle, offset, position, length);
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

    /// <summary>Makes the file appear under its name.</summary>
    public void Commit()
    {
        RandomAccess.FlushToDisk(_handle);
        _handle.Dispose();
        RefuseExisting();
        File.Move(_temporary, _path, _overwrites);
        _committed = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _handle.Dispose();
        if (!_committed)
            File.Delete(_temporary);
    }

    private void RefuseExisting()
    {
        if (Directory.Exists(_path))
            throw new IOException($"{_path}: is a directory");
        if (!_overwrites && File.Exists(_path))
            throw new IOException($"{_path}: exists already; --force replaces it");
    }

    private long CopyInKernel(SafeFileHandle from, long offset, long position, long length)
    {
        long done = 0;
        while (done < length)
        {
            long inOffset = offset + done, outOffset = position + done;
            nint count = CopyFileRange(from, ref inOffset, _handle, ref outOffset, (nint)Math.Min(length - done, KernelStep), 0);
            if (count <= 0)
            {
                // Other file systems, pipes, old kernels: through memory from here on. An end too early is found there.
                _kernelCopies = count == 0 && _kernelCopies;
                break;
            }
            done += count;
            _progress?.Invoke(count);
        }
        return done;
    }

    [LibraryImport("libc", EntryPoint = "copy_file_range", SetLastError = true)]
    private static partial nint CopyFileRange(
        SafeFileHandle from, ref long fromOffset, SafeFileHandle to, ref long toOffset, nint length, uint flags);
}
