using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Lamina.Compression;

/// <summary>
/// The range decoder of LZMA. Past the end there are zeros, and <see cref="IsOverrun"/> tells: checked once for each symbol.
/// </summary>
internal ref struct RangeReader
{
    /// <summary>How many bytes it starts with; the first of them is not used.</summary>
    public const int StartSize = 5;

    private const int ProbabilityBits = 11;
    private const int Rate = 5; // how fast probabilities adapt: the larger, the slower
    private const uint MinRange = 1u << 24;

    /// <summary>The probability, in units of 1 in 2048, that nothing is known of.</summary>
    public const ushort Even = 1 << (ProbabilityBits - 1);

    private readonly ReadOnlySpan<byte> _input;
    private uint _range = uint.MaxValue;
    private uint _code;
    private int _at = StartSize;

    /// <summary>Starts to read; the input has at least <see cref="StartSize"/> bytes.</summary>
    public RangeReader(ReadOnlySpan<byte> input)
    {
        _input = input;
        _code = BinaryPrimitives.ReadUInt32BigEndian(input[1..]);
    }

    /// <summary>Goes on in a stream of which only a part is in memory at a time.</summary>
    public RangeReader(ReadOnlySpan<byte> input, uint range, uint code)
    {
        _input = input;
        (_range, _code, _at) = (range, code, 0);
    }

    /// <summary>Bytes of the input that were read.</summary>
    public readonly int Position => _at;

    /// <summary>What it takes to go on in another part of the stream.</summary>
    public readonly (uint Range, uint Code) State => (_range, _code);

    /// <summary>Whether more was read than there is.</summary>
    public readonly bool IsOverrun => _at > _input.Length;

    /// <summary>Whether this is where an encoder would have ended: every byte taken, and no value left.</summary>
    public bool IsFinished() => HasNoValue() && _at == _input.Length;

    /// <summary>Whether no value is left: an encoder may have ended here.</summary>
    public bool HasNoValue()
    {
        Normalize();
        return _code == 0;
    }

    /// <summary>Reads a bit and adapts its probability of being 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint ReadBit(ref ushort probability)
    {
        Normalize();
        uint chance = probability;
        uint bound = (_range >> ProbabilityBits) * chance;
        if (_code < bound)
        {
            _range = bound;
            probability = (ushort)(chance + (((1u << ProbabilityBits) - chance) >> Rate));
            return 0;
        }
        _range -= bound;
        _code -= bound;
        probability = (ushort)(chance - (chance >> Rate));
        return 1;
    }

    /// <summary>Reads a number, highest bit first; each bit has a probability for every value of those before it.</summary>
    public uint ReadTree(Span<ushort> probabilities, int bits)
    {
        uint node = 1;
        for (int i = 0; i < bits; i++)
            node = (node << 1) | ReadBit(ref probabilities[(int)node]);
        return node - (1u << bits);
    }

    /// <summary>Reads a number, lowest bit first.</summary>
    public uint ReadReverseTree(Span<ushort> probabilities, int bits)
    {
        uint node = 1;
        uint value = 0;
        for (int i = 0; i < bits; i++)
        {
            uint bit = ReadBit(ref probabilities[(int)node]);
            node = (node << 1) | bit;
            value |= bit << i;
        }
        return value;
    }

    /// <summary>Reads a number whose bits are as likely 0 as 1.</summary>
    public uint ReadDirect(int bits)
    {
        uint value = 0;
        for (int i = 0; i < bits; i++)
        {
            Normalize();
            _range >>= 1;
            uint isOne = _code >= _range ? 1u : 0;
            _code -= _range * isOne;
            value = (value << 1) | isOne;
        }
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Normalize()
    {
        if (_range >= MinRange)
            return;
        _range <<= 8;
        _code <<= 8;
        if (_at < _input.Length)
            _code |= _input[_at];
        _at++;
    }
}
