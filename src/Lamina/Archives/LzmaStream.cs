using System.Buffers.Binary;
using Lamina.Compression;

namespace Lamina.Archives;

/// <summary>
/// The old format of LZMA: properties, a dictionary's size, a length or -1, and one stream. It has no check sum.
/// </summary>
internal sealed class LzmaStream : PackedStream
{
    private const int HeadSize = 13, Step = 1 << 20;

    /// <summary>Bytes that one symbol takes at most, and some.</summary>
    private const int MaxSymbol = 32, MaxCopy = 273;

    /// <summary>What is longer than this is no file: what xz goes by, too.</summary>
    private const long MaxLength = 1L << 38;

    private readonly PackedInput _input;
    private readonly LzmaModel _model = new();
    private readonly LzmaWindow _window;
    private readonly long _start;
    private readonly bool _isLengthKnown;
    private long _left;
    private (uint Range, uint Code) _state;
    private bool _hasEnded;

    public LzmaStream(PackedInput input)
    {
        _input = input;
        _start = input.Position;
        ReadOnlySpan<byte> head = input.Take(HeadSize);
        if (!IsHead(head))
            throw input.Corrupt("has a head of LZMA that cannot be", _start);
        _model.Reset(LzmaProperties.TryParse(head[0])!.Value);
        _window = new LzmaWindow(Math.Max(BinaryPrimitives.ReadUInt32LittleEndian(head[1..]), 4096));
        _left = BinaryPrimitives.ReadInt64LittleEndian(head[5..]);
        _isLengthKnown = _left >= 0;
        if (input.Take(RangeReader.StartSize) is { } start && start[0] != 0)
            throw Bad();
        else
            _state = (uint.MaxValue, BinaryPrimitives.ReadUInt32BigEndian(start[1..]));
    }

    /// <summary>
    /// Whether bytes are such a head. There is no magic number: xz takes these sizes of dictionaries and these lengths for it.
    /// </summary>
    public static bool IsHead(ReadOnlySpan<byte> head)
    {
        if (head.Length < HeadSize || LzmaProperties.TryParse(head[0]) is null)
            return false;
        uint dictionary = BinaryPrimitives.ReadUInt32LittleEndian(head[1..]);
        long length = BinaryPrimitives.ReadInt64LittleEndian(head[5..]);
        uint top = dictionary & (dictionary - 1);                       // without its lowest bit
        bool isUsual = dictionary == uint.MaxValue
            || dictionary >= 4096 && (top == 0 || top == (dictionary - top) << 1 && (top & (top - 1)) == 0);
        return isUsual && length is -1 or (>= 0 and < MaxLength);
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Next()
    {
        if (_hasEnded)
            return [];
        if (!_window.TryMakeRoom(Step + MaxCopy))
        {
            throw new UnsupportedImageException(_input.Name,
                $"needs a dictionary of more than {LzmaWindow.MaxDictionary >> 20} MiB",
                Packed.AdviceOf("xz -dc", _input.Name));
        }
        int start = _window.End;
        int limit = start + (int)(_isLengthKnown ? Math.Min(_left, Step) : Step);
        int room = (int)(_isLengthKnown ? Math.Min(start + _left, limit + MaxCopy) : limit + MaxCopy);
        while (!_hasEnded && _window.End < limit)
            Run(limit, room);
        _left -= _window.End - start;
        if (_isLengthKnown && _left == 0 && !_hasEnded)
            End();
        return _window.TakeNew();
    }

    private void Run(int limit, int room)
    {
        ReadOnlySpan<byte> bytes = _input.Peek(2 * MaxSymbol);
        RangeReader reader = new(bytes, _state.Range, _state.Code);
        int to = _window.End, lastInput = _input.IsLast ? int.MaxValue : bytes.Length - MaxSymbol;
        LzmaModel.Outcome outcome =
            _model.Run(ref reader, _window.Bytes[..room], ref to, limit, lastInput, _window.Reach, isPartial: false);
        _window.End = to;
        if (outcome == LzmaModel.Outcome.Failed)
            throw reader.IsOverrun ? _input.CutOff() : Bad();
        if (outcome == LzmaModel.Outcome.Marked)
        {
            bool isEnd = !_isLengthKnown && reader.HasNoValue();
            if (reader.IsOverrun)
                throw _input.CutOff();
            if (!isEnd)
                throw Bad();
            _hasEnded = true;
        }
        _state = reader.State;
        _input.Skip(reader.Position);
    }

    /// <summary>At a known length there is no value left, or an end marker.</summary>
    private void End()
    {
        ReadOnlySpan<byte> bytes = _input.Peek(2 * MaxSymbol);
        RangeReader reader = new(bytes, _state.Range, _state.Code);
        if (!reader.HasNoValue())
        {
            int to = _window.End;
            if (_model.Run(ref reader, _window.Bytes, ref to, to + 1, int.MaxValue, _window.Reach, false)
                != LzmaModel.Outcome.Marked || !reader.HasNoValue())
                throw reader.IsOverrun ? _input.CutOff() : Bad();
        }
        if (reader.IsOverrun)
            throw _input.CutOff();
        _input.Skip(reader.Position);
        _hasEnded = true;
    }

    private CorruptImageException Bad() => _input.Corrupt($"the LZMA stream at byte {_start} cannot be decoded");
}
