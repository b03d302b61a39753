using Lamina.Platform;
using Microsoft.Win32.SafeHandles;

namespace Lamina;

/// <summary>
/// Bytes that can be read at any position, by several threads at once. There is no current position, and nothing is mapped:
/// a file that shrinks under us is an error, not a crash.
/// </summary>
public abstract class ByteSource : IDisposable
{
    /// <summary>What messages call this source: the path as the user gave it.</summary>
    public abstract string Name { get; }

    /// <summary>The length in bytes.</summary>
    public abstract long Length { get; }

    /// <summary>
    /// The open file whose bytes these are, position by position, where there is one: the kernel can copy then.
    /// </summary>
    internal virtual SafeFileHandle? Handle => null;

    /// <summary>All of the bytes where they are in memory; empty where they are not.</summary>
    internal virtual ReadOnlyMemory<byte> Memory => default;

    /// <summary>Why the bytes are no file that anybody else could open, in words; null if they are.</summary>
    internal virtual string? WhyNoFile => null;

    /// <summary>
    /// Whether these bytes are a form of what lies elsewhere, such as what a file decompresses to: no output takes them whole.
    /// </summary>
    internal virtual bool IsApart => false;

    /// <summary>Whether this is a block device or a partition, which may be longer than what it holds.</summary>
    internal virtual bool IsVolume => Identity is { IsBlockDevice: true };

    /// <summary>Which file of the system this is or is part of; null if it is none.</summary>
    internal virtual FileIdentity? Identity => Handle is { } file ? FileIdentity.Of(file) : null;

    /// <summary>
    /// Reads at most <paramref name="destination"/>'s length from a byte position; fewer only at the end. Returns the count.
    /// </summary>
    public abstract int Read(long offset, Span<byte> destination);

