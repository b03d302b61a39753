using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lamina.Compression;

/// <summary>
/// LZ4 blocks. A block is a row of sequences: a token, literal bytes, then the distance and length of a copy; the last one
/// ends after its literals.
/// </summary>
/// <remarks>
/// Not the package that tests encode with, though that decodes faster: it works with pointers, takes a distance of 0, and
/// refuses some blocks that hold all that is asked of them.
/// </remarks>
/// <param name="isPadded">Whether clusters are padded in front (the 0-padding feature), or behind with anything.</param>
internal sealed class Lz4Decoder(bool isPadded) : IClusterDecoder
{
    private const int MinCopy = 4;

    /// <summary>The value of a half token that says that more bytes of length follow.</summary>
    private const int LongLength = 15;

    /// <summary>
    /// Bytes there must be for a sequence of a few literals to be read, and to be written, in steps: a step of literals or a
    /// distance behind 14 of them; 14 literals, and two steps of a copy.
    /// </summary>
    private const int ShortInput = 16, ShortOutput = 48;

    /// <inheritdoc/>
    public bool TryDecode(ReadOnlySpan<byte> cluster, Span<byte> destination, bool isPartial) => isPadded
        ? Decode(ClusterDecoders.SkipPadding(cluster), destination, 0, isPartial) == destination.Length
        : Decode(cluster, destination, 0, isPartial: true) == destination.Length; // where the data ends is not known otherwise

    /// <summary>Decodes a block that says itself where it ends.</summary>
    /// <param name="input">The block.</param>
    /// <param name="output">What copies may refer to, and the most room the block may fill behind it.</param>
    /// <param name="to">Where in the output it begins.</param>
    /// <returns>Where in the output it ends; -1 if the bytes are bad.</returns>
    public static int DecodeBlock(ReadOnlySpan<byte> input, Span<byte> output, int to) => Decode(input, output, to, false);

    private static int Decode(ReadOnlySpan<byte> input, Span<byte> output, int to, bool isPartial)
    {
        int from = 0;
        while (from < input.Length)
        {
            int token = input[from++];
            int literals = token >> 4, length = token & LongLength;
            if (literals != LongLength && from <= input.Length - ShortInput && to <= output.Length - ShortOutput)
            {
                // What most sequences are, with room on both sides: a step for the literals, whatever their number, and two for
                // the copy.
                Step(input, from, output, to);
                from += literals;
                to += literals;
                if (length != LongLength)
                {
                    int near = BinaryPrimitives.ReadUInt16LittleEndian(input[from..]);
                    if (near >= Vector128<byte>.Count && near <= to)
                    {
                        from += sizeof(ushort);
                        Step(output, to - near, output, to);
                        if (length > Vector128<byte>.Count - MinCopy)
                            Step(output, to - near + Vector128<byte>.Count, output, to + Vector128<byte>.Count);
                        to += length + MinCopy;
                        continue;
                    }
                }
            }
            else
            {
                if (literals == LongLength && !TryReadLength(input, ref from, ref literals))
                    return -1;
                if (literals > output.Length - to)
                {
                    if (!isPartial)
                        return -1;
                    literals = output.Length - to;
                }
                if (literals > input.Length - from)
                    return -1;
                input.Slice(from, literals).CopyTo(output[to..]);
                from += literals;
                to += literals;
                if (isPartial && to == output.Length)
                    return to;
                if (from == input.Length)
                    return to;
            }

            if (input.Length - from < sizeof(ushort))
                return -1;
            int distance = BinaryPrimitives.ReadUInt16LittleEndian(input[from..]);
            from += sizeof(ushort);
            if (length == LongLength && !TryReadLength(input, ref from, ref length))
                return -1;
            length += MinCopy;
            if (distance == 0 || distance > to)
                return -1;
            if (length > output.Length - to)
            {
                if (!isPartial)
                    return -1;
                length = output.Length - to;
            }
            BackReference.Copy(output, to, distance, length);
            to += length;
            if (isPartial && to == output.Length)
                return to;
        }
        return -1;
    }

    /// <summary>Copies a step of a fixed size. That both sides have room for it was checked before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(ReadOnlySpan<byte> source, int from, Span<byte> destination, int to) =>
        Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(source), (nuint)from)
            .StoreUnsafe(ref MemoryMarshal.GetReference(destination), (nuint)to);

    /// <summary>Adds bytes to the length up to the first that is not 255.</summary>
    private static bool TryReadLength(ReadOnlySpan<byte> input, ref int from, ref int length)
    {
        while (from < input.Length)
        {
            byte more = input[from++];
            length += more;
            if (more != byte.MaxValue)
                return true;
            if (length > int.MaxValue / 2) // no output is that long, and the sum must not wrap
                return false;
        }
        return false;
    }
}
