using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Lamina.Compression;

/// <summary>Reads for the searches of LZ4. Who calls checks positions: nothing here knows where the source ends.</summary>
internal static class Lz4Bytes
{
    /// <summary>Four bytes, the first one lowest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Read4(ref byte source, int at)
    {
        uint value = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref source, at));
        return BitConverter.IsLittleEndian ? value : BinaryPrimitives.ReverseEndianness(value);
    }

    /// <summary>Eight bytes, the first one lowest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Read8(ref byte source, int at)
    {
        ulong value = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref source, at));
        return BitConverter.IsLittleEndian ? value : BinaryPrimitives.ReverseEndianness(value);
    }

    /// <summary>Where bytes at a position and at an earlier one are no longer the same: at most <paramref name="end"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int MatchEnd(ref byte source, int from, int at, int end)
    {
        while (at <= end - sizeof(ulong))
        {
            ulong difference = Read8(ref source, from) ^ Read8(ref source, at);
            if (difference != 0)
                return at + (BitOperations.TrailingZeroCount(difference) >> 3);
            from += sizeof(ulong);
            at += sizeof(ulong);
        }
        while (at < end && Unsafe.Add(ref source, from) == Unsafe.Add(ref source, at))
        {
            from++;
            at++;
        }
        return at;
    }
}