    /// <summary>Fills the whole destination, or says that the source is cut off.</summary>
    /// <exception cref="CorruptImageException">The source ends before.</exception>
    public void ReadExactly(long offset, Span<byte> destination)
    {
        if (offset < 0 || Read(offset, destination) != destination.Length)
        {
            string what = $"ends at byte {Length}, {destination.Length} bytes were expected here";
            throw new CorruptImageException(Name, what, null, offset);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases what the source holds.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>
    /// Opens a file or block device for reading. What has no positions, a pipe, is read to its end into a file without a name;
    /// then it is a file like any.
    /// </summary>
    /// <param name="path">The path; messages call the source so.</param>
    /// <exception cref="FileNotFoundException">There is nothing.</exception>
    /// <exception cref="IOException">It is a directory, a character device or a socket, or the system refused.</exception>
    public static ByteSource OpenFile(string path) => OpenFile(path, null);

    /// <summary>Opens a file.</summary>
    /// <param name="path">The path.</param>
    /// <param name="spoolBeside">Beside which file a pipe is kept; null for the folder of temporary files.</param>
    internal static ByteSource OpenFile(string path, string? spoolBeside)
    {
        if (path == "/dev/stdin" && !StandardDescriptor.IsInherited(StandardDescriptor.Input))
            throw new IOException("standard input: it is closed");
        if (!OperatingSystem.IsLinux() || FileStatus.Find(path) is not { } status)
            return new FileSource(path, null);
        string beside = spoolBeside ?? Path.Combine(Path.GetTempPath(), "lamina");
        switch (status.Type)
        {
            case FileStatus.RegularFile when status.Size == 0:
                FileSource file = new(path, null);                      // files of /proc have bytes, though they say 0
                if (file.Read(0, stackalloc byte[1]) == 0)
                    return file;
                file.Dispose();
                return new FileSource(path, beside);
            case FileStatus.RegularFile or FileStatus.BlockDevice:
                return new FileSource(path, null);
            case FileStatus.Fifo:
                return new FileSource(path, beside);
            default:
                throw new IOException($"{path}: is {OutputPlace.Describe(status.Type)}, which cannot be read as a file");
        }
    }

    /// <summary>Wraps bytes in memory.</summary>
    public static ByteSource FromMemory(string name, ReadOnlyMemory<byte> bytes) => new MemorySource(name, bytes);

    /// <summary>A window of another source. Disposing the window leaves the source open.</summary>
    /// <exception cref="CorruptImageException">The window reaches past the end of the source.</exception>
    public static ByteSource Slice(ByteSource source, string name, long offset, long length)
    {
        if (offset < 0 || length < 0 || offset > source.Length - length)
        {
            string what = $"{name} needs {length} bytes, the file has {source.Length}";
            throw new CorruptImageException(source.Name, what, null, offset);
        }
        return new SliceSource(source, name, offset, length);
    }

    /// <summary>A partition of a disk, called as the disk is. Disposing it closes the disk.</summary>
    internal static ByteSource Partition(ByteSource disk, long offset, long length) =>
        new SliceSource(disk, disk.Name, offset, length, isPartition: true);

    /// <summary>A file within an archive. Disposing it leaves the archive open.</summary>
    internal static ByteSource Member(ByteSource archive, string name, long offset, long length) =>
        new SliceSource(archive, name, offset, length, isMember: true);

    private sealed class FileSource : ByteSource
    {
        private readonly SafeFileHandle _handle;

        /// <param name="path">The file.</param>
        /// <param name="spoolBeside">Beside which file a copy is kept; null to read the file itself.</param>
        public FileSource(string path, string? spoolBeside)
        {
            Name = path;
            WhyNoFile = spoolBeside is null ? null : "comes through a pipe";
            _handle = spoolBeside is null
                ? HostFile.OpenRead(path)
                : Spool.ToUnnamedFile(path, spoolBeside);
            long length = RandomAccess.GetLength(_handle);
            // A block device reports length 0 to stat(2), and so does .NET; seeking to its end tells the truth.
            Length = length > 0 || !OperatingSystem.IsLinux() ? length : Math.Max(0, Native.Seek(_handle, 0, Native.FromEnd));
        }

        public override string Name { get; }

        public override long Length { get; }

        internal override SafeFileHandle Handle => _handle;

        internal override string? WhyNoFile { get; }

        public override int Read(long offset, Span<byte> destination)
        {
            int done = 0;
            while (done < destination.Length)
            {
                int count = RandomAccess.Read(_handle, destination[done..], offset + done);
                if (count == 0)
                    break;
                done += count;
            }
            return done;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _handle.Dispose();
        }
    }

    private sealed class MemorySource(string name, ReadOnlyMemory<byte> bytes) : ByteSource
    {
        public override string Name => name;

        public override long Length => bytes.Length;

        internal override ReadOnlyMemory<byte> Memory => bytes;

        public override int Read(long offset, Span<byte> destination)
        {
            if (offset < 0 || offset >= bytes.Length)
                return 0;
            int count = (int)Math.Min(destination.Length, bytes.Length - offset);
            bytes.Span.Slice((int)offset, count).CopyTo(destination);
            return count;
        }
    }

    private sealed class SliceSource(ByteSource source, string name, long start, long length, bool isPartition = false,
        bool isMember = false) : ByteSource
    {
        public override string Name => name;

        public override long Length => length;

        public override int Read(long offset, Span<byte> destination)
        {
            if (offset < 0 || offset >= length)
                return 0;
            int count = (int)Math.Min(destination.Length, length - offset);
            return source.Read(start + offset, destination[..count]);
        }

        internal override FileIdentity? Identity => source.Identity;

        internal override bool IsVolume => isPartition || source.IsVolume;

        internal override string? WhyNoFile => isPartition ? "is a partition of a disk"
            : isMember ? "is part of an archive" : source.WhyNoFile;

        internal override bool IsApart => isMember || source.IsApart;

        protected override void Dispose(bool disposing)
        {
            if (disposing && isPartition)
                source.Dispose();
        }
    }
}
