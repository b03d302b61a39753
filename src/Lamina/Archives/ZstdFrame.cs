using ZstdSharp.Unsafe;

namespace Lamina.Archives;

/// <summary>A frame of Zstandard (RFC 8878); its check sum, where it has one, is verified by the decoder.</summary>
internal sealed unsafe class ZstdFrame : PackedStream
{
    private const int WindowSize = 256 << 10;

    /// <summary>128 MiB, what zstd itself takes unless told otherwise: a frame may not make us allocate more.</summary>
    private const int MaxWindowLog = 27;

    private readonly PackedInput _input;
    private readonly byte[] _output = GC.AllocateUninitializedArray<byte>(WindowSize);
    private readonly long _start;
    private ZSTD_DCtx_s* _handle;
    private bool _hasEnded;

    public ZstdFrame(PackedInput input)
    {
        _input = input;
        _start = input.Position;
        _handle = Methods.ZSTD_createDCtx();
        if (_handle == null)
            throw new OutOfMemoryException();
        Methods.ZSTD_DCtx_setParameter(_handle, ZSTD_dParameter.ZSTD_d_windowLogMax, MaxWindowLog);
    }

    public static ReadOnlySpan<byte> Magic => [0x28, 0xB5, 0x2F, 0xFD];

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Next()
    {
        int done = 0;
        while (!_hasEnded && done < WindowSize)
        {
            ReadOnlySpan<byte> bytes = _input.Peek(1);
            if (bytes.IsEmpty)
                throw _input.CutOff();
            fixed (byte* from = bytes)
            fixed (byte* to = _output)
            {
                ZSTD_inBuffer_s source = new() { src = from, size = (nuint)bytes.Length };
                ZSTD_outBuffer_s target = new() { dst = to, size = WindowSize, pos = (nuint)done };
                nuint left = Methods.ZSTD_decompressStream(_handle, &target, &source);
                if (Methods.ZSTD_isError(left))
                    throw Fault(Methods.ZSTD_getErrorCode(left), _input.Position + (long)source.pos);
                _input.Skip((int)source.pos);
                done = (int)target.pos;
                _hasEnded = left == 0;
            }
        }
        return _output.AsSpan(0, done);
    }

    private Exception Fault(ZSTD_ErrorCode code, long at) => code switch
    {
        ZSTD_ErrorCode.ZSTD_error_frameParameter_windowTooLarge => new UnsupportedImageException(_input.Name,
            $"the zstd frame at byte {_start} needs a window of more than {1 << (MaxWindowLog - 20)} MiB",
            Packed.AdviceOf("zstd -dc --long=31", _input.Name)),
        ZSTD_ErrorCode.ZSTD_error_dictionary_wrong => new UnsupportedImageException(_input.Name,
            $"the zstd frame at byte {_start} needs a dictionary",
            Packed.AdviceOf("zstd -dc -D DICTIONARY", _input.Name)),
        ZSTD_ErrorCode.ZSTD_error_checksum_wrong =>
            _input.Corrupt($"the zstd frame at byte {_start} decodes to bytes of another check sum than it says", at),
        _ => _input.Corrupt($"the zstd frame at byte {_start} cannot be decoded " +
            $"({code.ToString()["ZSTD_error_".Length..]})", at),
    };

    /// <inheritdoc/>
    public override void Dispose()
    {
        Methods.ZSTD_freeDCtx(_handle);
        _handle = null;
    }
}
