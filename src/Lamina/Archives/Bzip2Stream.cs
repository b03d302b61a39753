using System.Buffers.Binary;
using Lamina.Compression;

namespace Lamina.Archives;

/// <summary>A stream of bzip2: blocks of up to 900 kB, each with a CRC, and a CRC of those at the end.</summary>
internal sealed class Bzip2Stream : PackedStream
{
    private const int HeadSize = 4, BlockUnit = 100_000, OutputSize = 256 << 10;
    private const ulong BlockMagic = 0x314159265359, EndMagic = 0x177245385090;

    /// <summary>More than a block can take: 900,000 symbols of 20 bits, the codes and the choice of them.</summary>
    private const int MaxBlock = 2_400_000;

    private readonly PackedInput _input;
    private readonly Bzip2Block _block;
    private readonly byte[] _output = GC.AllocateUninitializedArray<byte>(OutputSize);
    private readonly long _start;
    private int _bit;                                                   // bits of the next byte that were read already
    private uint _sum, _expected;
    private bool _isInside, _hasEnded;

    public Bzip2Stream(PackedInput input)
    {
        _input = input;
        _start = input.Position;
        ReadOnlySpan<byte> head = input.Take(HeadSize);
        if (head[3] is < (byte)'1' or > (byte)'9')
            throw Fault($"has a level {head[3]:X2}, 31 to 39 was expected", _start + 3);
        _block = new Bzip2Block((head[3] - '0') * BlockUnit);
    }

    /// <summary>Whether bytes are a head, and the first block's or the end's number is behind it.</summary>
    public static bool IsHead(ReadOnlySpan<byte> head)
    {
        if (head.Length < 10 || !head.StartsWith("BZh"u8) || head[3] is < (byte)'1' or > (byte)'9')
            return false;
        ulong next = BinaryPrimitives.ReadUInt64BigEndian(head[2..]) & 0xFFFFFFFFFFFF;
        return next is BlockMagic or EndMagic;
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Next()
    {
        while (!_hasEnded)
        {
            if (!_isInside)
            {
                ReadBlock();
                continue;
            }
            int count = _block.Write(_output);
            if (count > 0)
                return _output.AsSpan(0, count);
            _isInside = false;
            if (_block.Sum != _expected)
                throw Fault($"has a block that decodes to bytes of CRC {_block.Sum:X8}, {_expected:X8} was expected");
            _sum = ((_sum << 1) | (_sum >> 31)) ^ _expected;
        }
        return [];
    }

    private void ReadBlock()
    {
        HighBitReader reader = new(_input.Peek(MaxBlock));
        reader.Take(_bit);
        ulong magic = ((ulong)reader.Take(24) << 24) | reader.Take(24);
        uint sum = (reader.Take(16) << 16) | reader.Take(16);
        string? fault = null;
        if (magic == BlockMagic)
        {
            _expected = sum;
            fault = _block.Read(ref reader);
            _isInside = true;
        }
        else if (magic != EndMagic)
        {
            fault = "has neither a block nor its end here";
        }
        if (reader.IsOverrun)
            throw _input.CutOff();
        if (fault is not null)
            throw Fault(fault);
        (int bytes, _bit) = Math.DivRem((int)reader.Position, 8);
        if (magic == EndMagic)
        {
            if (sum != _sum)
                throw Fault($"decodes to bytes of CRC {_sum:X8}, {sum:X8} was expected");
            _hasEnded = true;
            bytes += _bit > 0 ? 1 : 0;
        }
        _input.Skip(bytes);
    }

    private CorruptImageException Fault(string what, long? at = null) =>
        _input.Corrupt($"the bzip2 stream at byte {_start} {what}", at);
}
