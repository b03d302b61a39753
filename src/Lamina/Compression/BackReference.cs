using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lamina.Compression;

/// <summary>Copies within output that is being decoded: what all the LZ77 family of codecs shares.</summary>
internal static class BackReference
{
    /// <summary>Bytes a step, and how many behind a copy may be changed.</summary>
    private const int Step = 16;

    /// <summary>Up to this length fixed steps are faster.</summary>
    private const int MaxStepped = 256;

    /// <summary>
    /// For each distance below a step: which bytes of the pattern a step repeats. 16 rows of 16, the first unused.
    /// </summary>
    private static readonly byte[] s_repeats = [.. Enumerable.Range(0, Step * Step)
        .Select(i => (byte)(i < Step ? 0 : i % Step % (i / Step)))];

    /// <summary>
    /// Writes <paramref name="length"/> bytes at <paramref name="at"/> that repeat those <paramref name="distance"/> before.
    /// Where distance is less than length, the copy feeds on itself. The caller has checked that distance is from 1 to at,
    /// and that the length fits; a mistake is an exception, never a write outside the output. Bytes after the copy may be
    /// changed.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(Span<byte> output, int at, int distance, int length)
    {
        // Most copies are short. A few of a fixed size cost less than one of the right size.
        if ((uint)(distance - 1) >= (uint)at || (uint)length > MaxStepped || at > output.Length - length - Step)
            CopyLong(output, at, distance, length);
        else
            CopyStepped(ref Unsafe.Add(ref MemoryMarshal.GetReference(output), at), distance, length);
    }

    /// <summary>There is room for the copy and a step more, and the distance leads to a byte of the output.</summary>
    private static void CopyStepped(ref byte to, int distance, int length)
    {
        ref byte from = ref Unsafe.Subtract(ref to, distance);
        int done = 0;
        if (distance >= Step)
        {
            for (; done < length; done += Step)
                Vector128.LoadUnsafe(ref from, (nuint)done).StoreUnsafe(ref to, (nuint)done);
            return;
        }
        // A step holds the pattern as often as it fits; the next one begins where the last whole pattern ends.
        Vector128<byte> repeats = Vector128.Create(s_repeats, distance * Step);
        Vector128<byte> pattern = Vector128.Shuffle(Vector128.LoadUnsafe(ref from), repeats);
        int whole = Step - Step % distance;
        for (; done < length; done += whole)
            pattern.StoreUnsafe(ref to, (nuint)done);
    }

    private static void CopyLong(Span<byte> output, int at, int distance, int length)
    {
        int start = at - distance;
        while (length > 0)
        {
            // All from the start up to here is the pattern, repeated; each round doubles it.
            int count = Math.Min(at - start, length);
            output.Slice(start, count).CopyTo(output[at..]);
            at += count;
            length -= count;
        }
    }
}
