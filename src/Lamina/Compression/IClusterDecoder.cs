namespace Lamina.Compression;

/// <summary>Turns one physical cluster back into file bytes. Safe to use from several threads at once.</summary>
internal interface IClusterDecoder
{
    /// <summary>
    /// Fills <paramref name="destination"/> from the start of what the cluster decodes to. False if the bytes do not allow
    /// it; what the destination holds then is not defined. The caller knows file, inode and offset, and throws.
    /// </summary>
    /// <param name="cluster">The whole cluster, with the zero bytes that pad it in front.</param>
    /// <param name="destination">Exactly as many bytes as are wanted.</param>
    /// <param name="isPartial">
    /// Whether the cluster may decode to more than is wanted, as deduplicated ones do. If not, it must decode to exactly that.
    /// </param>
    bool TryDecode(ReadOnlySpan<byte> cluster, Span<byte> destination, bool isPartial);
}
