using System.Buffers.Binary;
using System.IO.Hashing;
using Lamina.Compression;

namespace Lamina.Archives;

/// <summary>A stream of xz: blocks of LZMA2, each with a check sum, an index of them, and a foot that repeats the head.</summary>
internal sealed class XzStream : PackedStream
{
    private const int HeadSize = 12, FootSize = 12, Unit = 4, SumSize = 4, FlagsAt = 6;
    private const byte Lzma2 = 0x21;
    private const int HasPackedSize = 0x40, HasSize = 0x80, ReservedFlags = 0x3C, FilterMask = 3;

    private readonly PackedInput _input;
    private readonly long _start;
    private readonly int _check;
    private readonly ushort _flags;
    private readonly XxHash128 _blocks = new(), _records = new();      // the index says what the blocks were: equal hashes
    private Lzma2Blocks? _block;
    private XzCheck _sum = null!;
    private long _count, _blockStart, _headSize, _length;
    private long? _packedExpected, _expected;
    private bool _hasEnded;

    public XzStream(PackedInput input)
    {
        _input = input;
        _start = input.Position;
        ReadOnlySpan<byte> head = input.Take(HeadSize);
        _flags = BinaryPrimitives.ReadUInt16LittleEndian(head[FlagsAt..]);
        if (Crc32.HashToUInt32(head[FlagsAt..^SumSize]) != BinaryPrimitives.ReadUInt32LittleEndian(head[^SumSize..]))
            throw Fault("has a head of another CRC-32 than it says", _start + FlagsAt);
        _check = _flags >> 8;
        if ((_flags & 0xFF) != 0 || !XzCheck.IsKnown(_check))
            throw new UnsupportedImageException(input.Name, $"the xz stream at byte {_start} has flags {_flags:X4}, not known");
    }

    public static ReadOnlySpan<byte> Magic => [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00];

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Next()
    {
        while (!_hasEnded)
        {
            if (_block is null && !BeginBlock())
            {
                ReadIndex();
                ReadFoot();
                _hasEnded = true;
                break;
            }
            ReadOnlySpan<byte> run = _block!.Next();
            _length += run.Length;
            _sum.Append(run);
            if (!run.IsEmpty)
                return run;
            EndBlock();
        }
        return [];
    }

    /// <summary>Reads the head of a block; false where the index begins.</summary>
    private bool BeginBlock()
    {
        _blockStart = _input.Position;
        int first = _input.TakeByte();
        if (first == 0)
            return false;
        _headSize = (first + 1) * Unit;
        ReadOnlySpan<byte> rest = _input.Take((int)_headSize - 1);
        Crc32 sum = new();
        sum.Append([(byte)first]);
        sum.Append(rest[..^SumSize]);
        if (sum.GetCurrentHashAsUInt32() != BinaryPrimitives.ReadUInt32LittleEndian(rest[^SumSize..]))
            throw Fault("has a block with a head of another CRC-32 than it says", _blockStart);
        rest = rest[..^SumSize];
        int flags = rest[0];
        if ((flags & ReservedFlags) != 0)
            throw Filters($"block flags {flags:X2}");
        rest = rest[1..];
        _packedExpected = (flags & HasPackedSize) != 0 ? TakeNumber(ref rest) : null;
        _expected = (flags & HasSize) != 0 ? TakeNumber(ref rest) : null;
        long filter = TakeNumber(ref rest), size = TakeNumber(ref rest);
        if ((flags & FilterMask) != 0 || filter != Lzma2)
            throw Filters($"the filter {filter:X2}{((flags & FilterMask) != 0 ? " in front of others" : "")}");
        if (size != 1 || rest.IsEmpty || rest[0] > 40)
            throw Fault("has a block whose dictionary cannot be", _blockStart);
        if (rest[1..].IndexOfAnyExcept((byte)0) >= 0)
            throw Fault("has a block with a head that is not padded with zeros", _blockStart);
        _block = new Lzma2Blocks(_input, DictionaryOf(rest[0]));
        _sum = new XzCheck(_check);
        _length = 0;
        return true;
    }

    /// <summary>Sizes are 2^n and 2^n + 2^(n-1), by turns.</summary>
    private static uint DictionaryOf(int code) => code == 40 ? uint.MaxValue : (2u | ((uint)code & 1)) << ((code / 2) + 11);

