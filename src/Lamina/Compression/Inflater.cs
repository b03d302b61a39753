namespace Lamina.Compression;

/// <summary>Decodes DEFLATE streams, one at a time; the Huffman tables are kept from one to the next.</summary>
internal sealed class Inflater
{
    private const int MaxLiterals = 288;
    private const int MaxDistances = 32;
    private const int EndOfBlock = 256;

    private static readonly (HuffmanTable Literals, HuffmanTable Distances) Fixed = BuildFixed();

    /// <summary>By symbol less 257: the shortest copy, and how many bits are added to it.</summary>
    private static readonly ushort[] LengthBase =
        [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];

    private static ReadOnlySpan<byte> LengthBits =>
        [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

    private static readonly ushort[] DistanceBase =
    [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769,
        1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
    ];

    private static ReadOnlySpan<byte> DistanceBits =>
        [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];

    /// <summary>
    /// The order in which the lengths of the code for code lengths are stored: those that are often 0 come last.
    /// </summary>
    private static ReadOnlySpan<byte> CodeLengthOrder => [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    private readonly HuffmanTable _literals = new(MaxLiterals);
    private readonly HuffmanTable _distances = new(MaxDistances);
    private readonly HuffmanTable _codeLengths = new(CodeLengthOrder.Length);
    private readonly byte[] _lengths = new byte[MaxLiterals + MaxDistances];

    /// <summary>How a block went.</summary>
    private enum Outcome
    {
        /// <summary>The bytes are bad, or decode to another length.</summary>
        Failed,

        /// <summary>The block ended.</summary>
        Ended,

        /// <summary>The output is full, and no more is wanted.</summary>
        Full,
    }

    public bool Decode(ReadOnlySpan<byte> input, Span<byte> output, bool isPartial)
    {
        BitReader reader = new(input);
        int to = 0;
        bool isLast;
        do
        {
            if (isPartial && to == output.Length)
                return !input.IsEmpty;
            reader.Refill();
            isLast = reader.Read(1) != 0;
            int kind = reader.Read(2);
            if (reader.IsOverrun)
                return false;
            Outcome outcome = kind switch
            {
                0 => Store(ref reader, output, ref to, isPartial),
                1 => DecodeBlock(ref reader, output, ref to, isPartial, Fixed.Literals, Fixed.Distances),
                2 when ReadTables(ref reader) => DecodeBlock(ref reader, output, ref to, isPartial, _literals, _distances),
                _ => Outcome.Failed,
            };
            if (outcome != Outcome.Ended)
                return outcome == Outcome.Full;
        }
        while (!isLast);
        return to == output.Length;
    }

    private static Outcome Store(ref BitReader reader, Span<byte> output, ref int to, bool isPartial)
    {
        if (!reader.TryReadBytes(2 * sizeof(ushort), out ReadOnlySpan<byte> header))
            return Outcome.Failed;
        int length = header[0] | (header[1] << 8);
        if (length != (~(header[2] | (header[3] << 8)) & 0xFFFF))
            return Outcome.Failed;
        bool isCut = length > output.Length - to;
        if (isCut)
        {
            if (!isPartial)
                return Outcome.Failed;
            length = output.Length - to;
        }
        if (!reader.TryReadBytes(length, out ReadOnlySpan<byte> bytes))
            return Outcome.Failed;
        bytes.CopyTo(output[to..]);
        to += length;
        return isCut ? Outcome.Full : Outcome.Ended;
    }

    private static Outcome DecodeBlock(
        ref BitReader source, Span<byte> output, ref int position, bool isPartial, HuffmanTable literals, HuffmanTable distances)
    {
        BitReader reader = source; // locals, so that they live in registers
        int to = position;
        while (true)
        {
            reader.Refill(); // enough for a whole copy
            int symbol = literals.Read(ref reader);
            if (symbol < EndOfBlock)
            {
                if (symbol < 0 || reader.IsOverrun)
                    return Outcome.Failed;
                if (to == output.Length)
                    return isPartial ? Outcome.Full : Outcome.Failed;
                output[to++] = (byte)symbol;
                continue;
            }
            if (symbol == EndOfBlock)
            {
                source = reader;
                position = to;
                return reader.IsOverrun ? Outcome.Failed : Outcome.Ended;
            }

            int lengthCode = symbol - EndOfBlock - 1;
            if (lengthCode >= LengthBase.Length)
                return Outcome.Failed;
            int length = LengthBase[lengthCode] + reader.Read(LengthBits[lengthCode]);
            int distanceCode = distances.Read(ref reader);
            if ((uint)distanceCode >= (uint)DistanceBase.Length)
                return Outcome.Failed;
            int distance = DistanceBase[distanceCode] + reader.Read(DistanceBits[distanceCode]);
            if (reader.IsOverrun || distance > to)
                return Outcome.Failed;
            if (length > output.Length - to)
            {
                if (!isPartial)
                    return Outcome.Failed;
                BackReference.Copy(output, to, distance, output.Length - to);
                return Outcome.Full;
            }
            BackReference.Copy(output, to, distance, length);
            to += length;
        }
    }

    /// <summary>
    /// Reads the two codes of a block that has its own. They are stored as one row of code lengths, itself coded.
    /// </summary>
    private bool ReadTables(ref BitReader reader)
    {
        int literals = reader.Read(5) + 257;
        int distances = reader.Read(5) + 1;
        int codeLengths = reader.Read(4) + 4;
        if (literals > 286 || distances > 30)
            return false;

        Span<byte> lengths = _lengths;
        Span<byte> own = lengths[..CodeLengthOrder.Length];
        own.Clear();
        foreach (byte symbol in CodeLengthOrder[..codeLengths])
        {
            reader.Refill();
            own[symbol] = (byte)reader.Read(3);
        }
        if (reader.IsOverrun || !_codeLengths.TryBuild(own, mayBeIncomplete: false))
            return false;

        int total = literals + distances;
        for (int at = 0; at < total;)
        {
            reader.Refill();
            int symbol = _codeLengths.Read(ref reader);
            if (symbol < 0)
                return false;
            if (symbol < 16)
            {
                lengths[at++] = (byte)symbol;
                continue;
            }
            if (symbol == 16 && at == 0)
                return false;
            byte repeated = symbol == 16 ? lengths[at - 1] : (byte)0;
            int count = symbol switch { 16 => 3 + reader.Read(2), 17 => 3 + reader.Read(3), _ => 11 + reader.Read(7) };
            if (reader.IsOverrun || count > total - at)
                return false;
            lengths.Slice(at, count).Fill(repeated);
            at += count;
        }
        return !reader.IsOverrun && lengths[EndOfBlock] != 0
            && _literals.TryBuild(lengths[..literals], mayBeIncomplete: true)
            && _distances.TryBuild(lengths[literals..total], mayBeIncomplete: true);
    }

    private static (HuffmanTable Literals, HuffmanTable Distances) BuildFixed()
    {
        byte[] lengths = new byte[MaxLiterals];
        lengths.AsSpan(0, 144).Fill(8);
        lengths.AsSpan(144, 112).Fill(9);
        lengths.AsSpan(256, 24).Fill(7);
        lengths.AsSpan(280).Fill(8);
        HuffmanTable literals = new(MaxLiterals);
        literals.TryBuild(lengths, mayBeIncomplete: false);

        byte[] distanceLengths = new byte[MaxDistances];
        distanceLengths.AsSpan().Fill(5);
        HuffmanTable distances = new(MaxDistances);
        distances.TryBuild(distanceLengths, mayBeIncomplete: false);
        return (literals, distances);
    }
}
