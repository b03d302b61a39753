namespace Lamina.Compression;

/// <summary>
/// Encodes file bytes as physical clusters of one codec. An instance has working memory of its own and serves one thread at a
/// time; the same bytes in give the same bytes out, whatever was encoded before <see cref="Reset"/>.
/// </summary>
internal interface IClusterEncoder : IDisposable
{
    /// <summary>The codec.</summary>
    Codec Codec { get; }

    /// <summary>Forgets what earlier clusters were like. Called where a run of data begins.</summary>
    void Reset()
    {
    }

    /// <summary>Encodes all of the source (the packed shape: what comes out has any length).</summary>
    /// <param name="source">File bytes, at least one.</param>
    /// <param name="destination">What takes the encoded bytes, from its first byte on.</param>
    /// <returns>The encoded length; 0 if it does not fit into the destination. The first encoded byte is never 0.</returns>
    int Encode(ReadOnlySpan<byte> source, Span<byte> destination);

    /// <summary>
    /// Encodes as much of the source, from its first byte on, as fits into the destination (the filled shape: physical clusters
    /// are whole blocks).
    /// </summary>
    /// <param name="source">File bytes, at least one; more than can fit, or all that is left of a file.</param>
    /// <param name="destination">What takes the encoded bytes, from its first byte on.</param>
    /// <param name="consumed">
    /// How many bytes of the source the encoded bytes decode to. A caller stores bytes plain where this is not more than the
    /// encoded bytes take.
    /// </param>
    /// <returns>The encoded length, at most the destination's. The first encoded byte is never 0. 0 where nothing fits.</returns>
    int Fill(ReadOnlySpan<byte> source, Span<byte> destination, out int consumed);
}
