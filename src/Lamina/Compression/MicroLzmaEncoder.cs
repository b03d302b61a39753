namespace Lamina.Compression;

/// <summary>
/// MicroLZMA, see <see cref="MicroLzmaDecoder"/>. One pass: a symbol is taken back if the stream would no longer fit with it,
/// and the size of an unfinished stream is known exactly, so that all but a few bits of a cluster are used.
/// </summary>
internal sealed unsafe class MicroLzmaEncoder : IClusterEncoder
{
    /// <summary>The highest level.</summary>
    public const int MaxLevel = 9;

    /// <summary>Added to a level: more effort, as <c>xz -e</c>.</summary>
    public const int Extreme = 100;

    private readonly LzmaChances _chances = new();
    private readonly LzmaRangeWriter _range = new();
    private readonly LzmaPrices _prices;
    private readonly LzmaSymbolWriter _writer;
    private readonly LzmaParser _parser;

    /// <summary>Makes an encoder.</summary>
    /// <param name="level">0 to <see cref="MaxLevel"/>, or that and <see cref="Extreme"/>.</param>
    /// <param name="dictionarySize">The furthest distance, in bytes: 4096 to 8 MiB (<c>Z_EROFS_LZMA_MAX_DICT_SIZE</c>).</param>
    public MicroLzmaEncoder(int level, int dictionarySize)
    {
        bool isExtreme = level >= Extreme;
        int basic = isExtreme ? level - Extreme : level;
        ArgumentOutOfRangeException.ThrowIfNegative(level);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(basic, MaxLevel, nameof(level));
        ArgumentOutOfRangeException.ThrowIfLessThan(dictionarySize, 4096);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(dictionarySize, 8 << 20);
        bool isLazy = basic < 4 && !isExtreme;
        int nice = isExtreme ? (basic is 3 or 5 ? 192 : 273)
            : basic switch { 0 or 1 => 128, 2 or 3 => 273, 4 => 16, 5 => 32, _ => 64 };
        int depth = isExtreme && basic is not (3 or 5) ? 512
            : isLazy ? basic switch { 0 => 4, 1 => 8, 2 => 24, _ => 48 }
            : 16 + (nice / 2);
        LzmaMatches matches = isLazy
            ? new LzmaChainMatches(dictionarySize, nice, depth)
            : new LzmaTreeMatches(dictionarySize, nice, depth);
        _prices = new LzmaPrices(_chances, nice, dictionarySize);
        _writer = new LzmaSymbolWriter(_chances, _range, _prices);
        _parser = isLazy
            ? new LzmaLazyParser(matches, _writer, nice)
            : new LzmaOptimalParser(matches, _writer, _chances, _prices, nice);
    }

    /// <inheritdoc/>
    public Codec Codec => Codec.Lzma;

    /// <inheritdoc/>
    public int Encode(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        int size = Fill(source, destination, out int consumed);
        return consumed == source.Length ? size : 0;
    }

    /// <inheritdoc/>
    public int Fill(ReadOnlySpan<byte> source, Span<byte> destination, out int consumed)
    {
        consumed = 0;
        if (source.IsEmpty || destination.IsEmpty)
            return 0;
        _chances.Reset();
        _prices.Reset();
        _writer.Reset();
        fixed (byte* from = source)
        fixed (byte* to = destination)
        {
            _parser.Start(from, source.Length);
            _range.Start(to, destination.Length);
            while (consumed < source.Length)
            {
                int length = _parser.Next(consumed, out uint back);
                _range.Save();
                _writer.Write(from, consumed, length, back);
                if (_range.Size > destination.Length)
                {
                    _range.Restore();
                    break;
                }
                consumed += length;
            }
            if (consumed == 0)
                return 0;
            int size = _range.Finish();
            *to = LzmaChances.Properties ^ 0xFF;
            return size;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
