using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Lamina.Compression;

/// <summary>
/// Decodes a DEFLATE stream of any length in pieces, and says at which byte of the input it ended: what the base library's
/// stream does not say.
/// </summary>
internal sealed class StreamInflater
{
    /// <summary>How far back a copy may go, in bytes.</summary>
    public const int History = 32 << 10;

    /// <summary>Zeros that must be behind the input's end, as it is read in steps.</summary>
    public const int Padding = 16;

    /// <summary>Input that is there at least, if it is not the last: more than the codes at a block's start can take.</summary>
    public const int MinInput = 1024;

    /// <summary>Room in the output that one step takes at most: three literals and the longest copy, and what a copy may
    /// write behind its end.</summary>
    public const int MinOutput = 3 + 258 + 64;

    private const int MaxLiterals = 288, MaxDistances = 32, LiteralBits = 11, DistanceBits = 9;

    private static readonly ushort[] s_lengths =
        [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];

    private static readonly ushort[] s_distances =
    [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769,
        1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
    ];

    /// <summary>The entries of symbols. Those from 286 and 30 on are in the fixed codes and mean nothing.</summary>
    private static readonly uint[] s_literalEntries = MakeLiterals(), s_distanceEntries = MakeDistances(),
        s_plainEntries = [.. Enumerable.Range(0, 19).Select(i => (uint)i << 16)];

    private static readonly (StreamCode Literals, StreamCode Distances) s_fixed = MakeFixed();

    /// <summary>The order in which the lengths of the code for code lengths are stored.</summary>
    private static ReadOnlySpan<byte> CodeLengthOrder => [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    private readonly StreamCode _literals = new(LiteralBits, MaxLiterals), _distances = new(DistanceBits, MaxDistances);
    private readonly StreamCode _codeLengths = new(7, 19);
    private readonly byte[] _lengthsRead = new byte[MaxLiterals + MaxDistances];
    private StreamCode _currentLiterals = s_fixed.Literals, _currentDistances = s_fixed.Distances;
    private ulong _bits;
    private int _count;
    private int _stored;
    private bool _isLastBlock;
    private State _state = State.Header;

    private enum State
    {
        Header,
        Stored,
        Coded,
        Ended,
    }

    /// <summary>Whether the stream's last block is done.</summary>
    public bool HasEnded => _state == State.Ended;

    /// <summary>Starts a new stream.</summary>
    public void Reset()
    {
        _state = State.Header;
        _bits = 0;
        _count = 0;
        _isLastBlock = false;
    }

    /// <summary>Decodes until the stream ends, or there is too little input or room for another step.</summary>
    /// <param name="input">The input, with <see cref="Padding"/> zeros behind it, which are not part of the span.</param>
    /// <param name="isLast">Whether nothing comes behind it.</param>
    /// <param name="window">Output, the last of which is history.</param>
    /// <param name="at">Bytes of the input that were taken; right when the stream ended.</param>
    /// <param name="to">Where output goes on.</param>
    /// <returns>What is wrong; null if nothing is.</returns>
    public string? Run(ReadOnlySpan<byte> input, bool isLast, byte[] window, ref int at, ref int to)
    {
        int enough = isLast ? int.MaxValue : input.Length - MinInput;
        string? fault = null;
        while (fault is null && _state != State.Ended && at <= enough && to <= window.Length - MinOutput)
        {
            if (at > input.Length)
                return "is cut off";
            fault = _state switch
            {
                State.Header => ReadHeader(input, ref at),
                State.Stored => Store(input, window, ref at, ref to),
                _ => Decode(input, isLast, window, ref at, ref to),
            };
            at -= _count >> 3;                                          // whole bytes go back, so that the place is exact
            _count &= 7;
            _bits &= (1UL << _count) - 1;
            if (at > input.Length)
                return "is cut off";
        }
        return fault;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Refill(ReadOnlySpan<byte> input, ref int at)
    {
        if (at > input.Length + Padding - sizeof(ulong))
        {
            _count |= 56;                                               // long past the end: zeros, and the caller finds out
            at += 7;
            return;
        }
        _bits |= Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref MemoryMarshal.GetReference(input), at)) << _count;
        at += (63 - _count) >> 3;
        _count |= 56;
    }

    private int Take(int count)
    {
        int value = (int)(_bits & ((1UL << count) - 1));
        _bits >>= count;
        _count -= count;
        return value;
    }

