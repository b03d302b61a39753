using Microsoft.Win32.SafeHandles;

namespace Lamina.Platform;

/// <summary>
/// An output under a name that the user gave: a file that appears whole or not at all, or a block device that is written in its
/// place, its first page last. Disposing it before <see cref="Commit"/> leaves nothing behind, or a device without an image.
/// </summary>
internal sealed class OutputFile : ImageOutput
{
    /// <summary>What makes a device an image: superblocks and partition tables begin in it.</summary>
    private const int HeadSize = 4096;

    private readonly OutputPlace _place;
    private readonly byte[]? _head;
    private readonly Lock _lock = new();
    private bool _isBegun;

    /// <summary>Begins an output.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="overwrites">Whether a file, or what a device holds, may be replaced.</param>
    /// <param name="inputs">What the output is made of, and so cannot be.</param>
    /// <param name="takesDevices">Whether a block device makes sense.</param>
    /// <param name="progress">Is told how many bytes were written.</param>
    /// <exception cref="ArgumentException">The output is an input.</exception>
    /// <exception cref="IOException">A file is there already and may not be replaced, or none can be made.</exception>
    public OutputFile(string path, bool overwrites, InputFiles? inputs = null, bool takesDevices = false,
        Action<long>? progress = null) : this(OutputPlace.Open(path, overwrites, inputs, takesDevices), path, progress)
    {
    }

    private OutputFile(OutputPlace place, string path, Action<long>? progress)
        : base(place.Handle, progress, place.Device, path)
    {
        _place = place;
        if (place.Device is null)
            return;
        _head = new byte[HeadSize];
    }

    /// <inheritdoc/>
    public override void SetLength(long length)
    {
        base.SetLength(length);
        if (_head is null || _isBegun)
            return;
        _isBegun = true;
        base.Put(new byte[HeadSize], 0);                                // from here on there is no image on the device
        Flush();
    }

    /// <summary>Makes the result appear: on the medium, and under its name.</summary>
    public void Commit()
    {
        Flush();
        if (_head is not null)
        {
            base.Put(_head, 0);
            Flush();
        }
        _place.Commit();
    }

    /// <summary>The output as a stream that is written from its start on. Disposing it does nothing.</summary>
    public Stream AsStream() => new PositionedStream(this);

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _place.Dispose();
    }

    /// <inheritdoc/>
    protected override void Put(ReadOnlySpan<byte> bytes, long position)
    {
        if (_head is not null && position < HeadSize)
        {
            int count = (int)Math.Min(bytes.Length, HeadSize - position);
            lock (_lock)
                bytes[..count].CopyTo(_head.AsSpan((int)position));
            bytes = bytes[count..];
            position += count;
        }
        if (bytes.Length > 0)
            base.Put(bytes, position);
    }

    private sealed class PositionedStream(OutputFile output) : Stream
    {
        private long _position;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => _position;

        public override long Position { get => _position; set => throw new NotSupportedException(); }

        public override void Flush()
        {
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            output.Write(buffer, _position);
            _position += buffer.Length;
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
