namespace Lamina.Compression;

/// <summary>
/// A Huffman code of limited length, made for symbols by how often they occur. Always complete: no decoder refuses it.
/// </summary>
internal sealed class PrefixCode
{
    private readonly int _maxBits;
    private readonly ulong[] _order;
    private readonly uint[] _weights;
    private readonly int[] _lengthCounts;

    /// <summary>Makes room for a code.</summary>
    /// <param name="symbols">How many symbols there are, at least 2.</param>
    /// <param name="maxBits">The longest a symbol's code may be.</param>
    public PrefixCode(int symbols, int maxBits)
    {
        _maxBits = maxBits;
        _order = new ulong[symbols];
        _weights = new uint[symbols];
        _lengthCounts = new int[maxBits + 2];
        Lengths = new byte[symbols];
        Codes = new ushort[symbols];
    }

    /// <summary>The length of each symbol's code, in bits; 0 for those that do not occur.</summary>
    public byte[] Lengths { get; }

    /// <summary>Each symbol's code, its first bit lowest. Made by <see cref="AssignCodes"/>.</summary>
    public ushort[] Codes { get; }

    /// <summary>Chooses the lengths for symbols that occur so often.</summary>
    public void Build(ReadOnlySpan<int> frequencies)
    {
        Array.Clear(Lengths);
        int used = 0;
        for (int i = 0; i < frequencies.Length; i++)
        {
            if (frequencies[i] > 0)
                _order[used++] = ((ulong)(uint)frequencies[i] << 16) | (uint)i;
        }
        if (used < 2)
        {
            // Two codes of one bit, as some decoders refuse a code that leaves bits without meaning.
            int only = used == 0 ? 0 : (int)(_order[0] & 0xFFFF);
            Lengths[only] = 1;
            Lengths[only == 0 ? 1 : 0] = 1;
            return;
        }
        Span<ulong> order = _order.AsSpan(0, used);
        order.Sort();
        for (int i = 0; i < used; i++)
            _weights[i] = (uint)(order[i] >> 16);
        FindDepths(_weights.AsSpan(0, used));
        CountLengths(_weights.AsSpan(0, used));
        int symbol = 0;
        for (int bits = _maxBits; bits > 0; bits--)
        {
            for (int i = 0; i < _lengthCounts[bits]; i++)
                Lengths[(int)(order[symbol++] & 0xFFFF)] = (byte)bits;
        }
    }

    /// <summary>Makes the codes that the lengths stand for.</summary>
    public void AssignCodes()
    {
        Array.Clear(_lengthCounts);
        foreach (byte length in Lengths)
            _lengthCounts[length]++;
        _lengthCounts[0] = 0;
        Span<int> next = stackalloc int[_maxBits + 2];
        for (int bits = 1; bits <= _maxBits; bits++)
            next[bits] = (next[bits - 1] + _lengthCounts[bits - 1]) << 1;
        for (int i = 0; i < Lengths.Length; i++)
        {
            int bits = Lengths[i];
            if (bits != 0)
                Codes[i] = Reverse(next[bits]++, bits);
        }
    }

    private static ushort Reverse(int code, int bits)
    {
        int reversed = 0;
        for (int i = 0; i < bits; i++)
            reversed |= ((code >> i) & 1) << (bits - 1 - i);
        return (ushort)reversed;
    }

    /// <summary>
    /// Turns ascending weights into depths of leaves, in place: first each inner node's weight and parent are written over the
    /// leaves used up, then parents become depths, then depths are handed to the leaves.
    /// </summary>
    private static void FindDepths(Span<uint> nodes)
    {
        int count = nodes.Length, leaf = 0, inner = 0;
        for (int made = 0; made < count - 1; made++)
        {
            uint sum = 0;
            for (int child = 0; child < 2; child++)
            {
                if (leaf >= count || (inner < made && nodes[inner] < nodes[leaf]))
                {
                    sum += nodes[inner];
                    nodes[inner++] = (uint)made;
                }
                else
                {
                    sum += nodes[leaf++];
                }
            }
            nodes[made] = sum;
        }
        nodes[count - 2] = 0;
        for (int node = count - 3; node >= 0; node--)
            nodes[node] = nodes[(int)nodes[node]] + 1;
        int free = 1, next = count - 1;
        inner = count - 2;
        for (uint depth = 0; free > 0; depth++)
        {
            int taken = 0;
            for (; inner >= 0 && nodes[inner] == depth; inner--)
                taken++;
            for (; free > taken; free--)
                nodes[next--] = depth;
            free = 2 * taken;
        }
    }

    /// <summary>Counts the leaves of each depth, and moves those that are too deep up to the limit.</summary>
    private void CountLengths(ReadOnlySpan<uint> depths)
    {
        Array.Clear(_lengthCounts);
        long space = 0;
        foreach (uint depth in depths)
        {
            int bits = (int)Math.Min(depth, (uint)_maxBits);
            _lengthCounts[bits]++;
            space += 1L << (_maxBits - bits);
        }
        // Each turn makes one code longer that is not at the limit, and pairs it with one from the limit: one unit is won.
        for (; space > 1L << _maxBits; space--)
        {
            int bits = _maxBits - 1;
            while (_lengthCounts[bits] == 0)
                bits--;
            _lengthCounts[bits]--;
            _lengthCounts[bits + 1] += 2;
            _lengthCounts[_maxBits]--;
        }
    }
}
