using ZstdSharp.Unsafe;

namespace Lamina.Compression;

/// <summary>Zstandard frames. The library is asked for whole frames only, so a cluster is filled by trying.</summary>
/// <remarks>
/// A search to the byte takes 14 to 19 frames a cluster. Sizes grow almost in proportion to what is encoded, so a line through
/// the
/// last two tries finds a cluster that is full but for 1/128 in two tries, rarely three; what is lost there is less than the
/// last block loses in any case.
/// </remarks>
internal sealed unsafe class ZstdEncoder : IClusterEncoder
{
    /// <summary>The largest level of the library.</summary>
    public const int MaxLevel = 22;

    /// <summary>Tries a cluster, at most: each costs as much as encoding it.</summary>
    private const int MaxTries = 8;

    /// <summary>A cluster is full when no more than this part of it is free.</summary>
    private const int GoodFill = 128;

    /// <summary>Bytes that tell whether data can be encoded at all, and about how small.</summary>
    private const int ProbeSize = 16 << 10;

    private ZSTD_CCtx_s* _context;
    private byte[] _scratch = [];
    private double _ratio;

    /// <summary>Makes an encoder.</summary>
    /// <param name="level">1 to <see cref="MaxLevel"/>.</param>
    /// <param name="windowBits">log2 of the window, at most 20 (<c>Z_EROFS_ZSTD_MAX_DICT_SIZE</c>).</param>
    public ZstdEncoder(int level, int windowBits)
    {
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
        int good = 0, goodSize = 0, bad = source.Length + 1, next = Next(room * _ratio, 0, bad);
        double slope = _ratio;
        for (int tries = 0; tries < MaxTries || (good == 0 && next > 0); tries++)
        {
            int size = Encode(source[..next], _scratch.AsSpan(0, room + room / 4));
            if (size > 0 && size <= room)
            {
                int before = good, beforeSize = goodSize;
                Take(size, next, destination, out consumed);
                (good, goodSize) = (next, size);
                if (next == source.Length || room - size <= room / GoodFill || bad - good <= 1)
                    break;
                slope = before > 0 && size > beforeSize ? (double)(next - before) / (size - beforeSize) : (double)next / size;
            }
            else
            {
                bad = next;
                if (size == 0)
                {
                    next = Next(Math.Min(next * 0.7, good + (bad - good) * 0.6), good, bad);
                    continue;
                }
            }
            next = Next(next + (room - room / (2.0 * GoodFill) - size) * slope, good, bad);
            if (next <= good)
                break;
        }
        _ratio = goodSize == 0 ? 0 : (double)good / goodSize;
        return goodSize;
    }

    /// <summary>What to try next: between what fits and what does not.</summary>
    private static int Next(double wanted, int good, int bad) =>
        (int)Math.Clamp(wanted, good + 1.0, Math.Max(bad - 1.0, good + 1.0));

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
