using ZstdSharp.Unsafe;

namespace Lamina.Compression;

/// <summary>Zstandard frames. The library is asked for whole frames only, so a cluster is filled by trying.</summary>
/// <remarks>
/// A search to the byte takes 14 to 19 frames a cluster. But nothing demands that a cluster have its largest size: it only should
/// end
/// just before the end of a block. So the first try aims at a nearly full cluster, and the second, by the ratio of the first, at
/// the end of the block that the first one ended in, which is so near that it seldom misses. A third try would take a quarter
/// longer and save 0.3
/// to 0.6 percent.
/// </remarks>
internal sealed unsafe class ZstdEncoder : IClusterEncoder
{
    /// <summary>The largest level of the library.</summary>
    public const int MaxLevel = 22;

    /// <summary>Tries a cluster, if one of them fits: each costs as much as encoding it.</summary>
    private const int UsualTries = 2;

    /// <summary>A block is full when no more than this many of its bytes are free.</summary>
    private const int GoodFill = 192;

    /// <summary>What the first try aims at, of a whole cluster: above it, too many do not fit.</summary>
    private const double FirstAim = 0.94;

    /// <summary>Bytes that tell whether data can be encoded at all, and about how small.</summary>
    private const int ProbeSize = 16 << 10;

    private ZSTD_CCtx_s* _context;
    private readonly int _block;
    private byte[] _scratch = [];
    private double _ratio;

    /// <summary>Makes an encoder.</summary>
    /// <param name="level">1 to <see cref="MaxLevel"/>.</param>
    /// <param name="windowBits">log2 of the window, at most 20 (<c>Z_EROFS_ZSTD_MAX_DICT_SIZE</c>).</param>
    /// <param name="block">The size of a block, in bytes: a cluster that is filled should end just before the end of one.</param>
    public ZstdEncoder(int level, int windowBits, int block)
    {
        _block = block;
        _context = Methods.ZSTD_createCCtx();
        if (_context == null)
            throw new OutOfMemoryException();
        Set(ZSTD_cParameter.ZSTD_c_compressionLevel, level);
        Set(ZSTD_cParameter.ZSTD_c_windowLog, windowBits);
        Set(ZSTD_cParameter.ZSTD_c_checksumFlag, 0);
        Set(ZSTD_cParameter.ZSTD_c_contentSizeFlag, 0);
    }

    /// <inheritdoc/>
    public Codec Codec => Codec.Zstd;

    /// <inheritdoc/>
    public int Encode(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        fixed (byte* from = source)
        fixed (byte* to = destination)
        {
            nuint size = Methods.ZSTD_compress2(_context, to, (nuint)destination.Length, from, (nuint)source.Length);
            return Methods.ZSTD_isError(size) ? 0 : (int)size;
        }
    }

    /// <inheritdoc/>
    public void Reset() => _ratio = 0;

    /// <inheritdoc/>
    public int Fill(ReadOnlySpan<byte> source, Span<byte> destination, out int consumed)
    {
        consumed = 0;
        int room = destination.Length;
        // More room than there may be, so that a try that fails tells by how much.
        if (_scratch.Length < room + room / 4 + ProbeSize)
            _scratch = new byte[room + room / 4 + ProbeSize];
        if (_ratio == 0)
        {
            ReadOnlySpan<byte> probe = source[..Math.Min(source.Length, ProbeSize)];
            int probed = Encode(probe, _scratch);
            if (probe.Length == source.Length && probed > 0 && probed <= room)
                return Take(probed, probe.Length, destination, out consumed);
            if (probed == 0 || probed > probe.Length - probe.Length / 16)
                return 0;
            _ratio = 1.1 * probe.Length / probed;
        }
        return Search(source, destination, out consumed);
    }

    private int Search(ReadOnlySpan<byte> source, Span<byte> destination, out int consumed)
    {
        consumed = 0;
        int room = destination.Length, best = 0, good = 0, bad = source.Length + 1;
        int next = (int)Math.Clamp(room * FirstAim * _ratio, 1, source.Length);
        for (int tries = 1; ; tries++)
        {
            int size = Encode(source[..next], _scratch.AsSpan(0, room + room / 4));
            double slope = size == 0 ? 0 : (double)next / size;
            if (size == 0 || size > room)
            {
                bad = Math.Min(bad, next);
                if (tries >= UsualTries && best > 0)
                    break;
                next = size == 0 ? (int)(next * 0.7) : next + (int)((room - GoodFill - size) * slope);
            }
            else
            {
                int end = Math.Min(RoundUp(size), room), free = end - size;
                good = Math.Max(good, next);
                // What counts is the room that a byte of the file takes.
                if (best == 0 || (long)end * consumed < (long)RoundUp(best) * next)
                    best = Take(size, next, destination, out consumed);
                if (next == source.Length || free <= GoodFill || tries >= UsualTries)
                    break;
                next = Math.Min(next + (int)((free - GoodFill / 3) * slope), source.Length);
            }
            // Sizes are no straight line: what would be tried again is halved.
            if (next >= bad || next <= 0)
                next = good + (bad - good) / 2;
            if (next <= 0 || next == good)
                break;
        }
        if (best > 0)
            _ratio = (double)consumed / best;
        return best;
    }

    private int RoundUp(int size) => (size + _block - 1) / _block * _block;

    private int Take(int size, int count, Span<byte> destination, out int consumed)
    {
        _scratch.AsSpan(0, size).CopyTo(destination);
        consumed = count;
        return size;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Methods.ZSTD_freeCCtx(_context);
        _context = null;
    }

    private void Set(ZSTD_cParameter parameter, int value)
    {
        if (Methods.ZSTD_isError(Methods.ZSTD_CCtx_setParameter(_context, parameter, value)))
            throw new ArgumentOutOfRangeException(nameof(parameter), value, $"Zstandard refuses {parameter}");
    }
}