    private void EndBlock()
    {
        long packed = _input.Position - _blockStart - _headSize;
        if ((_packedExpected ?? packed) != packed || (_expected ?? _length) != _length)
            throw Fault($"has a block of {packed} bytes that decodes to {_length}; its head says other sizes", _blockStart);
        TakeZeros((int)(-packed & (Unit - 1)));
        long at = _input.Position;
        if (_sum.Compare(_input.Take(_sum.Size)) is { } difference)
            throw Fault($"has a block that decodes to bytes of {difference}", at);
        Note(_blocks, _headSize + packed + _sum.Size, _length);
        _count++;
        _block = null;
    }

    private void ReadIndex()
    {
        Crc32 sum = new();
        sum.Append([0]);
        long at = _input.Position - 1, count = TakeNumber(sum);
        if (count != _count)
            throw Fault($"has {_count} blocks and an index of {count}", at);
        for (; count > 0; count--)
            Note(_records, TakeNumber(sum), TakeNumber(sum));
        if (_blocks.GetCurrentHashAsUInt128() != _records.GetCurrentHashAsUInt128())
            throw Fault("has blocks of other sizes than its index says", at);
        for (int padding = (int)(-(_input.Position - at) & (Unit - 1)); padding > 0; padding--)
        {
            TakeZeros(1);
            sum.Append([0]);
        }
        _length = _input.Position - at;
        if (sum.GetCurrentHashAsUInt32() != BinaryPrimitives.ReadUInt32LittleEndian(_input.Take(SumSize)))
            throw Fault("has an index of another CRC-32 than it says", at);
    }

    private void ReadFoot()
    {
        long at = _input.Position;
        ReadOnlySpan<byte> foot = _input.Take(FootSize);
        if (Crc32.HashToUInt32(foot[SumSize..^2]) != BinaryPrimitives.ReadUInt32LittleEndian(foot) ||
            BinaryPrimitives.ReadUInt32LittleEndian(foot[4..]) != (_length + SumSize) / Unit - 1 ||
            BinaryPrimitives.ReadUInt16LittleEndian(foot[8..]) != _flags || !foot.EndsWith("YZ"u8))
            throw Fault("has a foot that contradicts its head and index", at);
    }

    private static void Note(XxHash128 hash, long packed, long length)
    {
        Span<byte> both = stackalloc byte[2 * sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(both, packed);
        BinaryPrimitives.WriteInt64LittleEndian(both[sizeof(long)..], length);
        hash.Append(both);
    }

    private void TakeZeros(int count)
    {
        if (_input.Take(count).IndexOfAnyExcept((byte)0) >= 0)
            throw Fault("has padding that is not zero", _input.Position - count);
    }

    /// <summary>A number of the index: seven bits a byte, lowest first.</summary>
    private long TakeNumber(Crc32 sum)
    {
        ReadOnlySpan<byte> bytes = _input.Peek(9);
        ReadOnlySpan<byte> rest = bytes;
        if (bytes.IsEmpty)
            throw _input.CutOff();
        long number = TakeNumber(ref rest);
        int taken = bytes.Length - rest.Length;
        sum.Append(bytes[..taken]);
        _input.Skip(taken);
        return number;
    }

    private long TakeNumber(ref ReadOnlySpan<byte> bytes)
    {
        long number = 0;
        for (int at = 0; at < Math.Min(bytes.Length, 9); at++)
        {
            number |= (long)(bytes[at] & 0x7F) << (7 * at);
            if (bytes[at] < 0x80)
            {
                if (bytes[at] == 0 && at > 0)
                    break;                                              // a longer form than need be
                bytes = bytes[(at + 1)..];
                return number;
            }
        }
        throw Fault("has a number that cannot be", _input.Position);
    }

    private UnsupportedImageException Filters(string what) => new(_input.Name,
        $"the xz stream at byte {_start} has {what}; LZMA2 alone is known", Packed.AdviceOf("xz -dc", _input.Name));

    private CorruptImageException Fault(string what, long at) => _input.Corrupt($"the xz stream at byte {_start} {what}", at);
}
