namespace Lamina.Archives;

/// <summary>The first bytes of several sources, one behind the other, as one. It does not own them.</summary>
internal sealed class JoinedSource(string name, params (ByteSource Source, long Length)[] parts) : ByteSource
{
    /// <inheritdoc/>
    public override string Name => name;

    /// <inheritdoc/>
    public override long Length { get; } = parts.Sum(part => part.Length);

    /// <summary>The sources, and how many bytes of each: so that the kernel can copy what is a file.</summary>
    public IReadOnlyList<(ByteSource Source, long Length)> Parts => parts;

    /// <inheritdoc/>
    public override int Read(long offset, Span<byte> destination)
    {
        int done = 0;
        long start = 0;
        foreach ((ByteSource source, long length) in parts)
        {
            long at = offset + done - start;
            start += length;
            if (at < 0 || at >= length || done == destination.Length)
                continue;
            int wanted = (int)Math.Min(destination.Length - done, length - at);
            int count = source.Read(at, destination.Slice(done, wanted));
            done += count;
            if (count < wanted)
                break;      // a file has become shorter
        }
        return done;
    }
}
