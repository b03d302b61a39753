using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>The map of an encoded file with all that it takes to decode its clusters, whatever the age of its image.</summary>
/// <param name="Map">The map.</param>
/// <param name="IsUnpadded">Whether LZ4 clusters begin at their first byte, as before Linux 5.3.</param>
internal readonly record struct DecodableMap(ClusterMap Map, bool IsUnpadded)
{
    /// <summary>Reads the map of a file.</summary>
    /// <exception cref="CorruptImageException">The map contradicts itself.</exception>
    public static DecodableMap Of(EncodedContent content) =>
        content is ImageEncodedContent own ? new(own.ReadOwnMap(), own.IsUnpadded) : new(content.ReadMap(), false);

    /// <summary>Decodes the first bytes of an extent.</summary>
    public void Decode(in ClusterExtent extent, Span<byte> destination) =>
        ClusterDecoding.Decode(Map, extent, destination, IsUnpadded);
}
