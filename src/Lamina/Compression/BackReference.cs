using System.Runtime.Intrinsics;

namespace Lamina.Compression;

/// <summary>Copies within output that is being decoded: what all the LZ77 family of codecs shares.</summary>
internal static class BackReference
{
    /// <summary>Up to this length fixed steps are faster.</summary>
    private const int MaxWide = 64;

    /// <summary>
    /// Writes <paramref name="length"/> bytes at <paramref name="at"/> that repeat those <paramref name="distance"/> before.
    /// Where distance is less than length, the copy feeds on itself. The caller has checked that distance is from 1 to at,
    /// and that the length fits; a mistake would be an exception, never a write outside the output. Bytes after the copy may
    /// be changed.
    /// </summary>
    public static void Copy(Span<byte> output, int at, int distance, int length)
    {
        // Most copies are short. A few of a fixed size cost less than one of the right size.
        if (length > MaxWide || distance < Vector128<byte>.Count || output.Length - at < length + Vector128<byte>.Count)
        {
            CopyLong(output, at, distance, length);
            return;
        }
        int end = at + length;
        for (; at < end; at += Vector128<byte>.Count)
            Vector128.Create<byte>(output[(at - distance)..]).CopyTo(output[at..]);
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
