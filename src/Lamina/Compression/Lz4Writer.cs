using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lamina.Compression;

/// <summary>Writes the sequences of an LZ4 block, and knows what still fits.</summary>
internal ref struct Lz4Writer
{
    /// <summary>The shortest match there is.</summary>
    public const int MinMatch = 4;

    /// <summary>How far back a match may lie.</summary>
    public const int MaxDistance = ushort.MaxValue;

    /// <summary>Bytes at the end of a block that are literals, as decoders copy in steps.</summary>
    public const int LiteralEnd = 5;

    /// <summary>Bytes at the end of a block in which no match begins.</summary>
    public const int MatchFreeEnd = 12;

    /// <summary>The value of a half token that says that more bytes of length follow.</summary>
    private const int LongLength = 15;

    private const int Step = 16;

    /// <summary>A token, a distance and two bytes of lengths, literals copied in a step, and the block's end.</summary>
    private const int ShortRoom = 5 + Step + 1 + MatchFreeEnd;

    private readonly ReadOnlySpan<byte> _source;
    private readonly Span<byte> _destination;
    private readonly bool _fills;
    private int _to;

    /// <param name="source">What is encoded.</param>
    /// <param name="destination">What takes the block.</param>
    /// <param name="fills">Whether a match that does not fit may be shortened, and the block end there.</param>
    public Lz4Writer(ReadOnlySpan<byte> source, Span<byte> destination, bool fills)
    {
        _source = source;
        _destination = destination;
        _fills = fills;
    }

    /// <summary>The position of the first byte that is in no sequence yet.</summary>
    public int Anchor { get; private set; }

    /// <summary>Behind this position no match fits: the literals before it would take all the room.</summary>
    public readonly int LastStart => (int)Math.Min(_source.Length - MatchFreeEnd, (long)Anchor + _destination.Length - _to);

    /// <summary>Writes the literals from <see cref="Anchor"/> on, and a match.</summary>
    /// <param name="at">Where the match begins, at most <see cref="MatchFreeEnd"/> before the end of the source.</param>
    /// <param name="distance">How far back it leads: 1 to <see cref="MaxDistance"/>.</param>
    /// <param name="length">Its length: it ends at least <see cref="LiteralEnd"/> before the end of the source.</param>
    /// <returns>Whether more may fit.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAdd(int at, int distance, int length)
    {
        int anchor = Anchor, literals = at - anchor, to = _to;
        // Most sequences are short, with room on both sides. Source: a literal step may read MatchFreeEnd behind a match's start.
        if ((uint)literals >= LongLength || length >= MinMatch + LongLength + byte.MaxValue
            || to > _destination.Length - ShortRoom || anchor > _source.Length - Step)
            return TryAddLong(at, distance, length);

        ref byte target = ref MemoryMarshal.GetReference(_destination);
        Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(_source), (nuint)anchor).StoreUnsafe(ref target, (nuint)to + 1);
        int more = length - MinMatch;
        ref byte token = ref Unsafe.Add(ref target, to);
        to += 1 + literals;
        if (!BitConverter.IsLittleEndian)
            distance = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness((ushort)distance);
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, to), (ushort)distance);
        to += sizeof(ushort);
        if (more >= LongLength)
        {
            Unsafe.Add(ref target, to++) = (byte)(more - LongLength);
            more = LongLength;
        }
        token = (byte)(literals << 4 | more);
        _to = to;
        Anchor = at + length;
        return true;
    }

    /// <summary>Writes the last literals: all, or as many as fit where the destination is to be filled.</summary>
    /// <param name="consumed">How many bytes of the source the block decodes to.</param>
    /// <returns>The length of the block; 0 if it does not fit, or there would be nothing in it.</returns>
    public int Finish(out int consumed)
    {
        int literals = _source.Length - Anchor, most = MostLiterals(_destination.Length - _to);
        if (literals > most && !_fills)
            literals = -Anchor;
        else
            literals = Math.Min(literals, most);
        consumed = Anchor + literals;
        if (consumed == 0)
            return 0;
        WriteLiterals(literals, 0);
        return _to;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAddLong(int at, int distance, int length)
    {
        int literals = at - Anchor;
        long room = (long)_destination.Length - _to - 1 - literals - LengthBytes(literals) - sizeof(ushort);
        bool isLast = room - LengthBytes(length - MinMatch) < EndRoom(length);
        if (isLast)
        {
            if (!_fills)
                return false;
            long lengthBytes = room - 1 - LiteralEnd;
            if (lengthBytes < 0)
                return false;
            length = (int)Math.Min(length, MinMatch + LongLength - 1 + lengthBytes * byte.MaxValue);
            if (room - LengthBytes(length - MinMatch) < EndRoom(length))
                return false;
        }
        int more = length - MinMatch;
        WriteLiterals(literals, Math.Min(more, LongLength));
        _destination[_to++] = (byte)distance;
        _destination[_to++] = (byte)(distance >> 8);
        if (more >= LongLength)
            WriteLength(more - LongLength);
        Anchor = at + length;
        return !isLast;
    }

    /// <summary>The least there must be behind a match: a token and the literals that a block ends with.</summary>
    private static int EndRoom(int length) => 1 + Math.Max(LiteralEnd, MatchFreeEnd - length);

    /// <summary>How many bytes a length takes beside its half of the token.</summary>
    private static int LengthBytes(int length) => length < LongLength ? 0 : (length - LongLength) / byte.MaxValue + 1;

    /// <summary>How many literals fit with their token and bytes of length.</summary>
    private static int MostLiterals(int room)
    {
        int left = room - 1 - LongLength - 1;
        return left < 0
            ? Math.Clamp(room - 1, 0, LongLength - 1)
            : LongLength + left / (byte.MaxValue + 1) * byte.MaxValue + Math.Min(left % (byte.MaxValue + 1), byte.MaxValue - 1);
    }

    private void WriteLiterals(int literals, int matchHalf)
    {
        _destination[_to++] = (byte)(Math.Min(literals, LongLength) << 4 | matchHalf);
        if (literals >= LongLength)
            WriteLength(literals - LongLength);
        _source.Slice(Anchor, literals).CopyTo(_destination[_to..]);
        _to += literals;
    }

    private void WriteLength(int rest)
    {
        int full = rest / byte.MaxValue;
        _destination.Slice(_to, full).Fill(byte.MaxValue);
        _to += full;
        _destination[_to++] = (byte)(rest - full * byte.MaxValue);
    }
}
