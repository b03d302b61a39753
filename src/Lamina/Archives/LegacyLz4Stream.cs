using System.Buffers.Binary;
using Lamina.Compression;

namespace Lamina.Archives;

/// <summary>
/// LZ4 as Linux takes it for kernels and initrds, and lz4 -l writes it: blocks of 8 MiB each behind its size, without check sums
/// or an end mark. It ends with the file, at zeros, or where a number stands that no size can be.
/// </summary>
internal sealed class LegacyLz4Stream : PackedStream
{
    private const int BlockSize = 8 << 20;

    /// <summary>What a block that does not compress can take at most.</summary>
    private const int MaxPacked = BlockSize + (BlockSize / 255) + 16;

    private readonly PackedInput _input;
    private readonly long _start;
    private byte[] _output = [];
    private bool _hasEnded;

    public LegacyLz4Stream(PackedInput input)
    {
        _input = input;
        _start = input.Position;
        input.Take(Magic.Length);
    }

    public static ReadOnlySpan<byte> Magic => [0x02, 0x21, 0x4C, 0x18];

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Next()
    {
        ReadOnlySpan<byte> head = _input.Peek(sizeof(uint));
        if (_hasEnded || head.IsEmpty)
            return [];
        if (head.Length < sizeof(uint))
            return head.IndexOfAnyExcept((byte)0) < 0 ? [] : throw _input.CutOff();
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(head);
        if (size is 0 or > MaxPacked)
            return [];
        long at = _input.Position;
        _input.Skip(sizeof(uint));
        ReadOnlySpan<byte> block = _input.Take((int)size);
        if (_output.Length == 0)
            _output = GC.AllocateUninitializedArray<byte>(BlockSize);
        int length = Lz4Decoder.DecodeBlock(block, _output, 0);
        if (length < 0)
            throw _input.Corrupt($"the LZ4 stream at byte {_start} has a block that cannot be decoded", at);
        _hasEnded = length < BlockSize;                                 // all but the last are full
        return _output.AsSpan(0, length);
    }
}
