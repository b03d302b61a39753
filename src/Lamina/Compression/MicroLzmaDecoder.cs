namespace Lamina.Compression;

/// <summary>
/// MicroLZMA: an LZMA1 stream without header and end marker. Its first byte, which is always 0 in LZMA1, is the bitwise
/// negation of the properties byte instead.
/// </summary>
internal sealed class MicroLzmaDecoder : IClusterDecoder
{
    private readonly DecoderPool<LzmaModel> _pool = new(static () => new LzmaModel());

    /// <inheritdoc/>
    public bool TryDecode(ReadOnlySpan<byte> cluster, Span<byte> destination, bool isPartial)
    {
        ReadOnlySpan<byte> input = ClusterDecoders.SkipPadding(cluster);
        if (input.Length < RangeReader.StartSize || LzmaProperties.TryParse((byte)~input[0]) is not { } properties)
            return false;
        LzmaModel model = _pool.Rent();
        bool isDone = model.Decode(properties, new RangeReader(input), destination, isPartial);
        _pool.Return(model);
        return isDone;
    }
}
