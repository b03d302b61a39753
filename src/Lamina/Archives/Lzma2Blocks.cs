using System.Buffers.Binary;
using Lamina.Compression;

namespace Lamina.Archives;

/// <summary>LZMA2: chunks, each plain or LZMA with what is known of the chunks before, up to a 0.</summary>
internal sealed class Lzma2Blocks(PackedInput input, uint dictionary)
{
    private const int FirstLzma = 0x80, ResetState = 1, ResetAll = 3;

    private readonly LzmaModel _model = new();
    private readonly LzmaWindow _window = new(dictionary);
    private LzmaProperties _properties;
    private bool _hasDictionary, _hasProperties, _hasState;

    /// <summary>The next run; empty at the end.</summary>
    public ReadOnlySpan<byte> Next()
    {
        long at = input.Position;
        int control = input.TakeByte();
        if (control == 0)
            return [];
        bool isLzma = control >= FirstLzma;
        int resets = (control >> 5) & 3;
        if (isLzma ? resets == ResetAll : control == 1)
        {
            _window.Clear();
            _hasDictionary = true;
            _hasState &= !isLzma;
        }
        else if (!_hasDictionary || control is > 2 and < FirstLzma)
        {
            throw input.Corrupt($"has an LZMA2 chunk of kind {control:X2}, which cannot be here", at);
        }
        if (!isLzma)
            return Plain(BinaryPrimitives.ReadUInt16BigEndian(input.Take(2)) + 1);

        ReadOnlySpan<byte> sizes = input.Take(4);
        int size = ((control & 0x1F) << 16) + BinaryPrimitives.ReadUInt16BigEndian(sizes) + 1;
        int packed = BinaryPrimitives.ReadUInt16BigEndian(sizes[2..]) + 1;
        if (resets > ResetState)
        {
            _properties = LzmaProperties.TryParse(input.TakeByte())
                ?? throw input.Corrupt("has an LZMA2 chunk with properties that cannot be", at);
            _hasProperties = true;
        }
        if (resets >= ResetState && _hasProperties)
        {
            _model.Reset(_properties);
            _hasState = true;
        }
        if (!_hasState)
            throw input.Corrupt($"has an LZMA2 chunk of kind {control:X2}, which cannot be here", at);
        return Decode(size, packed, at);
    }

    private ReadOnlySpan<byte> Plain(int size)
    {
        MakeRoom(size);
        input.Take(size).CopyTo(_window.Bytes[_window.End..]);
        _window.End += size;
        return _window.TakeNew();
    }

    private ReadOnlySpan<byte> Decode(int size, int packed, long at)
    {
        MakeRoom(size);
        ReadOnlySpan<byte> chunk = input.Take(packed);
        if (packed >= RangeReader.StartSize)
        {
            RangeReader reader = new(chunk);
            int to = _window.End, end = to + size;
            bool isDone = _model.Run(ref reader, _window.Bytes[..end], ref to, end, int.MaxValue, _window.Reach, isPartial: false)
                == LzmaModel.Outcome.Stopped && reader.IsFinished();
            if (isDone)
            {
                _window.End = to;
                return _window.TakeNew();
            }
        }
        throw input.Corrupt("has an LZMA2 chunk that cannot be decoded", at);
    }

    private void MakeRoom(int size)
    {
        if (!_window.TryMakeRoom(size))
        {
            throw new UnsupportedImageException(input.Name,
                $"needs a dictionary of more than {LzmaWindow.MaxDictionary >> 20} MiB",
                Packed.AdviceOf("xz -dc", input.Name));
        }
    }
}
