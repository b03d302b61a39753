using System.Numerics;
using System.Runtime.CompilerServices;

namespace Lamina.Compression;

/// <summary>
/// The probabilities of an LZMA encoder, in one piece of memory that stays in place, for lc = 3, lp = 0, pb = 2: what every
/// writer of EROFS takes.
/// </summary>
internal sealed unsafe class LzmaChances
{
    public const int LiteralContext = 3;
    public const int PositionBits = 2;
    public const int Positions = 1 << PositionBits;
    public const byte Properties = (PositionBits * 5 * 9) + LiteralContext;

    public const int States = 12;
    public const int FirstStateAfterCopy = 7;
    public const int MinCopy = 2;
    public const int MaxCopy = 273;

    public const int SlotBits = 6;
    public const int LengthClasses = 4;
    public const int FirstModelSlot = 4;
    public const int EndModelSlot = 14;
    public const int EndModelDistance = 1 << (EndModelSlot / 2);
    public const int AlignBits = 4;

    // Lengths: two choices, then rows of 8 by position, rows of 8 by position, and 256.
    public const int LengthLow = 2;
    public const int LengthMiddle = LengthLow + (Positions << 3);
    public const int LengthHigh = LengthMiddle + (Positions << 3);
    private const int LengthSize = LengthHigh + 256;

    private const int LiteralSize = 0x300;

    private readonly ushort[] _memory;

    public readonly ushort* IsCopy, IsRepeat, IsNotFirst, IsNotSecond, IsNotThird, IsLongRepeat;
    public readonly ushort* Slots, Special, Align, CopyLengths, RepeatLengths, Literals;

    public LzmaChances()
    {
        int size = (2 * States * Positions) + (4 * States) + (LengthClasses << SlotBits)
            + ((EndModelSlot - FirstModelSlot) << 5) + (1 << AlignBits) + (2 * LengthSize) + (LiteralSize << LiteralContext);
        _memory = GC.AllocateArray<ushort>(size, pinned: true);
        ushort* at = (ushort*)Unsafe.AsPointer(ref _memory[0]);
        IsCopy = Take(ref at, States * Positions);
        IsLongRepeat = Take(ref at, States * Positions);
        IsRepeat = Take(ref at, States);
        IsNotFirst = Take(ref at, States);
        IsNotSecond = Take(ref at, States);
        IsNotThird = Take(ref at, States);
        Slots = Take(ref at, LengthClasses << SlotBits);
        Special = Take(ref at, (EndModelSlot - FirstModelSlot) << 5);
        Align = Take(ref at, 1 << AlignBits);
        CopyLengths = Take(ref at, LengthSize);
        RepeatLengths = Take(ref at, LengthSize);
        Literals = Take(ref at, LiteralSize << LiteralContext);
    }

    public void Reset() => _memory.AsSpan().Fill(RangeReader.Even);

    /// <summary>The probabilities of a literal behind a byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ushort* LiteralsAfter(uint before) => Literals + ((before >> (8 - LiteralContext)) * LiteralSize);

    /// <summary>The state after a literal.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int AfterLiteral(int state) => state < 4 ? 0 : state < 10 ? state - 3 : state - 6;

    /// <summary>The slot of a distance less 1: its highest two bits, and how many follow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint SlotOf(uint distance)
    {
        if (distance < FirstModelSlot)
            return distance;
        int top = BitOperations.Log2(distance);
        return ((uint)top << 1) | ((distance >> (top - 1)) & 1);
    }

    private static ushort* Take(ref ushort* at, int count)
    {
        ushort* taken = at;
        at += count;
        return taken;
    }
}
