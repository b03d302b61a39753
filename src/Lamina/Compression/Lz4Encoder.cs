using System.Runtime.InteropServices;

namespace Lamina.Compression;

/// <summary>
/// LZ4 blocks. A cluster is filled in one pass: sequences are written until one does not fit, which is shortened, and literals
/// take what is left, so no byte of a cluster stays free where there is more data.
/// </summary>
/// <remarks>
/// No table is cleared for a cluster. Positions go on from one call to the next with a gap of a whole window between, so
/// whatever an earlier call left lies too far back to be taken, and the same bytes in give the same bytes out.
/// </remarks>
internal sealed class Lz4Encoder : IClusterEncoder
{
    /// <summary>The largest level.</summary>
    public const int MaxLevel = 12;

    /// <summary>No bytes decode to more than this many times their number.</summary>
    private const int MaxExpansion = 255;

    /// <summary>More of a source is not looked at: positions and steps must not wrap. No cluster holds as much.</summary>
    private const int MaxSource = 1 << 30;

    private readonly Lz4FastSearch? _fast;
    private readonly Lz4Parser? _parser;

    /// <summary>Makes an encoder.</summary>
    /// <param name="level">0 looks at one earlier place for a position, 1 to 12 at ever more, and choose.</param>
    public Lz4Encoder(int level)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(level);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, MaxLevel);
        if (level == 0)
            _fast = new Lz4FastSearch();
        else
            _parser = new Lz4Parser(level);
    }

    /// <inheritdoc/>
    public Codec Codec => Codec.Lz4;

    /// <inheritdoc/>
    public int Encode(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        if (source.Length is 0 or > MaxSource || source.Length / MaxExpansion > destination.Length)
            return 0;
        Lz4Writer writer = new(source, destination, fills: false);
        return Run(source, ref writer) ? writer.Finish(out _) : 0;
    }

    /// <inheritdoc/>
    public int Fill(ReadOnlySpan<byte> source, Span<byte> destination, out int consumed)
    {
        // Nothing is looked at that cannot fit, however much of one byte follows.
        int most = (int)Math.Min(Math.Min(source.Length, MaxSource), ((long)destination.Length + 1) * MaxExpansion);
        source = source[..most];
        Lz4Writer writer = new(source, destination, fills: true);
        Run(source, ref writer);
        return writer.Finish(out consumed);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    /// <summary>Writes sequences up to the last literals.</summary>
    /// <returns>Whether all fit.</returns>
    private bool Run(ReadOnlySpan<byte> source, ref Lz4Writer writer)
    {
        if (source.Length <= Lz4Writer.MatchFreeEnd)
            return true;
        ref byte first = ref MemoryMarshal.GetReference(source);
        return _fast != null
            ? _fast.Run(ref first, source.Length, ref writer)
            : _parser!.Run(ref first, source.Length, ref writer);
    }
}
