using System.Buffers.Binary;
using System.IO.Hashing;
using Lamina.Compression;

namespace Lamina.Archives;

/// <summary>A frame of LZ4: blocks that may refer to those before, with check sums of the head, of blocks, and of all.</summary>
internal sealed class Lz4Stream : PackedStream
{
    private const int History = 64 << 10, SumSize = 4;
    private const uint IsPlain = 0x80000000;
    private const int Version = 1 << 6, VersionMask = 3 << 6, IsIndependent = 32, HasBlockSums = 16, HasLength = 8, HasSum = 4;
    private const int ReservedFlag = 2, HasDictionary = 1, SizeShift = 4, SizeMask = 0x70, SmallestSize = 4;

    private readonly PackedInput _input;
    private readonly Window _window;
    private readonly XxHash32? _sum;
    private readonly long _start;
    private readonly int _flags, _maxBlock;
    private readonly long? _expected;
    private long _length;
    private bool _hasEnded;

    public Lz4Stream(PackedInput input)
    {
        _input = input;
        _start = input.Position;
        input.Take(Magic.Length);
        ReadOnlySpan<byte> flags = input.Peek(2);
        if (flags.Length < 2)
            throw input.CutOff();
        _flags = flags[0];
        int size = flags[1];
        if ((_flags & (VersionMask | ReservedFlag)) != Version || (size & ~SizeMask) != 0 || size >> SizeShift < SmallestSize)
            throw Fault($"has a descriptor {_flags:X2} {size:X2}, which is not known", input.Position);
        if ((_flags & HasDictionary) != 0)
        {
            throw new UnsupportedImageException(input.Name, $"the LZ4 frame at byte {_start} needs a dictionary",
                Packed.AdviceOf("lz4 -dc -D DICTIONARY", input.Name));
        }
        ReadOnlySpan<byte> head = input.Take(2 + ((_flags & HasLength) != 0 ? sizeof(long) : 0) + 1);
        if ((byte)(XxHash32.HashToUInt32(head[..^1]) >> 8) != head[^1])
            throw Fault("has a head of another check sum than it says", input.Position - 1);
        if ((_flags & HasLength) != 0)
            _expected = BinaryPrimitives.ReadInt64LittleEndian(head[2..]);
        _maxBlock = 1 << (8 + (2 * (size >> SizeShift)));
        _window = new Window(History + (2 * _maxBlock), History);
        _sum = (_flags & HasSum) != 0 ? new XxHash32() : null;
    }

    public static ReadOnlySpan<byte> Magic => [0x04, 0x22, 0x4D, 0x18];

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Next()
    {
        while (!_hasEnded)
        {
            long at = _input.Position;
            uint head = BinaryPrimitives.ReadUInt32LittleEndian(_input.Take(sizeof(uint)));
            if (head == 0)
            {
                Finish();
                break;
            }
            ReadBlock((int)(head & ~IsPlain), (head & IsPlain) != 0, at);
            ReadOnlySpan<byte> run = _window.TakeNew();
            _sum?.Append(run);
            _length += run.Length;
            if (!run.IsEmpty)
                return run;
        }
        return [];
    }

    private void ReadBlock(int size, bool isPlain, long at)
    {
        if (size > _maxBlock)
            throw Fault($"has a block of {size} bytes, {_maxBlock} is the most", at);
        _window.MakeRoom(_maxBlock);
        ReadOnlySpan<byte> all = _input.Take(size + ((_flags & HasBlockSums) != 0 ? SumSize : 0));
        ReadOnlySpan<byte> block = all[..size];
        if ((_flags & HasBlockSums) != 0 && XxHash32.HashToUInt32(block) != BinaryPrimitives.ReadUInt32LittleEndian(all[^4..]))
            throw Fault("has a block of another check sum than it says", at);
        Decode(block, isPlain, at);
    }

    private void Decode(ReadOnlySpan<byte> block, bool isPlain, long at)
    {
        if (isPlain)
        {
            block.CopyTo(_window.Bytes.AsSpan(_window.End));
            _window.End += block.Length;
            return;
        }
        int first = (_flags & IsIndependent) != 0 ? _window.End : 0, end = _window.End + _maxBlock;
        int length = Lz4Decoder.DecodeBlock(block, _window.Bytes.AsSpan(first..end), _window.End - first);
        if (length < 0)
            throw Fault("has a block that cannot be decoded", at);
        _window.End = first + length;
    }

    private void Finish()
    {
        _hasEnded = true;
        long at = _input.Position;
        if (_sum is not null)
        {
            uint sum = BinaryPrimitives.ReadUInt32LittleEndian(_input.Take(SumSize)), found = _sum.GetCurrentHashAsUInt32();
            if (sum != found)
                throw Fault($"decodes to bytes of check sum {found:X8}, {sum:X8} was expected", at);
        }
        if (_expected is { } expected && expected != _length)
            throw Fault($"decodes to {_length} bytes, {expected} were expected", _start);
    }

    private CorruptImageException Fault(string what, long at) => _input.Corrupt($"the LZ4 frame at byte {_start} {what}", at);
}
