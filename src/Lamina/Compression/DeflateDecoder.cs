namespace Lamina.Compression;

/// <summary>Raw DEFLATE (RFC 1951).</summary>
/// <remarks>
/// Not <see cref="System.IO.Compression.DeflateStream"/>: that allocates a stream and a window for each cluster, and says by an
/// exception that bytes are bad. Here the destination is the window.
/// </remarks>
internal sealed class DeflateDecoder : IClusterDecoder
{
    private readonly DecoderPool<Inflater> _pool = new(static () => new Inflater());

    /// <inheritdoc/>
    public bool TryDecode(ReadOnlySpan<byte> cluster, Span<byte> destination, bool isPartial)
    {
        Inflater inflater = _pool.Rent();
        bool isDone = inflater.Decode(ClusterDecoders.SkipPadding(cluster), destination, isPartial);
        _pool.Return(inflater);
        return isDone;
    }
}