    private string? ReadHeader(ReadOnlySpan<byte> input, ref int at)
    {
        if (_isLastBlock)
        {
            _state = State.Ended;
            return null;
        }
        Refill(input, ref at);
        _isLastBlock = Take(1) != 0;
        switch (Take(2))
        {
            case 0:
                Take(_count & 7);
                if (Take(16) is int length && Take(16) != (~length & 0xFFFF))
                    return "has a stored block whose two lengths differ";
                _stored = length;
                _state = State.Stored;
                return null;
            case 1:
                (_currentLiterals, _currentDistances) = s_fixed;
                break;
            case 2:
                if (!ReadCodes(input, ref at))
                    return "has codes that cannot be";
                (_currentLiterals, _currentDistances) = (_literals, _distances);
                break;
            default:
                return "has a block of a kind that there is not";
        }
        _state = State.Coded;
        return null;
    }

    private string? Store(ReadOnlySpan<byte> input, byte[] window, ref int at, ref int to)
    {
        int count = Math.Min(Math.Min(_stored, input.Length - at), window.Length - MinOutput - to + 1);
        if (count == 0 && _stored > 0)
            return "is cut off";
        input.Slice(at, count).CopyTo(window.AsSpan(to));
        at += count;
        to += count;
        _stored -= count;
        if (_stored == 0)
            _state = State.Header;
        return null;
    }

    /// <summary>Reads the two codes of a block that has its own: a row of code lengths, itself coded.</summary>
    private bool ReadCodes(ReadOnlySpan<byte> input, ref int at)
    {
        int literals = Take(5) + 257, distances = Take(5) + 1, own = Take(4) + 4;
        if (literals > 286 || distances > 30)
            return false;
        Span<byte> lengths = _lengthsRead;
        lengths[..19].Clear();
        foreach (byte symbol in CodeLengthOrder[..own])
        {
            Refill(input, ref at);
            lengths[symbol] = (byte)Take(3);
        }
        if (!_codeLengths.TryBuild(lengths[..19], s_plainEntries, mayBeIncomplete: false))
            return false;
        int total = literals + distances;
        for (int done = 0; done < total;)
        {
            Refill(input, ref at);
            uint entry = _codeLengths.Table[(int)_bits & 0x7F];
            if (entry == 0)
                return false;
            Take((int)(entry & 0xFF));
            int symbol = (int)(entry >> 16);
            if (symbol < 16)
            {
                lengths[done++] = (byte)symbol;
                continue;
            }
            if (symbol == 16 && done == 0)
                return false;
            byte repeated = symbol == 16 ? lengths[done - 1] : (byte)0;
            int count = symbol switch { 16 => 3 + Take(2), 17 => 3 + Take(3), _ => 11 + Take(7) };
            if (count > total - done)
                return false;
            lengths.Slice(done, count).Fill(repeated);
            done += count;
        }
        return lengths[256] != 0
            && _literals.TryBuild(lengths[..literals], s_literalEntries, mayBeIncomplete: true)
            && _distances.TryBuild(lengths[literals..total], s_distanceEntries, mayBeIncomplete: true);
    }

