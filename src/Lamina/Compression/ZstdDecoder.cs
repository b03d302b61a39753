using ZstdSharp.Unsafe;

namespace Lamina.Compression;

/// <summary>One Zstandard frame. What the frame says of its content's size is not believed: it is decoded as a stream.</summary>
internal sealed class ZstdDecoder : IClusterDecoder
{
    /// <summary>
    /// 1 MiB, the largest window that EROFS allows (<c>Z_EROFS_ZSTD_MAX_DICT_SIZE</c>): a frame may not make us allocate more.
    /// </summary>
    private const int MaxWindowLog = 20;

    private readonly DecoderPool<Context> _pool = new(static () => new Context());

    /// <inheritdoc/>
    public bool TryDecode(ReadOnlySpan<byte> cluster, Span<byte> destination, bool isPartial)
    {
        ReadOnlySpan<byte> input = ClusterDecoders.SkipPadding(cluster);
        if (input.IsEmpty)
            return false;
        Context context = _pool.Rent();
        try
        {
            return context.Decode(input, destination, isPartial);
        }
        finally
        {
            _pool.Return(context);
        }
    }

    /// <summary>The library's working memory, which is not the garbage collector's.</summary>
    private sealed unsafe class Context : IDisposable
    {
        private ZSTD_DCtx_s* _handle;

        public Context()
        {
            _handle = Methods.ZSTD_createDCtx();
            if (_handle == null)
                throw new OutOfMemoryException();
            Methods.ZSTD_DCtx_setParameter(_handle, ZSTD_dParameter.ZSTD_d_windowLogMax, MaxWindowLog);
        }

        public bool Decode(ReadOnlySpan<byte> source, Span<byte> destination, bool isPartial)
        {
            Methods.ZSTD_DCtx_reset(_handle, ZSTD_ResetDirective.ZSTD_reset_session_only);
            fixed (byte* from = source)
            fixed (byte* to = destination)
            {
                ZSTD_inBuffer_s input = new() { src = from, size = (nuint)source.Length };
                ZSTD_outBuffer_s output = new() { dst = to, size = (nuint)destination.Length };
                while (true)
                {
                    nuint before = input.pos + output.pos;
                    nuint left = Methods.ZSTD_decompressStream(_handle, &output, &input);
                    if (Methods.ZSTD_isError(left))
                        return false;
                    bool isFull = output.pos == output.size;
                    if (left == 0 || (isPartial && isFull))
                        return isFull;
                    if (input.pos + output.pos == before) // the frame is cut off, or holds more
                        return false;
                }
            }
        }

        public void Dispose()
        {
            Methods.ZSTD_freeDCtx(_handle);
            _handle = null;
        }
    }
}
