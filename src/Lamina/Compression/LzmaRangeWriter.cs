using System.Runtime.CompilerServices;

namespace Lamina.Compression;

/// <summary>
/// The range encoder of LZMA. Writes nothing past its limit but counts on, so that one asks after each symbol whether it fits.
/// A byte is written only when no carry can change it any more: to take a symbol back, only the fields have to be restored.
/// </summary>
internal sealed unsafe class LzmaRangeWriter
{
    private const int ProbabilityBits = 11;
    private const int Rate = 5;
    private const uint MinRange = 1u << 24;
    private const int FlushCount = 5;

    private ulong _low;
    private uint _range;
    private uint _cache;
    private int _pending;
    private byte* _output;
    private int _limit;
    private int _at;

    private (ulong Low, uint Range, uint Cache, int Pending, int At) _saved;

    /// <summary>The exact size of the stream if it ended here.</summary>
    public int Size => _at + _pending + FlushCount - 1;

    /// <summary>Begins a stream; the output stays where it is until the stream is done.</summary>
    public void Start(byte* output, int limit)
    {
        (_low, _range, _cache, _pending, _at) = (0, uint.MaxValue, 0, 1, 0);
        _output = output;
        _limit = limit;
    }

    /// <summary>Remembers this place.</summary>
    public void Save() => _saved = (_low, _range, _cache, _pending, _at);

    /// <summary>Goes back to the place remembered. Probabilities stay as they became, so the stream has to end there.</summary>
    public void Restore() => (_low, _range, _cache, _pending, _at) = _saved;

    /// <summary>Writes all that is left, so that a decoder is at 0 after the last byte, and returns the size.</summary>
    public int Finish()
    {
        for (int i = 0; i < FlushCount; i++)
            ShiftLow();
        return _at;
    }

    /// <summary>Writes a bit and adapts its probability of being 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteBit(ushort* probability, uint bit)
    {
        int chance = *probability;
        uint bound = (_range >> ProbabilityBits) * (uint)chance;
        uint mask = 0u - bit;                       // bits of dense data are not foreseeable: no branch
        _low += bound & mask;
        _range = bound + ((_range - bound - bound) & mask);
        int aim = (int)(((1u << ProbabilityBits) & ~mask) + (((1u << Rate) - 1) & mask));
        *probability = (ushort)(chance + ((aim - chance) >> Rate));
        if (_range < MinRange)
        {
            _range <<= 8;
            ShiftLow();
        }
    }

    /// <summary>Writes a number, highest bit first.</summary>
    public void WriteTree(ushort* probabilities, int bits, uint value)
    {
        uint node = 1;
        for (int i = bits - 1; i >= 0; i--)
        {
            uint bit = (value >> i) & 1;
            WriteBit(probabilities + node, bit);
            node = (node << 1) | bit;
        }
    }

    /// <summary>Writes a number, lowest bit first.</summary>
    public void WriteReverseTree(ushort* probabilities, int bits, uint value)
    {
        uint node = 1;
        for (int i = 0; i < bits; i++)
        {
            uint bit = (value >> i) & 1;
            WriteBit(probabilities + node, bit);
            node = (node << 1) | bit;
        }
    }

    /// <summary>Writes a number whose bits are as likely 0 as 1.</summary>
    public void WriteDirect(uint value, int bits)
    {
        for (int i = bits - 1; i >= 0; i--)
        {
            _range >>= 1;
            _low += _range & (0u - ((value >> i) & 1));
            if (_range < MinRange)
            {
                _range <<= 8;
                ShiftLow();
            }
        }
    }

    private void ShiftLow()
    {
        if (_low is < 0xFF000000 or > uint.MaxValue)
        {
            uint carry = (uint)(_low >> 32);
            Put(_cache + carry);
            for (; _pending > 1; _pending--)
                Put(0xFF + carry);
            _pending = 0;
            _cache = (uint)(_low >> 24) & 0xFF;
        }
        _pending++;
        _low = (_low & 0x00FFFFFF) << 8;
    }

    private void Put(uint value)
    {
        if (_at < _limit)
            _output[_at] = (byte)value;
        _at++;
    }
}
