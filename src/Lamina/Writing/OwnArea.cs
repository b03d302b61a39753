using System.IO.Hashing;
using Lamina.Building;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>Data of the image's own, written to the output in front of the metadata, as it is made.</summary>
internal sealed class OwnArea : DataArea
{
    /// <summary>Bytes that are written in one go.</summary>
    private const int BufferSize = 1 << 20;

    private readonly ImageOutput _output;
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferSize);
    private readonly XxHash128 _hash = new();
    private readonly long _start;
    private long _written;
    private int _buffered;

    /// <summary>Begins an area.</summary>
    /// <param name="output">What it is written to.</param>
    /// <param name="start">Where it begins in there.</param>
    /// <param name="name">What messages call it.</param>
    public OwnArea(ImageOutput output, long start, string name)
    {
        _output = output;
        _start = start;
        Original = new Original(new AreaSource(this, output.ReadBack(name)), OriginalKind.Device);
    }

    /// <inheritdoc/>
    public override Original Original { get; }

    /// <inheritdoc/>
    public override long Length => _written + _buffered;

    /// <summary>A hash of all bytes, by which images with different data have different identities.</summary>
    public byte[] Hash()
    {
        Flush();
        return _hash.GetCurrentHash();
    }

    /// <inheritdoc/>
    public override long Append(ReadOnlySpan<byte> bytes)
    {
        long at = Length;
        if (bytes.Length > BufferSize - _buffered)
            Flush();
        if (bytes.Length >= BufferSize)
        {
            Write(bytes);
        }
        else
        {
            bytes.CopyTo(_buffer.AsSpan(_buffered));
            _buffered += bytes.Length;
        }
        return at;
    }

    /// <summary>Writes what is still in memory.</summary>
    public void Flush()
    {
        Write(_buffer.AsSpan(0, _buffered));
        _buffered = 0;
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return;
        _hash.Append(bytes);
        _output.Write(bytes, _start + _written);
        _written += bytes.Length;
    }

    private sealed class AreaSource(OwnArea area, ByteSource output) : ByteSource
    {
        public override string Name => output.Name;

        public override long Length => area.Length;

        public override int Read(long offset, Span<byte> destination)
        {
            if (area._buffered > 0)
                area.Flush();
            destination = destination[..(int)Math.Clamp(Length - offset, 0, destination.Length)];
            return output.Read(area._start + offset, destination);
        }
    }
}
