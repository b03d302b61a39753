namespace Lamina.Compression;

/// <summary>
/// Tells where blocks should end: pieces next to each other are joined as long as that saves bits by their entropy.
/// </summary>
internal sealed class DeflateSplitter
{
    /// <summary>What a header takes: so much, and a little for each symbol that occurs.</summary>
    private const float HeaderBits = 70, SymbolBits = 3.2f;

    private const int TableSize = 4096;
    private static readonly float[] Table = MakeTable();

    private readonly int[] _sum = new int[DeflateTokens.Symbols];
    private readonly int[] _joined = new int[DeflateTokens.Symbols];
    private readonly List<Part> _parts = [];
    private float _closed;
    private float _current;

    /// <summary>Pieces that make a block.</summary>
    private sealed record Part(int First, int Behind, float Cost)
    {
        /// <summary>What both parts take if joined, for the part in front of another.</summary>
        public float Joined { get; init; }
    }

    /// <summary>About how many bits the pieces so far take.</summary>
    public float Estimate => _closed + _current;

    /// <summary>Begins without pieces.</summary>
    public void Clear()
    {
        _closed = 0;
        _current = 0;
        Array.Clear(_sum);
    }

    /// <summary>Takes one more piece into the estimate.</summary>
    public void Add(ReadOnlySpan<int> piece)
    {
        for (int i = 0; i < DeflateTokens.Symbols; i++)
            _joined[i] = _sum[i] + piece[i];
        float joined = Cost(_joined), alone = _current == 0 ? float.PositiveInfinity : Cost(piece);
        if (joined <= _current + alone)
        {
            _joined.CopyTo(_sum, 0);
            _current = joined;
            return;
        }
        _closed += _current;
        _current = alone;
        piece.CopyTo(_sum);
    }

    /// <summary>Joins pieces to blocks.</summary>
    /// <param name="tokens">The pieces. Their counts are added up: the first of a block has those of all of it.</param>
    /// <param name="ends">Takes the piece behind each block.</param>
    public void Split(DeflateTokens tokens, List<int> ends)
    {
        ends.Clear();
        _parts.Clear();
        for (int i = 0; i < tokens.Pieces; i++)
            _parts.Add(new Part(i, i + 1, Cost(tokens.CountsOf(i))));
        for (int i = 0; i + 1 < _parts.Count; i++)
            Weigh(tokens, i);
        while (_parts.Count > 1)
        {
            int best = -1;
            float most = 0;
            for (int i = 0; i + 1 < _parts.Count; i++)
            {
                float saved = _parts[i].Cost + _parts[i + 1].Cost - _parts[i].Joined;
                if (saved > most)
                {
                    most = saved;
                    best = i;
                }
            }
            if (best < 0)
                break;
            Part left = _parts[best], right = _parts[best + 1];
            Span<int> to = tokens.CountsOf(left.First), from = tokens.CountsOf(right.First);
            for (int i = 0; i < to.Length; i++)
                to[i] += from[i];
            _parts[best] = new Part(left.First, right.Behind, left.Joined);
            _parts.RemoveAt(best + 1);
            if (best > 0)
                Weigh(tokens, best - 1);
            if (best + 1 < _parts.Count)
                Weigh(tokens, best);
        }
        foreach (Part part in _parts)
            ends.Add(part.Behind);
    }

    private void Weigh(DeflateTokens tokens, int part)
    {
        ReadOnlySpan<int> left = tokens.CountsOf(_parts[part].First), right = tokens.CountsOf(_parts[part + 1].First);
        for (int i = 0; i < DeflateTokens.Symbols; i++)
            _joined[i] = left[i] + right[i];
        _parts[part] = _parts[part] with { Joined = Cost(_joined) };
    }

    /// <summary>The entropy of both kinds of symbols, with the bits added to copies, and a header.</summary>
    private static float Cost(ReadOnlySpan<int> counts)
    {
        float cost = HeaderBits;
        int total = 0, used = 0;
        for (int i = 0; i < DeflateSymbols.Literals; i++)
        {
            int count = counts[i];
            if (count == 0)
                continue;
            total += count;
            used++;
            cost -= Weight(count);
            if (i > DeflateSymbols.EndOfBlock)
                cost += count * DeflateSymbols.LengthBits[i - 257];
        }
        cost += Weight(total);
        total = 0;
        for (int i = 0; i < DeflateSymbols.Distances; i++)
        {
            int count = counts[DeflateSymbols.Literals + i];
            if (count == 0)
                continue;
            total += count;
            used++;
            cost += count * DeflateSymbols.DistanceBits(i) - Weight(count);
        }
        return cost + Weight(total) + used * SymbolBits;
    }

    private static float Weight(int count) => count < TableSize ? Table[count] : count * MathF.Log2(count);

    private static float[] MakeTable()
    {
        float[] table = new float[TableSize];
        for (int i = 2; i < TableSize; i++)
            table[i] = i * MathF.Log2(i);
        return table;
    }
}