    private string? Decode(ReadOnlySpan<byte> input, bool isLast, byte[] window, ref int position, ref int output)
    {
        uint[] literals = _currentLiterals.Table, distances = _currentDistances.Table;
        ref byte source = ref MemoryMarshal.GetReference(input);
        int at = position, to = output, count = _count;
        int lastInput = isLast ? input.Length + Padding - sizeof(ulong) : input.Length - MinInput;
        int lastOutput = window.Length - MinOutput;
        ulong bits = _bits;
        string? fault = null;
        while (at <= lastInput && to <= lastOutput)
        {
            bits |= Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref source, at)) << count;
            at += (63 - count) >> 3;
            count |= 56;
            uint entry = literals[(int)bits & ((1 << LiteralBits) - 1)];
            if ((entry & StreamCode.Literal) != 0)
            {
                bits >>= (int)(entry & 0xFF);
                count -= (int)(entry & 0xFF);
                window[to++] = (byte)(entry >> 16);
                entry = literals[(int)bits & ((1 << LiteralBits) - 1)];
                if ((entry & StreamCode.Literal) != 0)
                {
                    bits >>= (int)(entry & 0xFF);
                    count -= (int)(entry & 0xFF);
                    window[to++] = (byte)(entry >> 16);
                    entry = literals[(int)bits & ((1 << LiteralBits) - 1)];
                    if ((entry & StreamCode.Literal) != 0)
                    {
                        bits >>= (int)(entry & 0xFF);
                        count -= (int)(entry & 0xFF);
                        window[to++] = (byte)(entry >> 16);
                        continue;
                    }
                }
                if (at > input.Length + Padding - sizeof(ulong))
                    break;                                              // past the end: what is missing is found by the caller
                bits |= Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref source, at)) << count;
                at += (63 - count) >> 3;
                count |= 56;
            }
            if ((entry & StreamCode.KindMask) != 0)
            {
                if ((entry & StreamCode.Further) != 0)
                {
                    bits >>= LiteralBits;
                    count -= LiteralBits;
                    entry = literals[(int)(entry >> 16) + ((int)bits & ((1 << (StreamCode.MaxBits - LiteralBits)) - 1))];
                }
                if ((entry & StreamCode.KindMask) != 0)
                {
                    bits >>= (int)(entry & 0xFF);
                    count -= (int)(entry & 0xFF);
                    if ((entry & StreamCode.Literal) != 0)
                    {
                        window[to++] = (byte)(entry >> 16);
                        continue;
                    }
                    _state = State.Header;
                    break;
                }
            }
            if (entry == 0)
            {
                fault = "has bits that are no code";
                break;
            }
            bits >>= (int)(entry & 0xFF);
            int extra = (int)(entry >> 8) & 0x1F;
            int length = (int)(entry >> 16) + (int)(bits & ((1UL << extra) - 1));
            bits >>= extra;
            count -= (int)(entry & 0xFF) + extra;

            entry = distances[(int)bits & ((1 << DistanceBits) - 1)];
            if ((entry & StreamCode.Further) != 0)
            {
                bits >>= DistanceBits;
                count -= DistanceBits;
                entry = distances[(int)(entry >> 16) + ((int)bits & ((1 << (StreamCode.MaxBits - DistanceBits)) - 1))];
            }
            bits >>= (int)(entry & 0xFF);
            extra = (int)(entry >> 8) & 0x1F;
            int distance = (int)(entry >> 16) + (int)(bits & ((1UL << extra) - 1));
            bits >>= extra;
            count -= (int)(entry & 0xFF) + extra;
            if (entry == 0 || distance > to)
            {
                fault = entry == 0 ? "has bits that are no code" : $"copies from {distance} bytes back, where nothing is";
                break;
            }
            BackReference.Copy(window, to, distance, length);
            to += length;
        }
        _bits = bits;
        _count = count;
        position = at;
        output = to;
        return fault;
    }

    private static uint[] MakeLiterals()
    {
        uint[] entries = new uint[MaxLiterals];
        for (uint i = 0; i < 256; i++)
            entries[i] = (i << 16) | StreamCode.Literal;
        entries[256] = StreamCode.EndOfBlock;
        for (int i = 0; i < s_lengths.Length; i++)
            entries[257 + i] = ((uint)s_lengths[i] << 16) | (i is < 8 or 28 ? 0 : (uint)((i / 4) - 1) << 8);
        return entries;
    }

    private static uint[] MakeDistances()
    {
        uint[] entries = new uint[MaxDistances];
        for (int i = 0; i < s_distances.Length; i++)
            entries[i] = ((uint)s_distances[i] << 16) | (i < 4 ? 0 : (uint)((i / 2) - 1) << 8);
        return entries;
    }

    private static (StreamCode Literals, StreamCode Distances) MakeFixed()
    {
        byte[] lengths = new byte[MaxLiterals];
        lengths.AsSpan(0, 144).Fill(8);
        lengths.AsSpan(144, 112).Fill(9);
        lengths.AsSpan(256, 24).Fill(7);
        lengths.AsSpan(280).Fill(8);
        StreamCode literals = new(LiteralBits, MaxLiterals), distances = new(DistanceBits, MaxDistances);
        literals.TryBuild(lengths, s_literalEntries, mayBeIncomplete: false);
        byte[] distanceLengths = new byte[MaxDistances];
        distanceLengths.AsSpan().Fill(5);
        distances.TryBuild(distanceLengths, s_distanceEntries, mayBeIncomplete: false);
        return (literals, distances);
    }
}
