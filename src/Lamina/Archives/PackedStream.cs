namespace Lamina.Archives;

/// <summary>
/// One compressed stream, decoded in runs: what one call of the packing program wrote (a member of gzip, a frame of zstd or lz4,
/// a stream of xz or bzip2). Its own check sums are verified. Afterwards the input is behind its last byte.
/// </summary>
internal abstract class PackedStream : IDisposable
{
    /// <summary>The next run of what it decodes to; empty at the end. Valid until the next call.</summary>
    /// <exception cref="CorruptImageException">The data are damaged or cut off.</exception>
    public abstract ReadOnlySpan<byte> Next();

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }
}
